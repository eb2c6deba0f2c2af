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
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Server]]:
    """Run an example without Docker; what is given is the same project as the stack's, by the same generator."""
    with ExitStack() as served:

        def run(example: str) -> Server:
            slipway = Slipway(tmp_path_factory.mktemp("embedded"))
            slipway("new", example, "--example", example)
            server = served.enter_context(slipway.serving("-C", example, "up", "--port", "0"))
            server.url = server.line().split()[3].removesuffix("/predict")
            return server

        yield run
