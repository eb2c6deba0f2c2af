"""A project that holds modules with the names of Python's own and of libraries: commands don't run them."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from commands import Slipway

NEVER = (
    *sorted(sys.stdlib_module_names - {"math", "typing"}),
    "sitecustomize",
    "usercustomize",
    "slipway",
    "yaml",
    "dvc",
)
"""The example's pipeline imports `math` and `typing`: these would be the project's for it."""
LATER = {"platform", "json", "random", "site", "sitecustomize", "tempfile", "subprocess", "logging", "socket", "yaml"}
"""What `python -m` does not import itself, before anything of ours."""


@pytest.fixture
def linear(tmp_path: Path, released: Callable[[str, Path], Slipway]) -> Slipway:
    """The linear example, released, with a foreign module of each name; the command line as it is installed."""
    slipway = released("linear", tmp_path)
    slipway.folder = tmp_path / "linear"
    slipway.command = [str(Path(sys.executable).parent / "slipway")]
    for name in NEVER:
        (slipway.folder / f"{name}.py").write_text(
            f"open({str(tmp_path / 'executed')!r}, 'a').write({name!r} + ' ')\nraise ImportError({name!r})\n"
        )
    return slipway


def test_no_command_executes_them_or_fails_for_them(linear: Slipway, tmp_path: Path) -> None:
    executed = tmp_path / "executed"
    assert linear.json("ledger", "--verify")["verified"]
    linear("run", "--set", "readings.seed=5", "--jobs", "2")
    linear("stage", "model")
    linear("release", "--override", "to try it")
    linear("loop", "--once")
    linear.environment["PYTHONPATH"] = str(tmp_path / "nothing")
    with linear.serving("serve", "--port", "0", "--workers", "2") as server:
        server.url = server.line()
        assert server.ask("/predict", {"values": [1.0]})["predictions"]
    assert not executed.exists(), executed.read_text()
    for name in {*NEVER} - LATER:
        (linear.folder / f"{name}.py").unlink()
    linear.command = [sys.executable, "-m", "slipway"]
    (linear.folder / "typing.py").write_text("raise ImportError\n")
    linear("status")
    assert not executed.exists(), executed.read_text()
