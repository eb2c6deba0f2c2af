"""The states of a stack's services in, a table for a person out: what is up, where, and how to log in."""

from collections.abc import Sequence
from datetime import datetime

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from slipway.stack.running.status import ServiceStatus


def print_services(services: Sequence[ServiceStatus], console: Console) -> None:
    """A line a service; then, for those that ask who one is, the file with what they want to see."""
    table = Table(box=None, pad_edge=True, header_style="dim")
    for column in ("service", "state", "since", "url", "log in as", "secret in"):
        table.add_column(column, overflow="fold")
    for each in services:
        style = "green" if each.is_right and each.since is not None else "dim" if each.is_right else "red"
        table.add_row(
            escape(each.service),
            f"[{style}]{escape(each.state)}[/{style}]",
            _clock(each.since),
            escape(each.url or ""),
            escape(each.user or ""),
            escape(each.secret or ""),
        )
    console.print(table)


def _clock(since: str | None) -> str:
    return "" if since is None else datetime.fromisoformat(since).astimezone().strftime("%Y-%m-%d %H:%M:%S")
