"""A project's files and its tracker in, callers that open them as processes of their own out."""

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hypothesis import settings

from backends import forget, open_backend
from effects import Caller, Crash, Watching, interleave
from registry import Registry
from slipway.errors import SlipwayError
from slipway.model.store import BundleStore
from slipway.project import Model
from slipway.release.pending import Registering
from slipway.release.switch import Releasing
from slipway.storage import Storage

SHARE = settings.default.max_examples / 100
"""How many more examples than in CI are tried: `pytest --hypothesis-profile deep tests/states`."""
WEIGHTS = {"sqlite": 1.0, "postgres": 0.2}
"""How many of the examples are tried over a backend: the same code runs above each, and a server takes its time."""
MEMORY = Path("/dev/shm")
"""Where files cost no disk's time; what the system has been given outlives a process that is killed, here as there."""


def examples(count: int, backend: str) -> int:
    """How many examples are tried where an embedded backend is worth so many."""
    return max(1, int(count * SHARE * WEIGHTS[backend]))


@dataclass(frozen=True)
class Opened:
    """The project as one process has it."""

    caller: Caller
    storage: Storage
    releasing: Releasing
    registering: Registering


class World:
    """A new project's files. Processes open them, die, and others go on.

    Args:
        has_own_clock: the time is what the test says.
    """

    def __init__(self, backend: str, *, has_own_clock: bool = False) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="slipway-", dir=MEMORY if MEMORY.is_dir() else None))
        self.backend = backend
        self.has_own_clock = has_own_clock
        self.registry = Registry()
        self.store = BundleStore(self.root / ".slipway/bundles")
        self._opened: list[Storage] = []
        self.storage = self._open()

    def close(self) -> None:
        for storage in self._opened:
            storage.close()
        forget(self.root)
        shutil.rmtree(self.root, ignore_errors=True)

    def process(self, dies_before: int | None = None) -> Opened:
        """The project, opened by a caller that may die."""
        caller = Caller(self.root, dies_before=dies_before)
        kept = self._open()
        seams = ("journal", "ledger", "pending", "decisions", "lease")
        storage = replace(kept, **{name: Watching(getattr(kept, name), caller) for name in seams})
        tracker: Any = Watching(self.registry, caller)
        model = Model("classification", "price")
        releasing = Releasing("flats", model, storage.ledger, storage.journal, self.store, tracker, "tester")
        registering = Registering("flats", storage.ledger, storage.pending, self.store, tracker)
        return Opened(caller, storage, releasing, registering)

    def do(self, command: Callable[[Opened], Any], dies_before: int | None = None) -> Any:
        """One command by a process of its own: what it gave, the error that it ended with, or `Crash` where it died."""
        opened = self.process(dies_before)
        try:
            return opened.caller.run(lambda: command(opened))
        except (SlipwayError, Crash) as error:
            return error
        finally:
            opened.storage.close()

    def race(
        self, commands: list[tuple[Callable[[Opened], Any], int | None]], choose: Callable[[int], int]
    ) -> list[Any]:
        """Commands of several processes at once, an effect of one after an effect of another."""
        opened = [(self.process(dies_before), command) for command, dies_before in commands]
        outcomes = interleave([(o.caller, lambda o=o, command=command: command(o)) for o, command in opened], choose)
        for each, _ in opened:
            each.storage.close()
        for outcome in outcomes:
            if isinstance(outcome, BaseException) and not isinstance(outcome, (SlipwayError, Crash)):
                raise outcome
        return outcomes

    def _open(self) -> Storage:
        self._opened.append(open_backend(self.backend, self.root, has_own_clock=self.has_own_clock))
        return self._opened[-1]
