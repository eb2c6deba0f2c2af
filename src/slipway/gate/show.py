"""Print a gate's table for a person, in a hundred columns."""

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from slipway.gate.hold import GateReport
from slipway.gate.lines import Line

STYLES = {"passed": "green", "failed": "red", "cannot tell": "yellow"}


def print_table(report: GateReport, console: Console) -> None:
    """What was measured and how surely first, what was asked and would change it below."""
    table = Table(box=None, pad_edge=True, header_style="dim")
    table.add_column("check", max_width=27, overflow="fold")
    table.add_column("outcome", no_wrap=True)
    table.add_column("measured", overflow="fold")
    for line in report.lines:
        style = STYLES[line.outcome]
        table.add_row(escape(line.check), f"[{style}]{line.outcome}[/{style}]", _words(line, style))
    console.print(table, soft_wrap=False)
    verdict = "[green]passes[/green]" if report.passed else "[red]is refused[/red]"
    console.print(f"  Version {report.version} {verdict}.")
    untold = [line.check for line in report.refusing if line.outcome == "cannot tell"]
    if untold:
        console.print(
            f"  {escape(', '.join(untold))} can't be told, which refuses while another version is live: give it more "
            'rows,\n  or write cannot_tell = "pass" under \\[model] in slipway.toml.'
        )


def _words(line: Line, style: str) -> str:
    measured = f"{line.measured}; {line.uncertainty}" if line.uncertainty else line.measured
    below = f"[dim]asked: {escape(line.asked)}[/dim]"
    if line.would_change and line.outcome != "passed":
        below += f"\n[{style}]would change it: {escape(line.would_change)}[/{style}]"
    return f"{escape(measured)}\n{below}"
