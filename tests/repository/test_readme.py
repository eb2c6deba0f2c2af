"""What the pages tell a reader to type exists: targets of the Makefile, verbs and options of the command line."""

import re
import shlex
from pathlib import Path

import pytest
from typer.main import get_command

from slipway.cli import app

ROOT = Path(__file__).resolve().parents[2]
DOCS = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").glob("*.md"))
PAGES = ("README.md", "CONTRIBUTING.md", *DOCS)
TARGETS = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
VERBS = get_command(app).commands
EVERYWHERE = {"-C", "--quiet"}


def commands(page: str) -> list[str]:
    """The lines of a page's shell blocks, without comments."""
    blocks = re.findall(r"^```(?:sh|bash)\n(.*?)^```", (ROOT / page).read_text(), re.MULTILINE | re.DOTALL)
    lines = [re.sub(r"\s+#.*", "", line).strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


def spoken(page: str) -> list[str]:
    """Commands named in running text, between backticks."""
    return re.findall(r"`((?:make|slipway) [^`]+)`", (ROOT / page).read_text())


@pytest.mark.parametrize(
    "line", sorted({line for page in PAGES for line in commands(page) + spoken(page)}), ids=lambda line: line
)
def test_a_command_of_the_pages_exists(line):
    name, *rest = shlex.split(line)
    if name == "make":
        assert {word for word in rest if "=" not in word} <= TARGETS
    elif name.endswith("slipway"):
        _assert_known(rest)
    elif name == "bash":
        assert (ROOT / rest[0]).is_file()
    else:
        assert name in {"git", "cd", "curl"}, f"nothing here knows `{name}`"


def test_the_pages_have_commands():
    assert {"make demo", "make test"} <= set(commands("README.md"))


def test_the_readme_leads_to_every_page():
    assert {page for page in DOCS if f"]({page})" not in (ROOT / "README.md").read_text()} == set()


def test_every_target_is_listed_by_help():
    listed = set(re.findall(r"^([a-z]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert TARGETS - {"runtime", "dev"} == listed


def _assert_known(words: list[str]) -> None:
    while words and words[0] in EVERYWHERE:
        words = words[2:] if words[0] == "-C" else words[1:]
    if words == ["--help"]:
        return
    assert words[0] in VERBS, f"there is no verb {words[0]}"
    options = {option for parameter in VERBS[words[0]].params for option in parameter.opts}
    assert {word for word in words[1:] if word.startswith("-")} <= options | {"--help"} | EVERYWHERE
