"""The verbs in; `slipway --help` out, in groups and as plain text: drawing it would cost more than all else it does."""

from typing import Any

from typer.core import TyperGroup

_WHOLE = 1000
"""Characters: a sentence is not cut, it is wrapped."""


class Grouped(TyperGroup):
    """The command line, whose help has a section for each panel that verbs are put in."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write a section a panel, in the order in which the verbs were added."""
        panels: dict[str, list[tuple[str, str]]] = {}
        for name in self.list_commands(ctx):
            verb = self.get_command(ctx, name)
            if verb is not None and not verb.hidden:
                panel = getattr(verb, "rich_help_panel", None) or "Others"
                panels.setdefault(panel, []).append((name, verb.get_short_help_str(limit=_WHOLE)))
        for panel, rows in panels.items():
            with formatter.section(panel):
                formatter.write_dl(rows)
