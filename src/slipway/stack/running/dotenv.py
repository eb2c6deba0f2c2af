"""A project's `.env` in, its names and values out; and lines put into it without touching the others."""

import re
from collections.abc import Mapping
from pathlib import Path

from slipway.files import read_text, rewrite_bytes

FILE = ".env"

_LINE = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*[=:]\s*(.*?)\s*")


def read_dotenv(folder: Path) -> dict[str, str]:
    """The values of the folder's `.env`, as Compose takes them where nothing is to be filled in; none without one."""
    try:
        text = read_text(folder / FILE)
    except FileNotFoundError:
        return {}
    found = (_LINE.fullmatch(line) for line in text.splitlines() if not line.lstrip().startswith("#"))
    return {line[1]: _unquoted(line[2]) for line in found if line is not None}


def add_lines(folder: Path, values: Mapping[str, str]) -> dict[str, str]:
    """Give the folder's `.env` a line for each name that it has none of; what it says else of them.

    Every byte that is there stays.
    """
    there = read_dotenv(folder)
    lacking = {name: value for name, value in values.items() if name not in there}
    if lacking:
        path = folder / FILE
        before = path.read_bytes() if path.exists() else b""
        start = b"\n" if before and not before.endswith(b"\n") else b""
        added = start + "".join(f"{name}={value}\n" for name, value in lacking.items()).encode()
        rewrite_bytes(path, before + added, mode_of_new=0o600)
    return {name: there[name] for name in values if name in there and there[name] != values[name]}


def _unquoted(value: str) -> str:
    if len(value) > 1 and value[0] in "'\"" and (end := value.find(value[0], 1)) > 0:
        return value[1:end]
    return re.split(r"(?:^|\s)#", value, maxsplit=1)[0].rstrip()
