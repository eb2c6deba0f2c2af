"""What turned out to be true of a window's rows, held against the truths of the test rows."""

import polars as pl

from slipway.monitor.measures import column_facts, column_psi
from slipway.monitor.overlay import category_overlay, number_overlay
from slipway.monitor.quality import Answers
from slipway.monitor.reading import ColumnDrift
from slipway.monitor.rules import Rules
from slipway.profile.columns import NumberColumn, TextColumn, TextCounts, describe, describe_classes

TRUTH = "truth"


def truth_drift(kind: str, reference: Answers, window: Answers, rules: Rules) -> ColumnDrift | None:
    """Compare the truths of a window with those of the test rows; None where a side has none.

    The measure is the index of population stability: over the classes, of numbers over the test rows' deciles. A base
    rate that moves makes answers worse before anybody sees it in them, so its threshold is lower than a column's.
    """
    if not reference.truths or not window.truths:
        return None
    before, after = (_series(kind, side) for side in (reference, window))
    column = describe_classes(before) if kind == "classification" else describe(before)
    counts = column.count(after)
    reading = rules.reading("truth_drift", column_psi(column, counts, rules))
    facts = column_facts(column, counts, len(before), len(after)) | {"truths": len(after)}
    if isinstance(column, TextColumn) and isinstance(counts, TextCounts):
        return ColumnDrift(TRUTH, "truth", column.type, None, (reading,), facts, category_overlay(column, counts))
    assert isinstance(column, NumberColumn)
    assert not isinstance(counts, TextCounts)
    return ColumnDrift(TRUTH, "truth", column.type, None, (reading,), facts, number_overlay(column, counts))


def _series(kind: str, side: Answers) -> pl.Series:
    if kind == "classification":
        return pl.Series("truth", [str(truth) for truth in side.truths], dtype=pl.String)
    return pl.Series("truth", [float(truth) for truth in side.truths], dtype=pl.Float64)
