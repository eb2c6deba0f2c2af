"""What a written README tells its reader to run is run, word for word."""

import re
import shlex
import shutil
import subprocess
import sys
from importlib.metadata import metadata, requires
from pathlib import Path

import pytest

from commands import Slipway

EXAMPLES = Path(__file__).parents[2] / "src/slipway/examples"
BIN = Path(sys.executable).parent


def commands_in(text: str) -> list[list[str]]:
    """The commands of a page's fenced blocks, without their comments."""
    blocks = re.findall(r"^```\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines() if line.strip()]
    return [shlex.split(line, comments=True) for line in lines]


def is_installable(wanted: str) -> bool:
    """Whether pip can find what a page tells to install: this package with extras that it has, or pytest."""
    if wanted == "pytest":
        return True
    name, _, extras = wanted.rstrip("]").partition("[")
    known = set(metadata("slipway").get_all("Provides-Extra") or ())
    return name == "slipway" and bool(extras) and set(extras.split(",")) <= known


def test_every_command_of_a_written_readme_works(slipway: Slipway) -> None:
    """What needs an installation names it above; the installation itself is held against the package's extras."""
    rows = "\n".join(
        f"{i % 97},{'north' if i % 3 else 'south'},{'high' if i % 97 + i % 5 > 50 else 'low'}" for i in range(600)
    )
    (slipway.folder / "t.csv").write_text(f"x,side,y\n{rows}\n")
    slipway("new", "p", "--from", "t.csv", "--target", "y")
    project, installed, ran = slipway.folder / "p", {"slipway"}, []
    environment = {**slipway.environment, "PATH": f"{BIN}:{slipway.environment['PATH']}"}
    for command in commands_in((project / "README.md").read_text(encoding="utf-8")):
        if command[:2] == ["pip", "install"]:
            assert is_installable(command[2]), command
            installed |= {"dvc"} if "dvc" in command[2] else {command[2]}
            continue
        assert command[0] in installed, f"{command}: nothing above says how to install it"
        ran.append(command)
        if command == ["slipway", "up"]:
            with slipway.serving("-C", "p", "up", "--port", "0") as server:
                assert "curl" in server.line()
            continue
        assert shutil.which(command[0], path=environment["PATH"]), command
        done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, timeout=240)
        assert done.returncode == 0, f"{command}: {done.stdout}\n{done.stderr}"
    assert {command[0] for command in ran} == {"slipway", "pytest", "dvc"}


@pytest.mark.parametrize("name", ["linear", "housing", "obesity"])
def test_an_examples_readme_says_how_to_get_what_it_calls(name: str) -> None:
    text = (EXAMPLES / name / "README.md").read_text(encoding="utf-8").partition("## Departures")[0]
    always = {re.split(r"[^\w-]", line)[0] for line in requires("slipway") or () if "extra ==" not in line}
    for program in ("pytest", "dvc", "matplotlib"):
        called = [line for line in text.splitlines() if re.search(rf"`{program}\b|^{program} |need {program}", line)]
        assert not called or program in always or "pip install" in text, called
