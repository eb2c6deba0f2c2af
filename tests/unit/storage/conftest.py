from collections.abc import Iterator
from pathlib import Path

import pytest

import backends
from postgres import Server


@pytest.fixture
def url(postgres_server: Server, tmp_path: Path) -> Iterator[str]:
    """A database on the tests' server, of nobody else's."""
    yield backends.environment("postgres", tmp_path)["SLIPWAY_STATE_URL"]
    backends.forget(tmp_path)


@pytest.fixture
def empty_url(postgres_server: Server, tmp_path: Path) -> Iterator[str]:
    """The same, without any tables."""
    postgres_server.drop_tables()
    yield backends.environment("postgres", tmp_path)["SLIPWAY_STATE_URL"]
    backends.forget(tmp_path)
    postgres_server.drop_tables()
