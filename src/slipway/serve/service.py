"""What the routes share: the project, the version in use, the spool and the journal; its health out."""

import math
import time
from dataclasses import dataclass, field
from typing import Any

from slipway.errors import OutsideError
from slipway.journal import Found, Shipper, SpoolWriter, find
from slipway.journal.damage import DamageCount
from slipway.journal.label_type import ANY, LabelType, label_type
from slipway.journal.purge import Places
from slipway.journal.retention import Retention
from slipway.journal.spool import backlog
from slipway.journal.window import find_waiting
from slipway.model.store import BundleStore
from slipway.project import Project
from slipway.serve.access.admit import Access
from slipway.serve.access.known import KnownTokens
from slipway.serve.batch import Batcher
from slipway.serve.bulk.channel import Setup
from slipway.serve.bulk.process import BulkProcess
from slipway.serve.drift import DriftCheck, LatestDrift
from slipway.serve.http.body import Bodies
from slipway.serve.http.redaction import without_paths
from slipway.serve.http.refusal import Refusal
from slipway.serve.live.paths import Paths
from slipway.serve.live.version import Live, LiveVersion
from slipway.serve.log import Form
from slipway.serve.metrics import Metrics, Sample
from slipway.serve.personal import Personal
from slipway.settings import Settings
from slipway.storage import Storage

NOTHING_RELEASED = "Nothing is released yet. `slipway run` makes a candidate, `slipway release` puts it live."


@dataclass(frozen=True, slots=True)
class Service:
    """The parts of one running server."""

    project: Project
    settings: Settings
    storage: Storage
    access: Access
    live: LiveVersion
    paths: Paths
    writer: SpoolWriter
    shipper: Shipper
    batcher: Batcher
    bulk: BulkProcess
    retention: Retention
    drift: LatestDrift
    damage: DamageCount
    bodies: Bodies = field(default_factory=Bodies)
    metrics: Metrics = field(default_factory=Metrics)
    started: float = field(default_factory=time.time)

    def start(self) -> None:
        """Load what is live; from now on follow the ledger and the tokens, and ship."""
        self.access.look()
        self.access.start()
        self.live.look()
        self.live.start()
        self.shipper.start()
        self.retention.start()

    def stop(self) -> None:
        """Finish what is being scored, and ship everything, or leave it in the spool."""
        self.access.stop()
        self.retention.stop()
        self.live.stop()
        self.batcher.close()
        self.bulk.close()
        self.writer.close()
        self.shipper.stop()

    def version(self) -> Live:
        """The version in use.

        Raises:
            Refusal: 503 with the reason, when there is none.
        """
        state = self.live.state
        if state.live is None:
            raise Refusal(503, self.reason_for_none)
        return state.live

    @property
    def reason_for_none(self) -> str:
        """Why no version is in use, as callers are told it; the log has the rest."""
        state = self.live.state
        if state.refused is not None:
            return "What is released can't be used now. The service's log says why."
        if state.mistrust is not None:
            return "What the ledger says can't be trusted now. The service's log says why."
        if state.ledger_problem is not None:
            return "What is released can't be read now. The service's log says why."
        return NOTHING_RELEASED

    @property
    def is_away(self) -> bool:
        """Whether the database could not be reached when it was last tried."""
        return self._storage_problem is not None

    @property
    def _storage_problem(self) -> str | None:
        return self.live.ledger_problem or self.access.problem

    @property
    def expected_label(self) -> LabelType:
        """What can be true of the live version's predictions; any label where none is live."""
        live = self.live.state.live
        if live is None:
            return ANY
        manifest = live.scorer.bundle.manifest
        return label_type(manifest.kind, manifest.classes)

    def find(self, key: str) -> Found | None:
        """The prediction of this id, wherever it is kept now, of any replica; None where there is none.

        Raises:
            Refusal: 503, the database is away, and it is not in the spool.
        """
        if self._storage_problem is None:
            return find(self.storage.journal, self.settings.spool, [key]).get(key)
        found = find_waiting(self.settings.spool, [key]).get(key)
        if found is None:
            raise Refusal(503, "Whether there is such a prediction can't be told now: the database is away.")
        return found

    def gauges(self) -> list[Sample]:
        """What Prometheus is told of this moment."""
        state = self.live.state
        try:
            waiting: float = backlog(self.settings.own_spool).bytes
        except OutsideError:  # health says why; the other figures are still to be had
            waiting = math.nan
        return [
            (
                "slipway_live_version",
                "gauge",
                "The version in use; 0 for none.",
                state.live.version if state.live else 0,
            ),
            ("slipway_release_refused", "gauge", "1 while the newest release can't be used.", bool(state.refused)),
            ("slipway_requests_waiting", "gauge", "Requests that nobody has begun to score.", self.batcher.waiting),
            ("slipway_journal_backlog_bytes", "gauge", "What waits in the spool to be shipped.", waiting),
            ("slipway_started_seconds", "gauge", "Unix time of the start.", self.started),
        ]

    def health(self) -> dict[str, Any]:
        """Live, ready, and the state of each thing that the service depends on."""
        state = self.live.state
        is_ready = state.live is not None
        is_known = state.ledger_problem or state.mistrust
        reason = state.refused or (None if is_ready or is_known else NOTHING_RELEASED)
        dependencies = {
            "release": {"ok": is_ready and reason is None, "reason": reason},
            "ledger": _dependency(self.live.ledger_problem or state.mistrust),
            "tokens": _dependency(self.access.problem),
            "journal": self._journal_health(),
        }
        if (kind := self.settings.state_url.partition(":")[0]) != "sqlite":
            # What the three are on, by the name under which it runs.
            dependencies["postgres" if kind == "postgresql" else kind] = _dependency(self._storage_problem)
        is_well = all(each["ok"] for each in dependencies.values())
        return {
            "status": "ok" if is_well else "degraded" if is_ready else "unavailable",
            "live": True,
            "ready": is_ready,
            "name": self.project.name,
            "version": state.live.version if state.live else None,
            "uptime_seconds": round(time.time() - self.started, 1),
            "dependencies": {name: self._shown(each) for name, each in dependencies.items()},
        }

    def _shown(self, dependency: dict[str, Any]) -> dict[str, Any]:
        reason = dependency["reason"]
        return dependency if reason is None else {**dependency, "reason": without_paths(reason, self.settings.root)}

    def _journal_health(self) -> dict[str, Any]:
        problem = self.writer.check() or self.shipper.problem
        try:
            waiting = backlog(self.settings.own_spool)
        except OutsideError as error:
            unknown = {"backlog_bytes": None, "lag_seconds": None}
            told = {"damaged_records": self.damage.count, "retention_postponed": self.retention.postponed}
            return {"ok": False, "reason": str(error), **unknown, **told}
        lag = 0.0 if waiting.since is None else max(0.0, time.time() - waiting.since)
        return {
            "ok": problem is None,
            "reason": problem,
            "backlog_bytes": waiting.bytes,
            "lag_seconds": round(lag, 1) if problem else 0.0,
            "damaged_records": self.damage.count,
            "retention_postponed": self.retention.postponed,
        }


def open_service(
    project: Project,
    settings: Settings,
    storage: Storage,
    *,
    host: str = "127.0.0.1",
    drift: DriftCheck | None = None,
    log_form: Form = "auto",
    is_quiet: bool = False,
) -> Service:
    """Put the parts together, to listen on `host`. Nothing is loaded and nothing runs yet.

    Args:
        log_form, is_quiet: how the process for large requests logs.
    """
    damage = DamageCount(storage.journal, settings.spool)
    writer = SpoolWriter(settings.own_spool, project.api.durability)
    live = LiveVersion(storage.ledger, BundleStore(settings.bundles), settings.live_file, storage.place)
    return Service(
        project,
        settings,
        storage,
        Access(KnownTokens.of(settings, storage.tokens), host),
        live,
        Paths(project.api, live),
        writer,
        Shipper(settings.spool, storage.journal, settings.own_spool, damage.look),
        Batcher(writer, Personal(project.api)),
        BulkProcess(Setup(project, settings, log_form, is_quiet)),
        Retention(Places.of(project, settings, storage), project.api.keep_days),
        LatestDrift(drift, project, storage.journal, storage.decisions),
        damage,
    )


def _dependency(problem: str | None) -> dict[str, Any]:
    return {"ok": problem is None, "reason": problem}
