"""What the routes share: the project, the version in use, the spool and the journal; its health out."""

import math
import time
from dataclasses import dataclass, field
from typing import Any

from slipway.errors import OutsideError
from slipway.journal import Found, Shipper, SpoolWriter, find
from slipway.journal.damage import DamageCount
from slipway.journal.purge import Places
from slipway.journal.retention import Retention
from slipway.journal.spool import backlog
from slipway.journal.window import find_waiting
from slipway.model.store import BundleStore
from slipway.project import Project
from slipway.serve.access.admit import Access
from slipway.serve.access.known import KnownTokens
from slipway.serve.batch import Batcher
from slipway.serve.drift import DriftCheck, LatestDrift
from slipway.serve.http.body import Bodies
from slipway.serve.http.refusal import Refusal
from slipway.serve.live.paths import Paths
from slipway.serve.live.version import Live, LiveVersion
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
        self.writer.close()
        self.shipper.stop()

    def version(self) -> Live:
        """The version in use.

        Raises:
            Refusal: 503 with the reason, when there is none.
        """
        state = self.live.state
        if state.live is None:
            raise Refusal(503, state.refused or state.ledger_problem or NOTHING_RELEASED)
        return state.live

    @property
    def is_away(self) -> bool:
        """Whether the database could not be reached when it was last tried."""
        return self._storage_problem is not None

    @property
    def _storage_problem(self) -> str | None:
        return self.live.ledger_problem or self.access.problem

    def find(self, key: str) -> Found | None:
        """The prediction of this id, wherever it is kept now, of any replica; None where there is none.

        Raises:
            Refusal: 503, the database is away, and it is not in the spool.
        """
        if self._storage_problem is None:
            return find(self.storage.journal, self.settings.spool, [key]).get(key)
        found = find_waiting(self.settings.spool, [key]).get(key)
        if found is None:
            raise Refusal(503, f"Whether there is such a prediction can't be told now: {self._storage_problem}")
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
        reason = state.refused or (None if is_ready or state.ledger_problem else NOTHING_RELEASED)
        dependencies = {
            "release": {"ok": is_ready and reason is None, "reason": reason},
            "ledger": _dependency(self.live.ledger_problem),
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
            "dependencies": dependencies,
        }

    def _journal_health(self) -> dict[str, Any]:
        problem = self.writer.check() or self.shipper.problem
        try:
            waiting = backlog(self.settings.own_spool)
        except OutsideError as error:
            unknown = {"backlog_bytes": None, "lag_seconds": None}
            return {"ok": False, "reason": str(error), **unknown, "damaged_records": self.damage.count}
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
    project: Project, settings: Settings, storage: Storage, *, host: str = "127.0.0.1", drift: DriftCheck | None = None
) -> Service:
    """Put the parts together, to listen on `host`. Nothing is loaded and nothing runs yet."""
    damage = DamageCount(storage.journal, settings.spool)
    writer = SpoolWriter(settings.own_spool, project.api.durability)
    live = LiveVersion(storage.ledger, BundleStore(settings.bundles), settings.state / "live.json")
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
        Retention(Places.of(project, settings, storage), project.api.keep_days),
        LatestDrift(drift, project, storage.journal, storage.decisions),
        damage,
    )


def _dependency(problem: str | None) -> dict[str, Any]:
    return {"ok": problem is None, "reason": problem}


def unavailable(error: OutsideError) -> Refusal:
    """What a caller is told when the disk or a database is away."""
    return Refusal(503, str(error))
