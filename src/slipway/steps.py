"""What each step of the loop means for an opened project: the workspace's verbs, put together for `loop.py`."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from slipway.gate.hold import GateReport
from slipway.gate.latency import latency
from slipway.gate.lines import Line
from slipway.journal.label_type import label_type
from slipway.journal.labels import gather
from slipway.journal.partial import measurable_answers
from slipway.journal.shares import newest_within
from slipway.journal.window import read_window, truths_of
from slipway.loop import Learned, Report, Tick, Watched
from slipway.model.score import Scorer
from slipway.monitor.check import PREDICTION
from slipway.monitor.check import check as check_drift
from slipway.monitor.window import Monitored
from slipway.pipeline.orchestrated import T
from slipway.profile.drift import Measure
from slipway.project import Project, Replay
from slipway.records import Decision, Prediction
from slipway.release.watch import LATENCY_FLOOR_MS, LATENCY_RATIO, Side, compare
from slipway.storage.clock import latest_moment, unix_time
from slipway.storage.seams import Decisions, Lease
from slipway.tables.files import name_of, table_of

if TYPE_CHECKING:
    from slipway.workspace import Workspace


def open_tick(workspace: "Workspace", data: Path | None, *, report: Report, is_dry: bool = False) -> Tick:
    """Open a tick of the loop whose decisions are reported, and told to those who watch the project."""

    def told(decision: Decision) -> None:
        report(decision)
        failed = None if is_dry else workspace.notices.decided(decision)
        if failed is not None:
            report(failed)

    return Tick(Steps(workspace, data), is_dry=is_dry, report=told)


class Steps:
    """The loop's steps over one workspace; `data` is a file to check, and to learn from, instead of the journal."""

    def __init__(self, workspace: "Workspace", data: Path | None) -> None:
        self._workspace = workspace
        self._data = data
        self.project: Project = workspace.project
        self._held: GateReport | None = None

    @property
    def decisions(self) -> Decisions:
        return self._workspace.storage.decisions

    @property
    def lease(self) -> Lease:
        return self._workspace.storage.lease

    def live(self) -> int | None:
        return self._workspace.standing().live

    def check(self) -> Monitored:
        return self._step("check", "the window against its reference", lambda: self._workspace.monitor(data=self._data))

    def learn(self) -> Learned:
        """Add the truths that came to their source, and run what that makes stale.

        A candidate that an earlier tick left behind, because it crashed, is taken up instead of a new one.
        """
        model, found = self.project.model, None
        if model.retrain_into is not None:
            schema = self._workspace.live_scorer().bundle.schema
            path = self.project.labelled(model.retrain_into)
            more, journal = self._labelled_file(), self._workspace.storage.journal
            found = gather(journal, schema, model.target, path, more, max_share=model.max_source_share)
        ran = self._workspace.run()
        if ran.report.error is not None:
            raise ran.report.error
        candidate = ran.candidate if ran.candidate is not None else self._workspace.standing().candidate
        if found is None:
            return Learned(candidate, 0, ran.metrics)
        return Learned(candidate, found.rows, ran.metrics, found.sources, found.left_out)

    def hold(self, version: int) -> tuple[bool, dict[str, Any]]:
        held = self._step("gate", f"version {version}", lambda: self._workspace.gate(version))
        self._held = held
        return held.passed, held.to_json()

    def promote(self, version: int, why: str, fence: Callable[[], None]) -> None:
        self._step(
            "release",
            f"version {version}",
            lambda: self._workspace.release(version, why=why, report=self._held, fence=fence),
        )

    def watch(self) -> Watched | None:
        """Judge the version that is watched, if there is one, over its first predictions."""
        standing = self._workspace.standing()
        version, previous = standing.live, standing.previous
        if version is None or not standing.is_watched:
            return None
        self._workspace.ship()
        wanted = self.project.monitor.watch_rows
        since = self._live_again_since(version)
        seen = read_window(self._workspace.storage.journal, last=wanted, version=version)
        seen = [prediction for prediction in seen if prediction.at >= since]
        if len(seen) < wanted:
            return Watched(version, previous, "waiting", f"{len(seen)} of {wanted} predictions so far.", {})
        if previous is None:
            return Watched(version, None, "settled", "The first version has no predecessor to be held against.", {})
        before = read_window(self._workspace.storage.journal, last=wanted, version=previous)
        found = compare(
            self._side(version, seen),
            self._side(previous, before),
            kind=self.project.model.kind,
            drift_threshold=self.project.monitor.prediction_drift,
            ask_in_turn=lambda: self._latency(version, previous, [*seen, *before]),
        )
        verdict = "worse" if found.is_worse else "settled"
        return Watched(version, previous, verdict, f"Version {version}: {found.why}.", found.figures)

    def _live_again_since(self, version: int) -> float:
        """When a version that was live before was released once more, as Unix time: what it answered then was judged.

        0 of any other, and where a clock that was ahead has dated the release into the future.
        """
        released = [
            e.at for e in self._workspace.storage.ledger.entries() if (e.version, e.action) == (version, "released")
        ]
        at = unix_time(released[-1]) if len(released) > 1 else None
        return 0.0 if at is None or at > latest_moment() else at

    def settle(self, version: int, why: str) -> None:
        self._workspace.settle(version, why)

    def put_back(self, version: int, why: str) -> int:
        return self._workspace.rollback(why=why, instead_of=version).version

    def _step(self, name: str, why: str, work: Callable[[], T]) -> T:
        return self._workspace.orchestrator.step(name, why, work)

    def _side(self, version: int, predictions: list[Prediction]) -> Side:
        answered = [p for p in predictions if p.error is None]
        found = truths_of(self._workspace.storage.journal, predictions)
        counted = newest_within(found, self.project.model.max_source_share)
        truths = {key: truth.truth for key, truth in counted.items()}
        sources = {key: truth.source for key, truth in counted.items()}
        drift = self._prediction_drift(self._workspace.scorer(version), answered)
        return Side(predictions, truths, drift, sources)

    def _latency(self, version: int, previous: int, predictions: list[Prediction]) -> Line:
        """How long both versions take over journalled rows; over examples, where these are not whole."""
        promoted, before = self._workspace.scorer(version), self._workspace.scorer(previous)
        rows = [p.row for p in predictions if p.error is None and not promoted.bundle.schema.problems([p.row])]
        limit = Replay(latency_factor=LATENCY_RATIO, latency_floor_ms=LATENCY_FLOOR_MS)
        return latency(promoted, before, rows or promoted.bundle.examples()[0], limit, "")

    def _prediction_drift(self, scorer: Scorer, answered: list[Prediction]) -> Measure | None:
        if not answered:
            return None
        answered, part = measurable_answers(scorer, answered)
        answers = [p.prediction for p in answered]
        report = check_drift(self.project.monitor, part.profile, part.features, answers, part.raw)
        readings = report.columns[PREDICTION].readings
        return next((Measure(r.value, r.by_chance or 0.0) for r in readings if r.value is not None), None)

    def _labelled_file(self) -> Any:
        if self._data is None:
            return None
        table = table_of(self._data, literal=self.project.literal)
        target = self.project.model.target
        if target not in table.columns:
            return None
        manifest = self._workspace.live_scorer().bundle.manifest
        labels = label_type(manifest.kind, manifest.classes).of_column(table[target], name_of(self._data))
        return table.with_columns(pl.Series(target, labels, strict=False)).drop_nulls(target)
