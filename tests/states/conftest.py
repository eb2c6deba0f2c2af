"""What the state tests need made once: real bundles of the flats, one of which gives other answers than it says."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import slipway.storage.sqlite_lease
from backends import BACKENDS

BUNDLES = 6
BROKEN = BUNDLES - 1


class Clock:
    """The clock of a machine, or of a server, which a test moves. Both readings go on while a process is stopped."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self.now = 1_000_000.0

    @property
    def now(self) -> float:
        return self._now

    @now.setter
    def now(self, at: float) -> None:
        self._now = at
        if self._file is not None:
            self._file.write_text(f"{at}")

    def time(self) -> float:
        return self._now

    monotonic = time


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    """The name of one, ready to be opened."""
    if request.param == "postgres":
        request.getfixturevalue("postgres_server")
    return str(request.param)


@pytest.fixture
def clock(backend: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Clock:
    """What the backend takes for the time."""
    if backend == "postgres":
        return Clock(request.getfixturevalue("postgres_server").clock)
    made = Clock(None)
    monkeypatch.setattr(slipway.storage.sqlite_lease, "time", made)
    return made


@pytest.fixture(scope="session")
def bundles(tmp_path_factory: pytest.TempPathFactory, make_flats: Callable[[Path], Any]) -> list[Path]:
    """Folders of bundles; the last one does not pass its own examples."""
    flats = make_flats(tmp_path_factory.mktemp("bundles") / "flats")
    return [flats._bundle(number, number == BROKEN).folder for number in range(BUNDLES)]
