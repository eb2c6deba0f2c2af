"""Every suite here runs once over each backend; `opening` opens the same place again, as another process would."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import backends
from slipway.storage import Storage


@pytest.fixture(params=backends.BACKENDS)
def open_backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], Storage]]:
    if request.param == "postgres":
        request.getfixturevalue("postgres_server")
    opened: list[Storage] = []

    def opening() -> Storage:
        opened.append(backends.open_backend(request.param, tmp_path))
        return opened[-1]

    yield opening
    for storage in opened:
        storage.close()
    backends.forget(tmp_path)


@pytest.fixture(params=backends.BACKENDS)
def environment(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dict[str, str]]:
    """What tells another process of the backend; there are no tables yet."""
    if request.param == "postgres":
        request.getfixturevalue("postgres_server").drop_tables()
    yield backends.environment(request.param, tmp_path)
    backends.forget(tmp_path)


@pytest.fixture
def storage(open_backend: Callable[[], Storage]) -> Storage:
    return open_backend()
