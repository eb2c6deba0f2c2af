"""What the stacks' tests share: time for a first build, and an example without Docker to compare with."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from commands import Server, Slipway

SECONDS = 1800
"""A first build of all images, on two cores and a slow network."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.timeout(SECONDS))


@pytest.fixture(scope="module")
def embedded(
    released: Callable[[str, Path], Slipway], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Server]]:
    """Serve an example without Docker; what is given is the same project as the stack's, by the same generator."""
    with ExitStack() as served:

        def serve(example: str) -> Server:
            slipway = released(example, tmp_path_factory.mktemp("embedded"))
            server = served.enter_context(slipway.serving("-C", example, "serve", "--port", "0"))
            server.url = server.line()
            return server

        yield serve
