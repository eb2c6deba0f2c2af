"""A project's work in, the same work as a flow run of Prefect's out: its steps are tasks, with states, reasons, lines.

Prefect orders and shows; what a step is and whether it has to run is decided where it always is. With Prefect away the
work is done without it.
"""

import contextlib
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from slipway.errors import CheckRefused, SlipwayError
from slipway.pipeline.graph import needs, order
from slipway.pipeline.orchestrated import T
from slipway.project.facts import Project
from slipway.schedule.lines import copied
from slipway.schedule.record import Record, State, Task
from slipway.schedule.server import PrefectServer
from slipway.settings import look_up

if TYPE_CHECKING:
    from slipway.workspace import Workspace

FLOW_RUN = "PREFECT__FLOW_RUN_ID"
"""Where Prefect's own runners say, too, which of its flow runs a process carries out."""
PATIENCE = 10.0
"""Seconds that work which is done waits for the last of it to be told."""


def as_flow(workspace: "Workspace", name: str, work: Callable[[], T], says: Callable[[T], str] = lambda done: "") -> T:
    """Do the work as a run of the flow PROJECT-NAME; its steps are tasks. What it gives or raises is the work's own.

    Args:
        says: what came of it, in a sentence, for the run's state.

    Without an orchestrator in the settings the work is simply done. One that is away is told of it all when it is back
    in time; a line on standard error says that it was away.
    """
    address = workspace.settings.orchestrator
    if address is None:
        return work()
    name = f"{workspace.project.name}-{name}"
    title = f"{name} {datetime.now():%Y-%m-%d %H:%M:%S}"
    record = Record(PrefectServer(address), name, title, _complain, scheduled=look_up(FLOW_RUN))
    tasks = _Tasks(record, workspace.project)
    before, workspace.orchestrator = workspace.orchestrator, tasks
    state = State("CRASHED")
    try:
        with _ended_softly(), copied(lambda line: record.line(line, tasks.current)):
            done = work()
        state = State("COMPLETED", says(done))
        return done
    except BaseException as error:
        state = _ended(error)
        raise
    finally:
        workspace.orchestrator = before
        if not record.close(state, PATIENCE):
            _complain(f"Prefect at {address} was not told how this ended: its pages show less than was done.")


class _Tasks:
    """What carries out a workspace's steps: each is a task of the run, after those that it reads from."""

    def __init__(self, record: Record, project: Project) -> None:
        self._record = record
        self._project = project
        self._stages = frozenset(order(project))
        self._made: dict[str, Task] = {}
        self.current: Task | None = None
        """The task that is under way."""

    def step(self, name: str, why: str, work: Callable[[], T]) -> T:
        """Do the work as a task. One that finds against something, as a gate does, fails by the name `Refused`."""
        task = self._begin(name)
        self._record.line(f"{name}: {why}", task)
        before, self.current = self.current, task
        try:
            done = work()
        except BaseException as error:
            self._record.end(task, _ended(error))
            raise
        finally:
            self.current = before
        self._record.end(task, _came_to(done, why))
        return done

    def unchanged(self, name: str, why: str) -> None:
        """A task that is done already, and says why; once in a run, however often it is looked at."""
        if name not in self._made:
            self._record.end(self._begin(name), State("COMPLETED", why, "Cached"))

    def _begin(self, name: str) -> Task:
        makers = needs(self._project, name) if name in self._stages else list(self._made)[-1:]
        after = [self._made[maker].id for maker in makers if maker in self._made]
        self._made[name] = self._record.begin(name, after)
        return self._made[name]


def _came_to(done: Any, why: str) -> State:
    """A result as a state: a table of a gate says itself whether it passed, and why."""
    message = done.sentence() if hasattr(done, "sentence") else why
    return (
        State("FAILED", message, "Refused") if getattr(done, "passed", True) is False else State("COMPLETED", message)
    )


def _ended(error: BaseException) -> State:
    """An error as a state: a user's or a service's has its message; what ended the process from outside is a crash."""
    if isinstance(error, SlipwayError):
        return State("FAILED", str(error), "Refused" if isinstance(error, CheckRefused) else None)
    if isinstance(error, Exception):
        return State("FAILED", f"{type(error).__name__}: {error}")
    return State("CRASHED", f"It was ended from outside ({type(error).__name__}); the next run goes on from there.")


@contextlib.contextmanager
def _ended_softly() -> Iterator[None]:
    """Within this SIGTERM unwinds the work, so that its end is told; unless somebody else takes care of the signal."""
    is_ours = (
        threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    )
    if not is_ours:
        yield
        return

    def end(number: int, frame: object) -> None:
        raise SystemExit(128 + number)

    signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _complain(text: str) -> None:
    sys.stderr.write(f"slipway: {text}\n")
