"""The consecutive pieces of a window, counted, in; how each column and the answers went over them, out."""

from collections.abc import Sequence
from itertools import pairwise

from slipway.monitor.measures import column_psi
from slipway.monitor.reading import Course
from slipway.monitor.rules import Rules
from slipway.profile.columns import NumberColumn, NumberCounts, TextColumn, TextCounts
from slipway.profile.count import Counts, Profile

PIECES = 12
PIECE_ROWS = 40  # of fewer, what is seen is chance
FEWEST = 3  # two pieces are no course
CLASSES = 6


def cut(rows: int) -> list[tuple[int, int]]:
    """Where to cut so many rows: starts and ends of pieces of equal length; none where it would be too few."""
    pieces = min(PIECES, rows // PIECE_ROWS)
    if pieces < FEWEST:
        return []
    marks = [rows * piece // pieces for piece in range(pieces + 1)]
    return list(pairwise(marks))


def column_course(profile: Profile, name: str, pieces: Sequence[Counts], rules: Rules) -> tuple[Course, ...]:
    """The index of one column in each piece, less what a piece of its size has without drift."""
    found = [column_psi(profile.columns[name], piece.columns[name], rules) for piece in pieces]
    values = tuple(None if f is None else max(f.value - f.without_drift, 0.0) for f in found)
    if all(value is None for value in values):
        return ()
    return (Course("psi", values, rules.alert.get("psi")),)


def prediction_course(profile: Profile, pieces: Sequence[Counts]) -> tuple[Course, ...]:
    """Of classes the share of each, those with most rows alone; of numbers their mean. Each beside the reference's."""
    column = profile.prediction
    if isinstance(column, NumberColumn):
        moments = [column.moments(p.prediction) for p in pieces if isinstance(p.prediction, NumberCounts)]
        before = column.moments(column.counts)
        values = tuple(m.mean if m.n else None for m in moments)
        return (Course("mean", values, before.mean if before.n else None),) if moments else ()
    counts = [p.prediction for p in pieces if isinstance(p.prediction, TextCounts)]
    if not counts or not isinstance(column, TextColumn):
        return ()
    every = sum(counts[1:], counts[0])
    n = max(column.n, 1)
    labels = sorted(
        {**column.categories, **every.values},
        key=lambda c: (-max(every.values.get(c, 0) / max(every.n, 1), column.categories.get(c, 0) / n), c),
    )
    return tuple(
        Course(
            label,
            tuple(c.values.get(label, 0) / c.n if c.n else None for c in counts),
            column.categories.get(label, 0) / n,
        )
        for label in labels[:CLASSES]
    )
