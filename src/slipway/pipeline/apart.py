"""A stage's name in; it is executed in a process of its own; what that gave, or the error that ended it, out.

A stage changes the working directory, the modules and standard output of its process, so two at once need two of them.
"""

import contextlib
import os
import pickle
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import IO, Any, Self

from slipway import garbage, processes
from slipway.errors import OutsideError, SlipwayError, StageError
from slipway.project.facts import Project
from slipway.settings import Settings


@dataclass(frozen=True, slots=True)
class Task:
    """What a process is told: the project and the settings as the run has read them, whatever the files say by then."""

    project: Project
    settings: Settings
    params: Mapping[str, Mapping[str, Any]]
    has_tables: bool
    name: str


class Apart:
    """Processes under way. Leaving it ends those that still are."""

    def __init__(self, jobs: int) -> None:
        self._pool = ThreadPoolExecutor(jobs, thread_name_prefix="slipway-job")
        self._lock = Lock()
        self._processes: set[subprocess.Popen[bytes]] = set()
        self._is_closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._is_closed = True
            for process in self._processes:
                process.terminate()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def start(self, task: Task) -> Future[float]:
        """Seconds that the stage took; a SlipwayError where it failed."""
        return self._pool.submit(self._run, task)

    def _run(self, task: Task) -> float:
        with self._lock:
            if self._is_closed:
                raise StageError(f"stage `{task.name}`: the run ended before it began.")
            process = processes.start("slipway.pipeline.apart", root=task.project.root)
            self._processes.add(process)
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            with contextlib.suppress(BrokenPipeError):  # it ended: below it is told how
                process.stdin.write(pickle.dumps(task))
                process.stdin.flush()
            answer = process.stdout.read()
            code = process.wait()
        finally:
            with self._lock:
                self._processes.discard(process)
            process.stdout.close()
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()
        if not answer:
            raise _ended(task, code)
        given: float | SlipwayError = pickle.loads(answer)  # noqa: S301 - written by the process that we started
        if isinstance(given, SlipwayError):
            raise given
        return given


def _ended(task: Task, code: int) -> SlipwayError:
    stage = task.project.stages.get(task.name)
    where = stage.where if stage is not None else f"source `{task.name}`"
    signal = processes.ended_by(code)
    if signal is None:
        return StageError(f"{where}: its process ended with code {code} before it was done; see what it printed.")
    return OutsideError(f"{where}: its process was ended by {signal} `--jobs 1` runs one stage at a time.")


def main() -> None:
    """One stage, told on standard input and answered on standard output."""
    garbage.look_seldom()
    task: Task = pickle.load(sys.stdin.buffer)  # noqa: S301 - written by the run that started us
    lead, answer = os.dup(0), os.dup(1)
    # The stage's own: it has nothing to read, and whatever it prints is no result.
    with Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)
    processes.end_with(lead)
    try:
        given: float | SlipwayError = _execute(task)
    except SlipwayError as error:
        given = type(error)(*error.args)  # without its cause, whose class may be the project's
    except KeyboardInterrupt:
        sys.exit(130)
    file: IO[bytes]
    with os.fdopen(answer, "wb") as file:
        pickle.dump(given, file)


def _execute(task: Task) -> float:
    from slipway.pipeline.execute import execute

    if not task.has_tables:
        return execute(task.project, task.name, task.params, state=task.settings.state).seconds
    from slipway.storage import open_storage

    storage = open_storage(task.settings)
    try:
        tables, state = storage.tables, task.settings.state
        return execute(task.project, task.name, task.params, tables, state=state).seconds
    finally:
        storage.close()


if __name__ == "__main__":
    # As the module that the task was pickled for.
    from slipway.pipeline.apart import main as run_main

    run_main()
