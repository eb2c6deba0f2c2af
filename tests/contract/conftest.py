"""Every suite here runs once over each backend; `open_backend` opens the same place again, as another process would."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from slipway.settings import read_settings
from slipway.storage import Storage, open_storage

BACKENDS = ("sqlite",)


@pytest.fixture(params=BACKENDS)
def open_backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], Storage]]:
    opened: list[Storage] = []

    def opening() -> Storage:
        assert request.param == "sqlite"
        opened.append(open_storage(read_settings(tmp_path, {})))
        return opened[-1]

    yield opening
    for storage in opened:
        storage.close()


@pytest.fixture
def storage(open_backend: Callable[[], Storage]) -> Storage:
    return open_backend()
