"""What the pages tell a reader to type exists: targets of the Makefile, verbs and options of the command line."""

import re
import shlex
import subprocess
import sys

import pytest
from typer.main import get_command

from pages import ROOT, STACK, commands, rows, section, spoken
from slipway.cli import app
from slipway.project import read_project

DOCS = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").glob("*.md"))
PAGES = ("README.md", "CONTRIBUTING.md", *DOCS)
TARGETS = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
VERBS = get_command(app).commands
EVERYWHERE = {"-C", "--quiet"}


@pytest.mark.parametrize(
    "line", sorted({line for page in PAGES for line in commands(page) + spoken(page)}), ids=lambda line: line
)
def test_a_command_of_the_pages_exists(line):
    name, *rest = _without_variables(shlex.split(line))
    if name == "make":
        assert {word for word in rest if "=" not in word} <= TARGETS
    elif name.endswith("slipway"):
        _assert_known(rest)
    elif name == "bash":
        assert (ROOT / rest[0]).is_file()
    elif name == "docker":
        assert rest[0] == "compose"
        inside = rest[rest.index("slipway") + 1 :] if "slipway" in rest else None
        if inside is not None:
            _assert_known(inside)
    else:
        known = {"git", "cd", "curl", "export", "python3"}
        assert name in known or re.search(r"/bin/(pip|mlflow)$", name), f"nothing here knows `{name}`"


def test_the_pages_have_commands():
    assert {"make demo", "make test"} <= set(commands("README.md"))


def test_the_version_of_mlflow_that_a_page_installs_is_the_lock_s():
    (told,) = [line.rpartition("==")[2] for line in commands("docs/how-to.md") if "mlflow==" in line]
    assert f"\nmlflow-skinny=={told} " in (ROOT / "locks/runtime.txt").read_text()


def test_the_readme_leads_to_every_page():
    assert {page for page in DOCS if f"]({page})" not in section("README.md")} == set()


def test_every_target_is_listed_by_help():
    listed = set(re.findall(r"^([a-z]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert TARGETS - {"runtime", "dev"} == listed


def test_the_stack_s_three_commands_are_carried_out_by_the_tests_of_that_stack():
    tests = (ROOT / "tests/stack/test_housing.py").read_text(encoding="utf-8")
    assert 'commands("README.md", STACK)' in tests
    words = [shlex.split(line) for line in commands("README.md", STACK)]
    assert [[word for word in line[1:] if word not in ("-C", "homes")] for line in words] == [
        ["new", "--example", "housing"],
        ["stack", "up"],
        ["stack", "status"],
    ]


def test_the_picture_is_drawn_from_the_graph_and_shown():
    done = subprocess.run(
        [sys.executable, "scripts/pictures.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "](docs/pictures/housing.svg)" in section("README.md", STACK)


def test_what_comes_up_is_what_the_example_names():
    stack = read_project(ROOT / "src/slipway/examples/housing").stack
    assert stack is not None
    told = rows("README.md", STACK)[1:]
    assert {name for first, *_ in told for name in re.findall(r"`([a-z-]+)`", first)} == set(stack.services)
    assert {int(port) for *_, where in told for port in re.findall(r"http://127\.0\.0\.1:(\d+)", where)} == {
        service.port for service in stack.services.values() if service.port is not None
    }


def _without_variables(words: list[str]) -> list[str]:
    """A command without the variables that are set for it alone."""
    return words[1:] if re.match(r"[A-Z_]+=", words[0]) else words


def _assert_known(words: list[str]) -> None:
    while words and words[0] in EVERYWHERE:
        words = words[2:] if words[0] == "-C" else words[1:]
    if words == ["--help"]:
        return
    assert words[0] in VERBS, f"there is no verb {words[0]}"
    verb, words = VERBS[words[0]], words[1:]
    below = getattr(verb, "commands", {})
    if below and words:
        assert words[0] in below, f"`{verb.name}` has no verb {words[0]}"
        verb, words = below[words[0]], words[1:]
    options = {option for parameter in verb.params for option in parameter.opts}
    assert {word for word in words if word.startswith("-")} <= options | {"--help"} | EVERYWHERE
