"""A drift report in, a compact table in the terminal out, the worst column first."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from slipway.monitor.check import DriftReport
from slipway.monitor.reading import ColumnDrift, Reading
from slipway.monitor.words import MEASURES, called, explanation, figure, number, sentence, verdict

COLORS = {"none": "green", "too small": "yellow", "alarm": "yellow", "retrain": "red"}
FLAGS = {"clock": "moves with time", "id": "looks like an id"}
HEADS = {
    "psi": "psi",
    "cardinality_ratio": "distinct",
    "prediction_drift": "answers",
    "truth_drift": "truths",
    "missing": "missing",
    "unreadable": "unreadable",
    "unseen": "unseen",
    "mean_shift": "mean",
    "out_of_range": "range",
    "spike": "one value",
    "vanished_share": "vanished",
    "ks": "ks",
    "jensen_shannon": "js",
    "quality_drop": "quality",
}
ON_REQUEST = ("unreadable", "out_of_range", "spike", "vanished_share", "ks", "jensen_shannon")
"""Measures that have a column of the table once they have a threshold; the page shows them all."""
QUIET_COLUMNS = 12


def print_report(report: DriftReport, console: Console, *, window: str) -> None:
    """Print the verdict, what it rests on, and the columns.

    Args:
        window: in words, such as "the last 1,000 predictions of version 3".
    """
    console.print(Text(f"{verdict(report)}.", style=f"bold {COLORS[report.decision]}"))
    if not report.rows:
        console.print(Text(f"Nothing came in to be held against the {report.reference_rows:,} reference rows."))
        return
    told = f"{window[:1].upper()}{window[1:]}, against {report.reference_rows:,} reference rows. {explanation(report)}"
    console.print(Text(told))
    columns = [column for column in report.columns.values() if column.alerts or column.role != "raw"]
    beyond = [column for column in columns if column.alerts]
    quiet = [column for column in columns if not column.alerts]
    console.print()
    for column in beyond:
        console.print(Text.assemble("  ", (called(column), "bold"), f"  {sentence(column)}"))
    if beyond:
        console.print()
    console.print(_table(beyond + quiet[:QUIET_COLUMNS]))
    if quiet[QUIET_COLUMNS:]:
        console.print(Text(f"  and {len(quiet) - QUIET_COLUMNS} more within their thresholds", style="dim"))
    limits = {r.measure: r for c in columns for r in c.readings if r.threshold is not None}
    if limits:
        listed = ", ".join(f"{HEADS[name]} {_levels(reading)}" for name, reading in limits.items())
        console.print(Text(f"\n  Thresholds: {listed} (psi above what sampling alone gives).", style="dim"))


def _table(columns: list[ColumnDrift]) -> Table:
    measures = [name for name in MEASURES if any(_is_told(_reading(column, name)) for column in columns)]
    table = Table(box=None, pad_edge=True, header_style="dim")
    table.add_column("column", no_wrap=True, max_width=32)
    for name in measures:
        table.add_column(HEADS[name], justify="right", no_wrap=True)
    for column in columns:
        label = Text(called(column), style="bold" if column.alerts else "")
        if column.flag:
            label.append(f" ({FLAGS[column.flag]})", style="dim")
        table.add_row(label, *(_cell(_reading(column, name)) for name in measures))
    return table


def _levels(reading: Reading) -> str:
    worse = "" if reading.critical is None else f" (critical {number(reading.critical)})"
    return f"{number(reading.threshold)}{worse}"


def _is_told(reading: Reading | None) -> bool:
    return reading is not None and (reading.measure not in ON_REQUEST or reading.threshold is not None)


def _reading(column: ColumnDrift, measure: str) -> Reading | None:
    return next((r for r in column.readings if r.measure == measure and r.value is not None), None)


def _cell(reading: Reading | None) -> Text:
    if reading is None:
        return Text("")
    style = {"critical": "bold reverse red", "alert": "bold red", None: "" if reading.threshold else "dim"}
    return Text(figure(reading), style=style[reading.level])
