"""Which part of slipway.toml a file comes from in; the lines that it begins with out."""

from slipway.project.facts import FILE

_LINES = (
    "Rendered by `slipway stack render` from {part} of {file}: change it there, then render again.",
    "An edit here is kept, and misses what is rendered later; what is yours alone goes to compose.override.yaml.",
)


def comment(part: str) -> str:
    """As comments of YAML, a shell and most configurations."""
    return "".join(f"# {line}\n" for line in _lines(part))


def page_comment(part: str) -> str:
    """As a comment of Markdown."""
    return "<!-- " + " ".join(_lines(part)) + " -->\n"


def _lines(part: str) -> list[str]:
    return [line.format(part=part, file=FILE) for line in _LINES]
