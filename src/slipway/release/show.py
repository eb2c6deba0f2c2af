"""Print versions and the ledger as tables for a person."""

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from slipway.records import LedgerEntry
from slipway.release.anchor import Anchored
from slipway.release.ledger import Verified
from slipway.release.versions import VersionFacts
from slipway.rounding import rounded


def print_versions(versions: Sequence[VersionFacts], console: Console) -> None:
    """Print each version's figures and the settings that differ, oldest first."""
    if not versions:
        console.print("  There is no version yet: `slipway run` makes the first.")
        return
    metrics = sorted({name for v in versions for name in v.metrics})
    told = sorted({name for v in versions for name in v.settings})
    varied = [name for name in told if len({str(v.settings.get(name)) for v in versions if v.settings}) > 1]
    table = _table("version", "state", "made", "commit", *metrics, "test rows", *varied)
    for v in versions:
        figures = [rounded(v.metrics[m]) if m in v.metrics else "" for m in metrics]
        values = [escape(str(v.settings.get(name, ""))) for name in varied]
        rows = "" if v.evaluation is None else f"{v.evaluation.rows:,}"
        rows += ", others" if v.evaluation is not None and v.evaluation.is_same is False else ""
        table.add_row(str(v.version), v.state, v.at[:19], (v.commit or "")[:8], *figures, rows, *values)
    console.print(table)
    for before, v in zip([None, *versions], versions, strict=False):
        of_before = None if before is None else before.version
        words = None if v.evaluation is None else v.evaluation.words(v.version, of_before)
        if words is not None:
            console.print(f"  {escape(words)}")
    for v in versions:
        if v.differs is not None:
            what = "; ".join(v.differs) or "nothing that Slipway knows of"
            console.print(f"  Version {v.version} differs from the one before: {escape(what)}.")


def print_ledger(
    entries: Sequence[LedgerEntry], verified: Verified, anchored: Anchored | None, console: Console
) -> None:
    """Print the entries, whether their chain holds, and what the tracker's heads say of it."""
    table = _table("seq", "at", "action", "version", "previous", "by", "why", "hash")
    for e in entries:
        previous = "" if e.previous is None else str(e.previous)
        cells = (
            str(e.seq),
            e.at[:19],
            e.action,
            str(e.version),
            previous,
            escape(e.by),
            escape(e.why),
            e.hash[:12],
        )
        table.add_row(*cells)
    console.print(table if entries else "  Nothing is recorded yet: `slipway run` makes the first candidate.")
    if verified.ok:
        console.print("  The chain is [green]verified[/green].")
    else:
        console.print(f"  [red]The chain does not hold:[/red] {escape(verified.problem or '')}")
    if anchored is not None:
        console.print(f"  {escape(anchored.sentence())}.")
        if anchored.problem is not None:
            console.print(
                "  [red]The ledger is not the one that was written.[/red] Put the copy back that is; or, if this "
                "one was put there on purpose, `slipway ledger --accept`."
            )


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=True, header_style="dim")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
