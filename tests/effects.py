"""What a caller does to the world, one effect at a time: a test stops it before any of them, or lets others go first.

Effects are calls of a backend that change something (see `Watching`), and changes of files below a folder, which
Python's own audit tells of. A caller that was stopped does nothing more, its `finally` blocks included, as if it had
been killed; whoever opens the same files again goes on from there.
"""

import os
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any


class Crash(BaseException):
    """The caller was killed here."""


class Caller:
    """One process, as far as the world can tell: killed before its n-th effect, if a test says so."""

    def __init__(self, folder: Path, *, dies_before: int | None = None) -> None:
        self.folder = str(folder)
        self.dies_before = dies_before
        self.effects = 0
        self.is_dead = False
        self.pause: Callable[[], None] | None = None

    def effect(self) -> None:
        """Called before each effect."""
        if self.pause is not None and not self.is_dead:
            self.pause()
        self.effects += 1
        if self.is_dead or self.effects == self.dies_before:
            self.is_dead = True
            raise Crash

    def run(self, command: Callable[[], Any]) -> Any:
        """Do something as this caller, in this thread. Raises `Crash` where it dies."""
        before = getattr(_here, "caller", None)
        _here.caller = self
        try:
            return command()
        finally:
            _here.caller = before


class Watching:
    """A backend whose calls are effects: those that change something can be died before, all can be overtaken."""

    def __init__(self, backend: Any, caller: Caller) -> None:
        self._backend = backend
        self._caller = caller

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._backend, name)
        if not callable(attribute):
            return attribute

        def call(*arguments: Any, **options: Any) -> Any:
            self._caller.effect()
            return attribute(*arguments, **options)

        return call


def interleave(callers: Sequence[tuple[Caller, Callable[[], Any]]], choose: Callable[[int], int]) -> list[Any]:
    """Run commands of several callers, one effect at a time; what each gave, or the exception that ended it.

    Args:
        choose: which of n callers goes on next.
    """
    told = threading.Semaphore(0)
    turns = [threading.Semaphore(0) for _ in callers]
    outcomes: list[Any] = [None] * len(callers)
    going = list(range(len(callers)))

    def follow(number: int) -> None:
        caller, command = callers[number]
        turns[number].acquire()
        try:
            outcomes[number] = caller.run(command)
        except BaseException as error:  # told to the test's own thread
            outcomes[number] = error
        going.remove(number)
        told.release()

    def wait(number: int) -> None:
        told.release()
        turns[number].acquire()

    threads = [threading.Thread(target=follow, args=(n,), daemon=True) for n in going]
    for number, (caller, _) in enumerate(callers):
        caller.pause = lambda number=number: wait(number)
    for thread in threads:
        thread.start()
    while going:
        turns[going[choose(len(going))]].release()
        assert told.acquire(timeout=60), "a caller waits for something that another holds"
    for thread in threads:
        thread.join()
    for caller, _ in callers:
        caller.pause = None
    return outcomes


_here = threading.local()
_CHANGES = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate")
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    if event != "open" and event not in _CHANGES:
        return
    caller = getattr(_here, "caller", None)
    if caller is None:
        return
    if event == "open" and not arguments[2] & _WRITING:
        return
    place = arguments[0]
    if isinstance(place, int) or os.fsdecode(place).startswith(caller.folder):
        _here.caller = None  # what the effect's own bookkeeping does is none
        try:
            caller.effect()
        finally:
            _here.caller = caller


sys.addaudithook(_hear)
