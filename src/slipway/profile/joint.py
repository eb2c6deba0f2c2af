"""Two columns of numbers in, measures over the range that both have together out: bins that no profile knows yet."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slipway.profile.drift import CHANCE, Counts, Psi

BINS = 10
FLOOR = 1e-6
"""The least share of a bin, so that an empty one has a logarithm."""
KEPT = 10_000
"""Values of a reference that are kept."""
DRAWS = 200


def joint_psi(reference: Any, window: Any, *, bins: int = BINS, floor: float = FLOOR) -> float:
    """The population stability index over equal-width bins of the joint range of both columns.

    Args:
        reference, window: one-dimensional arrays, Series or lists of numbers; what is not finite is left aside.

    Raises:
        ValueError: a side has no number.

    A single far value widens every bin, and an empty bin counts for ln(1/floor): where nothing else asks for it, the
    index over the reference's deciles (`profile/drift.py`) is the steadier one.
    """
    before, after = _finite(reference, "reference"), _finite(window, "window")
    edges = joint_edges(min(before.min(), after.min()), max(before.max(), after.max()), bins)
    shares = [np.histogram(side, edges)[0] / side.size for side in (before, after)]
    return float(_index(shares[0], shares[1], floor))


def ks_distance(reference: Any, window: Any) -> float:
    """The largest distance between the two cumulated distributions: 0 for equal ones, 1 for ones that don't meet.

    Args:
        reference, window: as for `joint_psi`.

    An effect size. Its p-value is left out, since with enough rows it calls any difference significant.
    """
    before, after = np.sort(_finite(reference, "reference")), np.sort(_finite(window, "window"))
    every = np.concatenate((before, after))
    below = [np.searchsorted(side, every, side="right") / side.size for side in (before, after)]
    return float(np.max(np.abs(below[0] - below[1])))


def joint_edges(low: float, high: float, bins: int = BINS) -> NDArray[np.float64]:
    """Edges of bins of equal width; a range of a single value is widened by a half on either side."""
    if high <= low:
        low, high = low - 0.5, high + 0.5
    return np.linspace(low, high, bins + 1)


def floored_psi(reference: Counts, window: Counts, *, floor: float = FLOOR, z: float = CHANCE) -> Psi:
    """The index of two vectors of counts over the same bins, each share at least `floor`.

    What it is without drift has no formula where bins are nearly empty, so both sides are drawn two hundred times
    from what they are together.
    """
    n, m = int(reference.sum()), int(window.sum())
    value = float(_index(reference / n, window / m, floor))
    share = (reference + window) / (n + m)
    random = np.random.default_rng(0)
    drawn = _index(random.multinomial(n, share, DRAWS) / n, random.multinomial(m, share, DRAWS) / m, floor)
    mean, variance = float(drawn.mean()), float(drawn.var())
    if variance == 0:
        return Psi(value, mean, mean)
    spread = variance / (9 * mean**2)  # of a multiple of a chi-squared variable with this mean and variance
    return Psi(value, mean, mean * (1 - spread + z * math.sqrt(spread)) ** 3)


def thinned(ordered: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ascending values, or that many quantiles of more: a share of them is wrong by a ten thousandth at most."""
    if ordered.size <= KEPT:
        return ordered
    return ordered[np.linspace(0, ordered.size - 1, KEPT).round().astype(np.int64)]


def kept_counts(reference: NDArray[np.float64], rows: int, window: NDArray[np.float64]) -> tuple[Counts, Counts]:
    """Counts over the bins of the joint range.

    Args:
        reference: what `thinned` kept of `rows` values.
        window: every value.
    """
    edges = joint_edges(min(reference.min(), window.min()), max(reference.max(), window.max()))
    shares = np.histogram(reference, edges)[0] / reference.size
    return np.round(shares * rows).astype(np.int64), np.histogram(window, edges)[0]


def cell_counts(edges: NDArray[np.float64], reference: Counts, window: Counts) -> tuple[Counts, Counts]:
    """Counts over the bins of the joint range, from counts in a profile's cells, whose values are nowhere kept.

    Within a cell values are taken to be spread evenly. At each edge the reference's share is wrong by a 250th at most,
    the window's by what it has in that cell.
    """
    used = np.flatnonzero(reference + window)
    low, high = edges[max(int(used[0]) - 1, 0)], edges[min(int(used[-1]), edges.size - 1)]
    bins = joint_edges(float(low), float(high))
    counts = []
    for cells in (reference, window):
        below = np.interp(bins, edges, np.cumsum(cells)[:-1])
        below[0], below[-1] = 0, cells.sum()
        counts.append(np.diff(np.round(below)).astype(np.int64))
    return counts[0], counts[1]


def _index(expected: NDArray[np.float64], actual: NDArray[np.float64], floor: float) -> NDArray[np.float64]:
    expected, actual = np.maximum(expected, floor), np.maximum(actual, floor)
    return np.asarray(np.sum((actual - expected) * np.log(actual / expected), axis=-1))


def _finite(values: Any, side: str) -> NDArray[np.float64]:
    numbers = np.asarray(values, dtype=np.float64).ravel()
    numbers = numbers[np.isfinite(numbers)]
    if numbers.size == 0:
        raise ValueError(f"nothing to compare: the {side} has no finite number")
    return numbers
