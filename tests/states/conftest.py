"""What the state tests need made once: real bundles of the flats, one of which gives other answers than it says."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

BUNDLES = 6
BROKEN = BUNDLES - 1


@pytest.fixture(scope="session")
def bundles(tmp_path_factory: pytest.TempPathFactory, make_flats: Callable[[Path], Any]) -> list[Path]:
    """Folders of bundles; the last one does not pass its own examples."""
    flats = make_flats(tmp_path_factory.mktemp("bundles") / "flats")
    return [flats._bundle(number, number == BROKEN).folder for number in range(BUNDLES)]
