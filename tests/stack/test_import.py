"""A laptop's history, taken over by a stack before its first job runs."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from commands import Slipway
from engine import Stack, asked, require_engine

SETTINGS = [
    ('file = "docker-compose.yaml"', 'file = "docker-compose.yaml"\nimage = "slipway-test-linear-{target}:local"')
]
"""Of the images that the stack of `linear` has anyway."""
PREDICTIONS = 3


@pytest.fixture(scope="module")
def laptop(released: Callable[[str, Path], Slipway], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A project with two versions, of which the second is live, and a few predictions; its stack was never up."""
    require_engine()
    folder = released("linear", tmp_path_factory.mktemp("import")).folder
    stack = Stack(folder, "linear", name="import", settings=SETTINGS)
    stack.down()
    stack.slipway("run", "--set", "split.seed=7")
    stack.slipway("release")
    command = [sys.executable, "-m", "slipway", "serve", "--port", "0"]
    with subprocess.Popen(
        command, cwd=stack.folder, env=stack.environment, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        assert [asked(f"{url}/predict", {"values": [n]})[0] for n in range(PREDICTIONS)] == [200] * PREDICTIONS
        server.send_signal(signal.SIGTERM)
    yield stack
    stack.down()


def in_stack(stack: Stack, *words: str) -> Any:
    said = stack.stdout("run", "--rm", "--no-deps", "-T", "model-train", "slipway", *words, "--json")
    return json.loads(said)


def test_versions_ledger_and_journal_are_in_the_stack_before_its_first_job(laptop: Stack) -> None:
    here = json.loads(laptop.run([sys.executable, "-m", "slipway", "-q", "ledger", "--json"]))["entries"]
    said = laptop.up("--import", "model-train")
    assert (
        f"Imported: versions 2, entries of their ledger {len(here)}, predictions {PREDICTIONS}, truths 0; version 2"
        in (said)
    )
    there = in_stack(laptop, "ledger", "--verify")
    assert there["entries"][: len(here)] == here
    assert there["verified"] is True
    assert there["anchored"].startswith("the tracker confirms it up to entry ")
    assert in_stack(laptop, "journal")["predictions"] == PREDICTIONS
    assert laptop.sql("SELECT count(*) FROM slipway.predictions", "dsproject") == str(PREDICTIONS)
    again = laptop.up("--import", "--no-build", "model-train")
    assert "Imported: nothing was new; " in again


def test_a_stack_with_another_history_keeps_it(laptop: Stack, tmp_path: Path) -> None:
    state = laptop.folder / ".slipway"
    kept = state.rename(tmp_path / "kept")
    try:
        laptop.slipway("run")
        said = laptop.slipway("stack", "up", "--import", "--no-build", "model-train", code=1)
    finally:
        state.rename(tmp_path / "other")
        kept.rename(state)
    assert "The stack's ledger is another one: its entry 1 (candidate of version 1, " in said
    assert "Nothing was imported." in said
