"""A column of the reference and the window's counts of it in; the two shapes, ready to be drawn, out."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from slipway.profile.columns import NumberColumn, NumberCounts, TextColumn, TextCounts

BARS = 32
CATEGORIES = 10
TRIMMED = 0.02  # the share beyond either end that is drawn in the outermost bar


@dataclass(frozen=True, slots=True)
class Bars:
    """Shares of rows by category, the reference's most frequent first."""

    labels: tuple[str, ...]
    reference: tuple[float, ...]
    window: tuple[float, ...]
    unseen: frozenset[str] = frozenset()
    rest: int = 0
    """How many further categories the last bar holds; 0: there is none such."""

    def shortened(self, most: int) -> "Bars":
        """The bars with most rows on either side, and the others as one."""
        named = range(len(self.labels) - (1 if self.rest else 0))
        if len(named) <= most:
            return self
        sizes = {i: max(self.reference[i], self.window[i]) for i in named}
        kept = sorted(sorted(named, key=lambda i: -sizes[i])[:most])
        left = [i for i in range(len(self.labels)) if i not in kept]
        rest = self.rest + len(named) - most
        return Bars(
            (*(self.labels[i] for i in kept), f"{rest:,} others"),
            (*(self.reference[i] for i in kept), sum(self.reference[i] for i in left)),
            (*(self.window[i] for i in kept), sum(self.window[i] for i in left)),
            self.unseen & {self.labels[i] for i in kept},
            rest,
        )


@dataclass(frozen=True, slots=True)
class Shape:
    """Shares of rows in bars of equal width between the first edge and the last; what is beyond is in the outermost."""

    first: float
    last: float
    reference: tuple[float, ...]
    window: tuple[float, ...]
    is_time: bool = False


Overlay = Bars | Shape


def category_overlay(column: TextColumn, counts: TextCounts) -> Bars | None:
    """Paired bars of the categories that have most rows on either side; None where categories are not counted."""
    if column.flag == "id" or column.type == "other" or not (column.n or counts.n):
        return None
    n, m = max(column.n, 1), max(counts.n, 1)
    every = {**column.categories, **counts.values}
    shares = {c: (column.categories.get(c, 0) / n, counts.values.get(c, 0) / m) for c in every}
    chosen = sorted(shares, key=lambda c: (-max(shares[c]), c))[:CATEGORIES]
    chosen.sort(key=lambda c: (-shares[c][0], -shares[c][1], c))
    unseen = frozenset(c for c in chosen if c not in column.categories) if column.is_whole else frozenset()
    rest = max(len(every), column.distinct) - len(chosen)
    reference, window = [shares[c][0] for c in chosen], [shares[c][1] for c in chosen]
    if rest:
        reference.append(max(1 - sum(reference), 0.0) if column.n else 0.0)
        window.append(max(1 - sum(window), 0.0) if counts.n else 0.0)
    labels = (*chosen, f"{rest:,} others") if rest else tuple(chosen)
    return Bars(labels, tuple(reference), tuple(window), unseen, rest)


def number_overlay(column: NumberColumn, counts: NumberCounts) -> Overlay | None:
    """The two distributions; few distinct values as paired bars. None where the reference has no number."""
    if column.edges.size == 0:
        return None
    if column.values and column.type == "number":
        return _value_bars(column, counts)
    edges = column.edges
    sums = [np.concatenate(([0], np.cumsum(side.cells))) for side in (column.counts, counts)]
    below = [s[1:-1] / max(int(s[-1]), 1) for s in sums]  # the share below each edge
    has_rows = [side for side, s in zip(below, sums, strict=True) if s[-1]]
    first = min(float(np.interp(TRIMMED, side, edges)) for side in has_rows)
    last = max(float(np.interp(1 - TRIMMED, side, edges)) for side in has_rows)
    if last <= first:
        last = first + 1.0
    grid = np.linspace(first, last, BARS + 1)
    drawn = [_drawn(grid, edges, side, bool(s[-1])) for side, s in zip(below, sums, strict=True)]
    return Shape(first, last, drawn[0], drawn[1], column.type == "time")


def _drawn(
    grid: NDArray[np.float64], edges: NDArray[np.float64], below: NDArray[np.float64], has_rows: bool
) -> tuple[float, ...]:
    if not has_rows:
        return (0.0,) * BARS
    at = np.interp(grid, edges, below)
    at[0], at[-1] = 0.0, 1.0
    return tuple(np.diff(at).tolist())


def _value_bars(column: NumberColumn, counts: NumberCounts) -> Bars:
    cells = np.searchsorted(column.edges, np.array(column.values), side="right")
    n, m = max(int(column.counts.cells.sum()), 1), max(int(counts.cells.sum()), 1)
    reference, window = (column.counts.cells[cells] / n).tolist(), (counts.cells[cells] / m).tolist()
    labels = [f"{value:,.6g}" for value in column.values]
    others = 1 - sum(window)
    if counts.cells.sum() and others > 1e-9:
        labels.append("other values")
        reference.append(0.0)
        window.append(others)
        return Bars(tuple(labels), tuple(reference), tuple(window), frozenset({"other values"}))
    return Bars(tuple(labels), tuple(reference), tuple(window))
