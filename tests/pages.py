"""A page for people in, the commands that it tells them to type and the tables that it shows out."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
STACK = "The same as a stack"
"""The README's heading over three commands, which the tests of the second document's stack carry out."""


def section(page: str, heading: str | None = None) -> str:
    """A page's text; of one heading, what stands under it."""
    text = (ROOT / page).read_text(encoding="utf-8")
    if heading is None:
        return text
    found = re.search(rf"^#+ {re.escape(heading)}\n(.*?)(?=^##? |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found is not None, f"{page} has no heading {heading!r}"
    return found[1]


def commands(page: str, heading: str | None = None) -> list[str]:
    """The lines of a page's shell blocks, without comments."""
    blocks = re.findall(r"^```(?:sh|bash)\n(.*?)^```", section(page, heading), re.MULTILINE | re.DOTALL)
    lines = [re.sub(r"\s+#.*", "", line).strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


def spoken(page: str) -> list[str]:
    """Commands named in running text, between backticks."""
    return re.findall(r"`((?:make|slipway) [^`]+)`", section(page))


def rows(page: str, heading: str) -> list[list[str]]:
    """The cells of the tables under a heading, without the lines over and under their heads."""
    lines = [line for line in section(page, heading).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if not set(line) <= set("|- ")]
