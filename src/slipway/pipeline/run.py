"""A project in; what has changed is executed, DVC's files are brought up to date, and a report comes out."""

import contextlib
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from slipway.errors import ProjectError, SlipwayError, near_miss
from slipway.files import locked
from slipway.pipeline.after import adopt_locked, fill_cache, migrate_dvc2, remember_unchanged
from slipway.pipeline.book import Book
from slipway.pipeline.contents import Signature
from slipway.pipeline.dvc_cache import Cache, find_cache
from slipway.pipeline.graph import inputs_of, made_by, order, outputs_of
from slipway.pipeline.lock import LOCK, STAGES, Ran, check_outputs, is_ours, uncached, write_lock
from slipway.pipeline.orchestrated import Orchestrator, Straight
from slipway.pipeline.snapshots import read_snapshot, told
from slipway.project.facts import Project
from slipway.settings import Settings, not_writable

if TYPE_CHECKING:
    from slipway.pipeline.apart import Task
    from slipway.pipeline.execute import Executed
    from slipway.pipeline.keep import Keeper
    from slipway.storage.seams import Tables

Progress = Callable[[str, str], None]
"""Told a stage's name and what happens to it."""


@dataclass(frozen=True, slots=True)
class StageOutcome:
    """What a run did about one stage."""

    name: str
    outcome: Literal["ran", "unchanged", "failed", "not reached"]
    seconds: float
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RunReport:
    """What a run did."""

    stages: tuple[StageOutcome, ...]
    error: SlipwayError | None = None
    """What stopped it."""
    notes: tuple[str, ...] = ()
    """What a person should know besides."""

    @property
    def failed(self) -> bool:
        return self.error is not None

    def ran(self, name: str) -> bool:
        """Whether this stage was executed and did not fail."""
        return any(stage.name == name and stage.outcome == "ran" for stage in self.stages)


@dataclass(frozen=True, slots=True)
class Stale:
    """A stage that a run would execute."""

    name: str
    why: tuple[str, ...]


@contextlib.contextmanager
def run_lock(settings: Settings, wait_seconds: float = 10) -> Iterator[None]:
    """Be the only one who runs this project.

    Raises:
        BusyError: somebody else still does after the wait.
    """
    # In a container the number tells nobody much; there each service has its name.
    note = f"process {os.getpid()} of {settings.user}"
    waited = f"was not done after {wait_seconds:g} s. Wait for it, or end it."
    busy = f"{settings.root}: {{holder}} runs this project and {waited}"
    with contextlib.ExitStack() as held:
        try:
            held.enter_context(locked(settings.locks / "run.lock", wait_seconds=wait_seconds, busy=busy, note=note))
        except OSError as error:
            raise not_writable(settings.state, error) from error
        yield


def run(
    project: Project,
    settings: Settings,
    tables: "Tables | None",
    *,
    wanted: Sequence[str] = (),
    is_alone: bool = False,
    force: bool = False,
    sets: Iterable[str] = (),
    jobs: int = 1,
    on_progress: Progress | None = None,
    orchestrator: Orchestrator | None = None,
) -> RunReport:
    """Execute the stages whose code, settings, inputs, libraries or artifacts are not as they were. Hold `run_lock`.

    Args:
        wanted: only these stages or artifacts and what they need.
        is_alone: without what they need, which is there.
        force: execute the wanted ones, or all, even if nothing changed.
        sets: settings as "stage.setting=value", written to params.yaml first.
        jobs: how many stages may be executed at a time, each in a process of its own where it has company.
        orchestrator: what carries out each stage that is executed in this process.

    A stage that fails ends the run: it is in the report, and what it would have made stays as it was. Those that are
    under way beside it finish.
    """
    began_at = time.time_ns()
    names = [name for name in order(project, wanted) if not is_alone or name in wanted]
    book = Book(project, settings)
    try:
        forced = _forced(project, names, wanted) if force else frozenset()
        say = on_progress or _say_nothing
        under = orchestrator or Straight()
        running = _Running(project, settings, tables, book, book.params(sets), say, forced, under)
        report = running.through(names, jobs)
    finally:
        book.close()
    if not wanted and all(stage.outcome == "unchanged" for stage in report.stages):
        remember_unchanged(project, settings, book, running.cache, began_at)
    return report


def run_stage(project: Project, settings: Settings, tables: "Tables | None", name: str) -> None:
    """Execute one stage, whatever changed, and leave dvc.yaml and dvc.lock alone: DVC, which calls this, holds them.

    Raises:
        ProjectError: there is no such stage.
        StageError: it fails.
    """
    from slipway.pipeline.execute import execute

    known = order(project)
    if name not in known:
        raise ProjectError(f"{project.module}: no stage is named `{name}`.{near_miss(name, known)}")
    with run_lock(settings):
        book = Book(project, settings)
        try:
            params = book.params(complete=False)
            began_with = book.files(name)
            execute(project, name, params, tables, state=settings.state)
            book.record(name, params, began_with)
        finally:
            book.close()


def stale(project: Project, settings: Settings) -> list[Stale]:
    """The stages that a run would execute, in its order, each with why."""
    book = Book(project, settings)
    names = order(project)
    params = book.params(complete=False)
    adopt_locked(project, book, names, params)
    found: dict[str, Stale] = {}
    made: set[str] = set()
    for name in names:
        again = frozenset(made.intersection(inputs_of(project, name)))
        why = book.reasons(name, params, again, is_running=False)
        why += (
            tuple(f"input {artifact} will be made anew" for artifact in sorted(again)) if why != ("never ran",) else ()
        )
        if why:
            found[name] = Stale(name, why)
            made.update(made_by(project, name))
    return list(found.values())


@dataclass(slots=True)
class _Running:
    """One run under way."""

    project: Project
    settings: Settings
    tables: "Tables | None"
    book: Book
    params: Mapping[str, Mapping[str, Any]]
    say: Progress
    forced: frozenset[str]
    orchestrator: Orchestrator
    cache: Cache | None = None
    keeper: "Keeper | None" = None
    outcomes: dict[str, StageOutcome] = field(default_factory=dict)
    errors: dict[str, SlipwayError] = field(default_factory=dict)
    """By stage that failed; several only where several were under way."""
    unrecorded: dict[str, Mapping[str, Signature | None]] = field(default_factory=dict)
    """Stages that ran and whose files are still being read, with what they began with."""

    def through(self, names: Sequence[str], jobs: int) -> RunReport:
        # Nothing is written into a cache that belongs to stages which are not ours.
        ours = self.project.is_adopted or is_ours(self.project.root)
        self.cache = find_cache(self.project.root) if ours else None
        if self.cache is not None:
            check_outputs(self.project)
        if ours:
            adopt_locked(self.project, self.book, order(self.project), self.params)
        try:
            if jobs > 1:
                from slipway.pipeline.together import together

                together(self, self.project, names, jobs)
            else:
                self._in_turn(names)
        finally:
            self._record(wait=True)
            if self.keeper is not None:
                self.keeper.close()
        self._lock([o.name for o in self.outcomes.values() if o.outcome == "unchanged"], names)
        why = tuple(f"`{name}` failed" for name in self.errors)
        outcomes = tuple(self.outcomes.get(name) or StageOutcome(name, "not reached", 0.0, why) for name in names)
        notes = () if ours else (f"{STAGES} is not Slipway's, so it and {LOCK} stay as they are.",)
        return RunReport(outcomes, _one_error(list(self.errors.values())), notes)

    def _in_turn(self, names: Sequence[str]) -> None:
        for name in names:
            why = self.look(name)
            if why:
                self.here(name, why)
            if self.has_failed:
                return

    @property
    def has_failed(self) -> bool:
        return bool(self.errors)

    def look(self, name: str) -> tuple[str, ...]:
        """Why the stage has to run; empty, and noted, when it does not."""
        why = self._why(name, name in self.forced)
        if not why:
            self.say(name, "unchanged")
            self.orchestrator.unchanged(name, "nothing that it depends on has changed")
            self.outcomes[name] = StageOutcome(name, "unchanged", 0.0, ())
        return why

    def here(self, name: str, why: tuple[str, ...]) -> None:
        """Execute a stage in this process."""
        from slipway.pipeline.execute import execute

        began_with = self.begin(name, why)
        started = time.monotonic()

        def work() -> "Executed":
            return execute(self.project, name, self.params, self.tables, state=self.settings.state)

        try:
            executed = self.orchestrator.step(name, "; ".join(why), work)
        except SlipwayError as error:
            self.failed(name, why, error, time.monotonic() - started)
        else:
            self.done(name, why, began_with, executed.seconds)

    def task(self, name: str) -> "Task":
        """What another process needs to execute a stage."""
        from slipway.pipeline.apart import Task

        return Task(self.project, self.settings, self.params, self.tables is not None, name)

    def begin(self, name: str, why: tuple[str, ...]) -> Mapping[str, Signature | None]:
        """The files that the stage depends on, as they are before it looks at them."""
        self.say(name, f"runs: {'; '.join(why)}")
        return self.book.files(name)

    def done(self, name: str, why: tuple[str, ...], began_with: Mapping[str, Signature | None], seconds: float) -> None:
        """Note what a stage has made, or that a source gave the rows it gave before."""
        snapshot = read_snapshot(self.settings.state, name) if name in self.project.sources else None
        if snapshot is not None and snapshot.asked > snapshot.taken:
            self._still(name, why, began_with, seconds, told(snapshot, since=snapshot.taken))
            return
        self._keep(name, began_with)
        self.say(name, f"done in {seconds:.1f} s")
        self.outcomes[name] = StageOutcome(name, "ran", seconds, why)

    def _still(
        self, name: str, why: tuple[str, ...], began_with: Mapping[str, Signature | None], seconds: float, rows: str
    ) -> None:
        if self.keeper is not None:
            self.keeper.wait(self._paths(inputs_of(self.project, name)))
        self.book.record(name, self.params, began_with)
        self.book.close()
        self.say(name, f"unchanged: asked, and it gave the same {rows}")
        self.outcomes[name] = StageOutcome(name, "unchanged", seconds, (*why, f"it gave the same {rows}"))

    def failed(self, name: str, why: tuple[str, ...], error: SlipwayError, seconds: float) -> None:
        """Note that no other stage is to begin."""
        self.say(name, "failed")
        self.outcomes[name] = StageOutcome(name, "failed", seconds, why)
        self.errors[name] = error

    def _why(self, name: str, is_forced: bool) -> tuple[str, ...]:
        asked = ("asked for with --force",) if is_forced else ()
        paths = self._paths(inputs_of(self.project, name))
        if self.keeper is not None and not self.keeper.is_done(paths):
            # Another reason may be enough already; then the next stage need not wait for this one's files to be read.
            waiting = frozenset(inputs_of(self.project, name))
            why = asked + self.book.reasons(name, self.params, waiting)
            if why:
                return why
        if self.keeper is not None:
            self.keeper.wait(paths)
        return asked + self.book.reasons(name, self.params)

    def _keep(self, name: str, began_with: Mapping[str, Signature | None]) -> None:
        from slipway.pipeline.keep import Keeper

        if self.keeper is None:
            self.keeper = Keeper(self.project.root, self.book.contents, self.cache)
        self.keeper.keep(self._paths(outputs_of(self.project, name)), uncached(self.project))
        self.unrecorded[name] = began_with
        self._record(wait=False)

    def _record(self, *, wait: bool) -> None:
        """Write down the stages whose files have been read, so that a run that is killed keeps what it did."""
        for name in list(self.unrecorded):
            paths = self._paths([*inputs_of(self.project, name), *outputs_of(self.project, name)])
            assert self.keeper is not None
            if not wait and not self.keeper.is_done(paths):
                return
            self.keeper.wait(paths)
            self.book.record(name, self.params, self.unrecorded.pop(name))
            self.book.close()

    def _lock(self, unchanged: Sequence[str], names: Sequence[str]) -> None:
        for name in unchanged:
            self.book.refresh(name, self.params)
        if self._write_lock(names) and self.cache is not None:
            migrate_dvc2(self.project, self.book.contents, self.cache, self.book.ran())
            fill_cache(self.project, self.book.contents, self.cache, self.book.ran())

    def _write_lock(self, names: Sequence[str]) -> bool:
        if not self.project.is_adopted:
            ran = self.book.ran()
            return write_lock(self.project, self.book.modules(), ran, self._of_others(ran, names))
        from slipway.pipeline.locked import update_lock

        update_lock(self.project, self.book.ran())  # its dvc.yaml is somebody else's, and never written
        return True

    def _of_others(self, ran: Mapping[str, Ran], names: Sequence[str]) -> dict[str, dict[str, Any]]:
        """What the lock says of stages that this run leaves alone and that never ran here: a clone has it from others,
        and the next run of those, or `dvc pull`, needs it."""
        left = set(order(self.project)) - set(names) - set(ran)
        if not left or not (self.project.root / LOCK).is_file():
            return {}
        from slipway.pipeline.locked import read_entries

        return {name: entry for name, entry in read_entries(self.project).items() if name in left}

    def _paths(self, artifacts: Iterable[str]) -> list[str]:
        """The files and whole folders that are read to know what these hold."""
        known = self.project.artifacts
        return [str(known[known[artifact].folder or artifact].path) for artifact in artifacts]


def _one_error(errors: Sequence[SlipwayError]) -> SlipwayError | None:
    """Of several at once, one that tells of all."""
    if len(errors) < 2:
        return errors[0] if errors else None
    return type(errors[0])("\n\n".join(str(error) for error in errors))


def _forced(project: Project, names: Sequence[str], wanted: Sequence[str]) -> frozenset[str]:
    """The wanted ones themselves, not what they need; all without any wanted."""
    if not wanted:
        return frozenset(names)
    return frozenset(name for name in names if name in wanted or set(made_by(project, name)) & set(wanted))


def _say_nothing(name: str, event: str) -> None:
    pass
