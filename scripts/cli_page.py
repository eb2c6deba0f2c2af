"""The command line's own words in, `docs/cli.md` out; `--check` only says whether the page is stale."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from typer.main import get_command

from slipway.cli import app

PAGE = Path(__file__).resolve().parent.parent / "docs" / "cli.md"
EVERYWHERE = {"-C", "--quiet", "--help"}
OPENING = """\
# The command line

Written by `make page` from the commands themselves.

Exit codes: 0 done; 1 a check said no (the gate refused, `--fail-on` was reached, the ledger was tampered with); 2 the
project, the command, a stage or the data is wrong; 3 something outside failed; 4 somebody else is doing it now; 70 a
fault of Slipway's own. Results go to standard output, progress to standard error. Every verb takes `-C DIR` (the
project's folder, before the verb or after it) and `--quiet` (no progress).
"""


def main() -> int:
    written = page()
    if "--check" in sys.argv[1:]:
        if PAGE.exists() and PAGE.read_text() == written:
            return 0
        print("docs/cli.md is not what the commands say: run `make page`.", file=sys.stderr)
        return 1
    PAGE.write_text(written)
    return 0


def page() -> str:
    """The whole page: a section a panel of `slipway --help`, a table a command."""
    command: Any = get_command(app)
    panels: dict[str, list[Any]] = {}
    for verb in command.commands.values():
        panels.setdefault(getattr(verb, "rich_help_panel", None) or "Others", []).append(verb)
    lines = [OPENING]
    for panel, verbs in panels.items():
        lines.append(f"## {panel}\n")
        for verb in verbs:
            below = [each for each in getattr(verb, "commands", {}).values() if not each.hidden]
            for words, each in [(f"{verb.name} {each.name}", each) for each in below] or [(verb.name, verb)]:
                rows = list(_parameters(each))
                table = ["| | |\n|---|---|", *rows, ""] if rows else []
                lines += [f"### slipway {words}\n", f"{each.help}\n", *table]
    return "\n".join(lines).rstrip() + "\n"


def _parameters(verb: Any) -> Iterator[str]:
    for parameter in verb.params:
        if EVERYWHERE & set(parameter.opts):
            continue
        is_option = parameter.param_type_name == "option"
        names = ", ".join(f"`{name}`" for name in parameter.opts) if is_option else f"`{parameter.name.upper()}`"
        yield f"| {names}{_default(parameter)} | {parameter.help or ''} |"


def _default(parameter: Any) -> str:
    if parameter.required:
        return " (needed)"
    shown = parameter.default
    return f" ({shown})" if isinstance(shown, str | int) and not isinstance(shown, bool) and shown != "" else ""


if __name__ == "__main__":
    sys.exit(main())
