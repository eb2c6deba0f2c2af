"""Every suite here runs once over each backend; `opening` opens the same place again, as another process would."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import backends
from slipway.storage import Storage


@pytest.fixture(params=backends.BACKENDS)
def open_backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], Storage]]:
    opened: list[Storage] = []

    def opening() -> Storage:
        opened.append(backends.open_backend(request.param, tmp_path))
        return opened[-1]

    yield opening
    for storage in opened:
        storage.close()


@pytest.fixture
def storage(open_backend: Callable[[], Storage]) -> Storage:
    return open_backend()
