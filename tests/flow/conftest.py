from pathlib import Path

import pytest

from commands import Slipway


@pytest.fixture
def slipway(tmp_path: Path) -> Slipway:
    """The command line, in an empty folder."""
    return Slipway(tmp_path)
