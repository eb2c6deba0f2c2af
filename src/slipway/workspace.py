"""An opened project, and the library's verbs: what the command line, a notebook or a scheduler calls."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from slipway.errors import CheckRefused, ProjectError
from slipway.pipeline.proposed import is_proposed
from slipway.pipeline.reported import reported_metrics
from slipway.pipeline.run import RunReport, run, run_lock, run_stage, stale
from slipway.project import Project, find_project, read_project
from slipway.records import Decision, LedgerEntry
from slipway.results import JournalState, LedgerView, Looped, Ran, Status, StoodUp, VersionFacts
from slipway.settings import Settings, read_settings

if TYPE_CHECKING:
    import polars as pl

    from slipway.journal.feedback import Kept
    from slipway.model.score import Scorer
    from slipway.model.store import BundleStore
    from slipway.monitor.window import Monitored
    from slipway.release.collect import Collected
    from slipway.release.gate import GateReport
    from slipway.release.states import Standing
    from slipway.release.switch import Releasing
    from slipway.serve.tokens import TokenBook
    from slipway.storage import Storage
    from slipway.tracking.seams import Tracker


def open_project(folder: Path | str = ".") -> "Workspace":
    """Open the project in a folder, or in the nearest folder above it.

    Raises:
        ProjectError: there is none, or its files are wrong; the message says where.
    """
    root = find_project(Path(folder))
    return Workspace(read_project(root), read_settings(root))


class Workspace:
    """A project with its backends open. Use it as a context manager, or call `close`."""

    def __init__(self, project: Project, settings: Settings) -> None:
        self.project = project
        self.settings = settings

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give back what the backends hold."""
        if "storage" in self.__dict__:
            self.storage.close()
        if "tracker" in self.__dict__:
            self.tracker.close()

    # Backends, opened when first asked for: most verbs need few of them.

    @cached_property
    def storage(self) -> "Storage":
        from slipway.storage import open_storage

        return open_storage(self.settings)

    @cached_property
    def tracker(self) -> "Tracker":
        from slipway.tracking import open_tracker

        return open_tracker(self.settings)

    @cached_property
    def store(self) -> "BundleStore":
        from slipway.model.store import BundleStore

        return BundleStore(self.settings.bundles)

    @property
    def tokens(self) -> "TokenBook":
        """Who may ask the service for what: all of them, add one, revoke one."""
        from slipway.serve.tokens import TokenBook

        return TokenBook(self.storage.tokens)

    # Build

    def run(
        self,
        stages: Sequence[str] = (),
        *,
        force: bool = False,
        sets: Sequence[str] = (),
        jobs: int = 1,
        on_progress: Callable[[str, str], None] | None = None,
    ) -> Ran:
        """Run what changed; a run that makes the model registers a candidate.

        Args:
            stages: only these and what they read; all if empty.
            force: run them even if nothing changed.
            sets: settings as "stage.key=value", written to params.yaml.
            jobs: how many stages may be executed at a time.
            on_progress: called with a stage's name and what happens to it.

        A stage that fails is in the report as `error`; nothing is registered then.
        """

        def progress(name: str, event: str) -> None:
            self.tracker.prepare()  # its two seconds pass beside the first stage that has work to do
            if on_progress is not None:
                on_progress(name, event)

        tables = self.storage.tables
        with run_lock(self.settings):
            report = run(
                self.project, self.settings, tables,
                wanted=stages, force=force, sets=sets, jobs=jobs, on_progress=progress,
            )  # fmt: skip
            metrics = self._reported(report)
            candidate = None
            if report.error is None and self._makes_model(report):
                candidate = self._propose(metrics)
        return Ran(report, candidate, metrics)

    def stage(self, name: str) -> None:
        """Execute one stage, whatever changed. Writes its artifacts and no lock: DVC holds that."""
        run_stage(self.project, self.settings, self.storage.tables, name)

    def status(self) -> Status:
        """What is stale and why, what is live, which candidate waits."""
        standing = self.standing()
        return Status(stale(self.project, self.settings), standing.live, standing.candidate)

    def dag(self, format: str = "text") -> str:
        """The graph of sources and stages, as text, Mermaid or SVG."""
        from slipway.pipeline.draw import draw

        return draw(self.project, format)

    def runs(self) -> list[VersionFacts]:
        """The versions that runs have made, oldest first."""
        standing = self.standing()
        made = {entry.version: entry.at for entry in self.storage.ledger.entries() if entry.action == "candidate"}
        facts = []
        for version, at in made.items():
            reported = self.store.open(standing.bundles[version]).manifest.reported
            facts.append(VersionFacts(version, standing.states[version], at, reported))
        return facts

    # Release

    def gate(self, version: int | None = None) -> "GateReport":
        """Hold a version against what the project asks, and against production; a candidate's outcome is recorded.

        Raises:
            ProjectError: there is no candidate, or no such version.
        """
        from slipway.release.switch import gate

        self.tracker.prepare()
        return gate(self._releasing(), version)

    def release(
        self,
        version: int | None = None,
        *,
        why: str = "",
        override: str | None = None,
        report: "GateReport | None" = None,
    ) -> LedgerEntry | None:
        """Run the gate and make the version live; None when it is live already.

        Args:
            override: why it goes live though the gate refuses it; recorded as such.
            report: the gate's table, from a caller who has just asked for it.

        Raises:
            ProjectError: there is no candidate, or no such version.
            CheckRefused: the gate does not pass, and there is no `override`.
        """
        from slipway.release.switch import release

        self.tracker.prepare()
        return release(self._releasing(), version, why=why, override=override, report=report)

    def rollback(self, to: int | None = None, *, why: str = "") -> LedgerEntry:
        """Put an earlier version back: loaded and tested before anything switches."""
        from slipway.release.switch import rollback

        self.tracker.prepare()
        return rollback(self._releasing(), to, why=why)

    def stand_up(self) -> StoodUp:
        """Release the candidate if the gate lets it pass; else what is live stays.

        Raises:
            CheckRefused: the candidate is refused and nothing is live.
        """
        standing = self.standing()
        if standing.candidate is None:
            if standing.live is None:
                raise ProjectError(
                    "Nothing is live and no candidate waits: the last one was refused. Change it, run again."
                )
            return StoodUp(standing.live, None, None)
        report = self.gate(standing.candidate)
        if not report.passed:
            if standing.live is None:
                raise CheckRefused(f"Version {standing.candidate} is refused and nothing is live: {report.sentence()}")
            return StoodUp(standing.live, None, report)
        entry = self.release(standing.candidate, why="up", report=report)
        return StoodUp(standing.candidate, entry, report)

    def ledger(self) -> LedgerView:
        """What was live when, by whom, why, and on what evidence."""
        from slipway.release.ledger import verify

        entries = self.storage.ledger.entries()
        return LedgerView(entries, verify(entries))

    def gc(self, *, is_dry: bool = False) -> "Collected":
        """Remove the bundles that no entry of the ledger refers to, and what a killed process left behind."""
        from slipway.release.collect import collect

        with run_lock(self.settings):  # a run keeps its bundle before the ledger names it
            return collect(self.settings, self.storage.ledger.entries(), is_dry=is_dry)

    # Serve

    def serve(
        self, *, host: str = "127.0.0.1", port: int = 8000, workers: int = 1, on_ready: Callable[[str], None]
    ) -> None:
        """Serve what is live until SIGTERM or SIGINT; `on_ready` gets the address once it answers."""
        from slipway.serve.server import serve

        if "tracker" in self.__dict__:  # `up` has used it, and a server that goes on for days has no need of it
            self.tracker.close()
        serve(self.project, self.settings, self.storage, host=host, port=port, workers=workers, on_ready=on_ready)

    def predict(self, file: Path) -> "pl.DataFrame":
        """A file's rows with `prediction`, `error` and a column of probability for each class."""
        from slipway.model.batch import answer_table
        from slipway.pipeline.tables import read_table

        return answer_table(self.live_scorer(), read_table(file))

    def feedback(self, file: Path, *, is_correction: bool = False) -> "Kept":
        """Keep what turned out to be true of predictions: columns `id` and `truth`."""
        from slipway.journal.feedback import keep_file

        manifest = self.live_scorer().bundle.manifest
        kept = keep_file(
            self.storage.journal,
            self.settings.spool,
            file,
            manifest.classes,
            source=self.settings.user,
            is_correction=is_correction,
        )
        self.ship()
        return kept

    def journalled(self) -> "pl.DataFrame":
        """Every journalled prediction with its latest truth."""
        from slipway.journal.window import export

        self.ship()
        return export(self.storage.journal)

    def journal_state(self) -> JournalState:
        """How much is journalled, and how much waits in the spool."""
        from slipway.journal.spool import read_spool

        predictions, truths = self.storage.journal.count()
        return JournalState(predictions, truths, len(read_spool(self.settings.spool)))

    # Watch

    def monitor(self, *, data: Path | None = None, hours: float | None = None, last: int | None = None) -> "Monitored":
        """What came in against what the live version learnt from.

        Args:
            data: a file to score instead; it is not journalled, and its target, if it has one, counts as truth.
            hours, last: the window in the journal, among the live version's predictions.
        """
        from slipway.monitor.window import monitor_file, monitor_journal

        version = self.require_live()
        scorer = self.scorer(version)
        if data is not None:
            return monitor_file(self.project, scorer, version, data)
        self.ship()
        return monitor_journal(self.project, scorer, version, self.storage.journal, hours=hours, last=last)

    def loop(
        self, *, data: Path | None = None, is_dry: bool = False, report: Callable[[Decision], None] = lambda d: None
    ) -> Looped:
        """One tick: an open watch judged first, then check, decide, retrain, gate, promote.

        Args:
            data: check this file instead of the journal; its labelled rows are learnt from too.
            is_dry: check and decide; change and record nothing.
        """
        from slipway.loop import Tick
        from slipway.steps import Steps

        tick = Tick(Steps(self, data), is_dry=is_dry, report=report)
        return Looped(tick.run(), self.standing().live)

    # What the verbs and the loop's steps are made of

    def standing(self) -> "Standing":
        """Where every version stands, by the ledger."""
        from slipway.release.states import stand

        return stand(self.storage.ledger.entries())

    def require_live(self) -> int:
        """The live version's number; a ProjectError with the remedy where there is none."""
        live = self.standing().live
        if live is None:
            raise ProjectError(
                "Nothing is live yet: `slipway up`, or `slipway run` and `slipway release`, changes that."
            )
        return live

    def scorer(self, version: int) -> "Scorer":
        """A version, verified and loaded."""
        from slipway.model.score import load_scorer

        return load_scorer(self.store.open(self.standing().bundles[version]))

    def live_scorer(self) -> "Scorer":
        """The live version, verified and loaded."""
        return self.scorer(self.require_live())

    def ship(self) -> None:
        """Bring what waits in the spool into the journal; a running server's shipper may do it meanwhile."""
        from slipway.journal.ship import Shipper

        Shipper(self.settings.spool, self.storage.journal).ship(wait_seconds=5.0)

    def settle(self, version: int, why: str) -> None:
        """End the watch over a version: it stays."""
        from slipway.release.switch import settle

        settle(self._releasing(), version, why=why)

    def _releasing(self) -> "Releasing":
        from slipway.release.switch import Releasing

        return Releasing(
            self.project.name,
            self.project.model,
            self.storage.ledger,
            self.storage.journal,
            self.store,
            self.tracker,
            self.settings.user,
        )

    def _makes_model(self, report: RunReport) -> bool:
        return any(stage.name == self.project.model_stage.name for stage in report.stages)

    def _reported(self, report: RunReport) -> dict[str, float]:
        """The project's own metrics, where this run had their stage in view."""
        artifact = self.project.artifacts.get(self.project.model.metrics)
        if artifact is None or report.error is not None or not any(s.name == artifact.maker for s in report.stages):
            return {}
        return reported_metrics(self.settings.root / artifact.path)

    def _propose(self, metrics: Mapping[str, float]) -> int | None:
        from slipway.release.candidate import CandidateMaker

        if is_proposed(self.settings):
            return None
        maker = CandidateMaker(self.project, self.settings, self.storage, self.store, self.tracker)
        return maker.propose(metrics)
