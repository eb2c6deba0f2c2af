"""Stages in order in; several at a time are executed, each when what it needs is done, until all are or one failed."""

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from typing import Protocol

from slipway.errors import SlipwayError
from slipway.pipeline.apart import Apart, Task
from slipway.pipeline.contents import Signature
from slipway.pipeline.graph import needs
from slipway.project.facts import Project

Files = Mapping[str, Signature | None]


class Work(Protocol):
    """What a run does about one stage; all of it is called in the run's own thread."""

    @property
    def has_failed(self) -> bool: ...

    def look(self, name: str) -> tuple[str, ...]:
        """Why the stage has to run; empty, and noted, when it does not."""
        ...

    def here(self, name: str, why: tuple[str, ...]) -> None:
        """Execute it in this process."""
        ...

    def begin(self, name: str, why: tuple[str, ...]) -> Files: ...

    def task(self, name: str) -> Task: ...

    def done(self, name: str, why: tuple[str, ...], began_with: Files, seconds: float) -> None: ...

    def failed(self, name: str, why: tuple[str, ...], error: SlipwayError, seconds: float) -> None: ...


@dataclass(frozen=True, slots=True)
class _Begun:
    name: str
    why: tuple[str, ...]
    files: Files
    at: float


def together(work: Work, project: Project, names: Sequence[str], jobs: int) -> None:
    """Execute stages, at most `jobs` at a time. After a failure those under way finish and no other begins."""
    waits = _waits(project, names)
    done: set[str] = set()
    due: dict[str, tuple[str, ...]] = {}
    running: dict[Future[float], _Begun] = {}
    with Apart(jobs) as apart:
        while True:
            if not work.has_failed:
                _look(work, waits, done, due)
                if len(due) == 1 and not running:  # a process of its own would have nobody beside it
                    name, why = due.popitem()
                    work.here(name, why)
                    done.add(name)
                    continue
                for name in list(due)[: jobs - len(running)]:
                    why = due.pop(name)
                    begun = _Begun(name, why, work.begin(name, why), time.monotonic())
                    running[apart.start(work.task(name))] = begun
            if not running:
                return
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                begun = running.pop(future)
                done.add(begun.name)
                try:
                    seconds = future.result()
                except SlipwayError as error:
                    work.failed(begun.name, begun.why, error, time.monotonic() - begun.at)
                else:
                    work.done(begun.name, begun.why, begun.files, seconds)


def _waits(project: Project, names: Sequence[str]) -> dict[str, set[str]]:
    """What has to be done before each. Those that use the database keep their order: a query reads what is published
    when its turn comes, though nothing says which stage it was that published it."""
    waits: dict[str, set[str]] = {}
    users: set[str] = set()
    for name in names:
        waits[name] = set(needs(project, name)).intersection(names)
        source = project.sources.get(name)
        if (source.sql is not None and source.database is None) if source else project.stages[name].publish is not None:
            waits[name] |= users
            users.add(name)
    return waits


def _look(work: Work, waits: dict[str, set[str]], done: set[str], due: dict[str, tuple[str, ...]]) -> None:
    """Take those that can start: into `due`, or `done` where nothing changed, which may let a later one start."""
    for name in [*waits]:
        if waits[name] <= done:
            del waits[name]
            why = work.look(name)
            if why:
                due[name] = why
            else:
                done.add(name)
