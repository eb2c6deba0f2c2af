"""An opened project, and the library's verbs: what the command line, a notebook or a scheduler calls."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway.errors import CheckRefused, DataError, ProjectError, StageError
from slipway.monitor.latest import latest_drift
from slipway.opened import Opened
from slipway.pipeline.brought import project_root
from slipway.pipeline.graph import order
from slipway.pipeline.run import run, run_lock, run_stage, stale
from slipway.pipeline.snapshots import source_states
from slipway.project import read_project
from slipway.records import Decision, LedgerEntry
from slipway.results import JournalState, LedgerView, Looped, Ran, Status, StoodUp
from slipway.settings import read_settings

if TYPE_CHECKING:
    import polars as pl

    from slipway.gate.hold import GateReport
    from slipway.journal.feedback import Kept
    from slipway.journal.purge import Purged
    from slipway.monitor.window import Monitored
    from slipway.release.collect import Collected
    from slipway.release.versions import VersionFacts
    from slipway.serve.access.tokens import TokenBook
    from slipway.serve.log import Form


Data = Any
"""The path of a CSV or Parquet file, as text too, or a table of Polars or pandas."""


def open_project(folder: Path | str = ".") -> "Workspace":
    """Open the project in a folder, or in the nearest folder above it.

    Raises:
        ProjectError: there is none, or its files are wrong; the message says where.
    """
    root = project_root(Path(folder))
    return Workspace(read_project(root), read_settings(root))


class Workspace(Opened):
    """A project with its backends open. Use it as a context manager, or call `close`."""

    # Build

    def run(
        self,
        stages: Sequence[str] = (),
        *,
        force: bool = False,
        sets: Sequence[str] = (),
        jobs: int = 1,
        on_progress: Callable[[str, str], None] | None = None,
        is_alone: bool = False,
        wait_seconds: float = 10,
    ) -> Ran:
        """Run what changed; a run that makes the model registers a candidate.

        Args:
            stages: only these and what they read; all if empty.
            force: run them even if nothing changed.
            sets: settings as "stage.key=value", written to params.yaml.
            jobs: how many stages may be executed at a time.
            on_progress: called with a stage's name and what happens to it.
            is_alone: these stages without what they read, which is there.
            wait_seconds: how long to wait for somebody else who runs this project.

        A stage that fails is in the report as `error`; nothing is registered then.
        """
        model = self.project.model_stage.name
        on_the_way = () if is_alone and model not in stages else order(self.project, [model])

        def progress(name: str, event: str) -> None:
            if name in on_the_way and event.startswith("runs"):
                self.tracker.prepare()  # its two seconds pass beside the first stage that has work to do
            if on_progress is not None:
                on_progress(name, event)

        tables = self.storage.tables
        with run_lock(self.settings, wait_seconds):
            report = run(
                self.project, self.settings, tables, orchestrator=self.orchestrator,
                wanted=stages, is_alone=is_alone, force=force, sets=sets, jobs=jobs, on_progress=progress,
            )  # fmt: skip
            if report.error is not None:
                failed = [stage.name for stage in report.stages if stage.outcome == "failed"]
                report = replace(report, error=self._explained(report.error, failed))
            metrics = self._reported(report)
            candidate = None
            if report.error is None and self._makes_model(report):
                candidate = self._propose(metrics)
        return Ran(report, candidate, metrics)

    def stage(self, name: str) -> None:
        """Execute one stage, whatever changed. Writes its artifacts and no lock: DVC holds that."""
        try:
            run_stage(self.project, self.settings, self.storage.tables, name)
        except (DataError, StageError) as error:
            raise self._explained(error, [name]) from error

    def status(self) -> Status:
        """What is stale and why, what is live, which candidate waits; or why the ledger can't tell."""
        live, candidate, problem = self.live_and_candidate()
        pending = [waiting.bundle for waiting in self.storage.pending.all()]
        sources = source_states(self.project, self.settings)
        return Status(stale(self.project, self.settings), live, candidate, pending, sources, problem)

    def dag(self, format: str = "text") -> str:
        """The graph of sources and stages, as text, Mermaid or SVG."""
        from slipway.pipeline.draw import draw

        return draw(self.project, format)

    def runs(self) -> "list[VersionFacts]":
        """The versions that runs have made, oldest first, each with what it was made with."""
        from slipway.release.versions import versions

        return versions(self.settings, self.store, self.storage.ledger.entries())

    # Release

    def gate(self, version: int | None = None) -> "GateReport":
        """Hold a version, or the candidate, against project and production; else the table of the live version.

        Raises:
            ProjectError: there is no candidate and nothing is live, or there is no such version.
        """
        from slipway.release.switch import gate, kept_report

        self._register_pending(is_needed=version is None)
        if version is None and (kept := kept_report(self._releasing())) is not None:
            return kept
        self.prepare_gate()
        room, self._room = self._room, None
        return gate(self._releasing(), version, room=room)

    def release(
        self,
        version: int | None = None,
        *,
        why: str = "",
        override: str | None = None,
        report: "GateReport | None" = None,
        fence: Callable[[], None] = lambda: None,
    ) -> LedgerEntry | None:
        """Run the gate and make the version live; None when it is live already.

        Args:
            override: why it goes live though the gate refuses it; recorded as such.
            report: the gate's table, from a caller who has just asked for it.
            fence: called just before the version goes live; it raises where the caller may not go on.

        Raises:
            ProjectError: there is no candidate, or no such version.
            CheckRefused: the gate does not pass, and there is no `override`.
        """
        from slipway.release.switch import release

        self.tracker.prepare()
        self._register_pending(is_needed=version is None)
        return release(self._releasing(), version, why=why, override=override, report=report, fence=fence)

    def rollback(self, to: int | None = None, *, why: str = "", instead_of: int | None = None) -> LedgerEntry:
        """Put an earlier version back: loaded and tested before anything switches.

        Args:
            instead_of: the version to be taken back; where another is live by now, nothing changes.
        """
        from slipway.release.switch import rollback

        self.tracker.prepare()
        return rollback(self._releasing(), to, why=why, instead_of=instead_of)

    def stand_up(self, why: str = "up") -> StoodUp:
        """Release the candidate if the gate lets it pass; else what is live stays.

        Raises:
            CheckRefused: the candidate is refused and nothing is live.
        """
        self._register_pending(is_needed=True)
        standing = self.standing()
        if standing.candidate is None:
            if standing.live is None:
                raise ProjectError(
                    "Nothing is live and no candidate waits: the last one was refused. Change it, run again."
                )
            return StoodUp(standing.live, None, None)
        version, step = standing.candidate, self.orchestrator.step
        report = step("gate", f"version {version}", lambda: self.gate(version))
        if not report.passed:
            if standing.live is None:
                raise CheckRefused(f"Version {version} is refused and nothing is live: {report.sentence()}")
            return StoodUp(standing.live, None, report)
        entry = step("release", f"version {version}", lambda: self.release(version, why=why, report=report))
        return StoodUp(version, entry, report)

    def ledger(self, *, against_anchor: bool = False) -> LedgerView:
        """What was live when, by whom, why, and on what evidence.

        Args:
            against_anchor: compare the chain with the heads that the tracker keeps of it, too.

        Raises:
            OutsideError: the tracker is away, so it can't be compared.
        """
        from slipway.release.anchor import check_anchors
        from slipway.release.ledger import verify

        entries = self.storage.ledger.entries()
        anchored = check_anchors(self.tracker, self.project.name, entries) if against_anchor else None
        return LedgerView(entries, verify(entries), anchored)

    def accept_ledger(self) -> LedgerView:
        """Take the ledger as it stands for the right one, after a copy of it was put back on purpose."""
        from slipway.release.anchor import accept
        from slipway.release.ledger import holding

        accept(self.tracker, self.project.name, holding(self.storage.ledger))
        self.settings.live_file.unlink(missing_ok=True)  # services here begin anew with what the ledger says
        return self.ledger(against_anchor=True)

    def gc(self, *, is_dry: bool = False) -> "Collected":
        """Remove the bundles that no entry of the ledger refers to, what a killed process left behind, and what is
        older than `[api] keep_days`."""
        from slipway.release.collect import collect
        from slipway.release.elsewhere import elsewhere

        with run_lock(self.settings):  # a run keeps its bundle before the ledger names it
            waiting = [each.bundle for each in self.storage.pending.all()]
            found = collect(self.settings, self.storage.ledger.entries(), waiting, is_dry=is_dry)
            expired = None if is_dry else self.expire()
        return replace(found, expired=expired, elsewhere=elsewhere(self.settings.root))

    # Serve

    @property
    def tokens(self) -> "TokenBook":
        """Who may ask the service for what: all of them, add one, revoke one."""
        from slipway.serve.access.tokens import TokenBook

        return TokenBook(self.storage.tokens)

    def serve(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 8000,
        workers: int = 1,
        on_ready: Callable[[str], None],
        log_form: "Form" = "auto",
        is_quiet: bool = False,
    ) -> None:
        """Serve what is live until SIGTERM or SIGINT; `on_ready` gets the address once it answers.

        Args:
            log_form: of the lines on standard error; "auto" is text for a terminal and JSON for anything else.
            is_quiet: no line for each request.
        """
        from slipway.serve.server import serve

        if "tracker" in self.__dict__:  # `up` has used it, and a server that goes on for days has no need of it
            self.tracker.close()
        self._leave_room()
        serve(
            self.project, self.settings, self.storage,
            host=host, port=port, workers=workers, on_ready=on_ready,
            log_form=log_form, is_quiet=is_quiet, drift=latest_drift,
        )  # fmt: skip

    def predict(self, data: "Data") -> "pl.DataFrame":
        """Score rows by the live version, as a request with them would be; nothing is journalled.

        Args:
            data: the path of a CSV or Parquet file, or a table of Polars or pandas.

        Returns:
            The rows with `prediction`, `error` and a column of probability for each class.

        Raises:
            DataError: a column is missing, or holds what a request may not.
        """
        import polars as pl

        return pl.concat(list(self.predict_parts(data)))

    def predict_parts(self, data: "Data") -> "Iterator[pl.DataFrame]":
        """The same part by part, for a file of any size."""
        from slipway.model.batch import answer_parts

        return answer_parts(self.live_scorer(), data)

    def feedback(self, data: "Data", *, is_correction: bool = False) -> "Kept":
        """Keep what turned out to be true of predictions, by a file or a table with the columns `id` and `truth`."""
        from slipway.journal.feedback import keep_file
        from slipway.journal.label_type import label_type
        from slipway.journal.shares import USER

        manifest = self.live_scorer().bundle.manifest
        kept = keep_file(
            self.storage.journal,
            self.settings.spool,
            data,
            label_type(manifest.kind, manifest.classes),
            source=USER + self.settings.user,
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
        """How much is journalled, how much waits in the spool, and who gave the labels."""
        from slipway.journal.damage import count_damaged, damaged_records
        from slipway.journal.labels import label_sources
        from slipway.journal.spool import waiting

        journal, spool = self.storage.journal, self.settings.spool
        sources = label_sources(journal, self.project)
        damaged, some = count_damaged(journal, spool), tuple(damaged_records(journal, spool))
        return JournalState(*journal.count(), waiting(spool), sources, self.storage.place, damaged, some)

    def purge(self, ids: Sequence[str]) -> "Purged":
        """Remove predictions and their truths for good: from journal, spool and labelled rows."""
        from slipway.journal.purge import Places, purge

        return purge(Places.of(self.project, self.settings, self.storage), ids, by=self.settings.user)

    def expire(self) -> "Purged | None":
        """Remove what is older than `[api] keep_days`; None where the project keeps everything."""
        from slipway.journal.purge import Places, expire

        days = self.project.api.keep_days
        return None if days is None else expire(Places.of(self.project, self.settings, self.storage), days)

    # Watch

    def monitor(
        self, *, data: "Data | None" = None, hours: float | None = None, last: int | None = None
    ) -> "Monitored":
        """What came in against what the live version learnt from.

        Args:
            data: a file, or a table, to score instead; it is not journalled, and its target, if any, counts as truth.
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
        self, *, data: "Data | None" = None, is_dry: bool = False, report: Callable[[Decision], None] = lambda d: None
    ) -> Looped:
        """One tick: an open watch judged first, then check, decide, retrain, gate, promote.

        Args:
            data: check this file, or table, instead of the journal; its labelled rows are learnt from too.
            is_dry: check and decide; change and record nothing.
        """
        from slipway.steps import open_tick

        if not is_dry:
            self.expire()
            self._register_pending(is_needed=False)
        return Looped(open_tick(self, data, is_dry=is_dry, report=report).run(), self.standing().live)

    def retrain(self, *, why: str = "", report: Callable[[Decision], None] = lambda d: None) -> Looped:
        """Retrain with the labels there are, gate, promote: the loop's steps, asked for by a person who says why."""
        from slipway.steps import open_tick

        self.require_live()
        self._register_pending(is_needed=False)
        return Looped(open_tick(self, None, report=report).retrain(self.settings.user, why), self.standing().live)

    def settle(self, version: int, why: str) -> None:
        """End the watch over a version: it stays."""
        from slipway.release.switch import settle

        settle(self._releasing(), version, why=why)
