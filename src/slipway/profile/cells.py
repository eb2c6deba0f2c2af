"""Values and ascending edges in, how many values are in each cell between them out; exact, and fast for many values."""

import numpy as np
from numpy.typing import NDArray

FEW = 20_000  # of fewer values, each is simply looked up
CHUNK = 65_536  # stays in the processor's cache
BUCKETS = 4_096


def count_cells(values: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.int64]:
    """Count values per cell: the cell of a value is the number of edges not above it.

    Args:
        values: infinite ones allowed, NaN not.
        edges: ascending and finite; k of them make k + 1 cells.

    Many values go through buckets of equal width first. A value's bucket never falls as the value rises, rounding
    included: so one in a bucket without an edge needs no comparison, and only the others are looked up.
    """
    counts = np.zeros(edges.size + 1, dtype=np.int64)
    if values.size <= FEW or edges.size < 2:
        counts += np.bincount(np.searchsorted(edges, values, side="right"), minlength=counts.size)
        return counts
    low, high = np.quantile(values[:: values.size // 1_000], [0.005, 0.995], method="inverted_cdf").tolist()
    with np.errstate(over="ignore"):
        scale = BUCKETS / (high - low) if high > low else 0.0
    if not np.isfinite(scale) or not np.isfinite(low) or scale <= 0:
        low, scale = 0.0, 0.0  # one bucket: every value is looked up
    at = _buckets(edges, low, scale)
    cell = np.searchsorted(at, np.arange(BUCKETS), side="left")  # edges in the buckets before
    has_edge = np.zeros(BUCKETS, dtype=bool)
    has_edge[at] = True
    whole = np.zeros(BUCKETS, dtype=np.int64)
    for start in range(0, values.size, CHUNK):
        chunk = values[start : start + CHUNK]
        buckets = _buckets(chunk, low, scale)
        whole += np.bincount(buckets, minlength=BUCKETS)
        unsure = chunk[has_edge[buckets]]
        counts += np.bincount(np.searchsorted(edges, unsure, side="right"), minlength=counts.size)
    whole[has_edge] = 0
    np.add.at(counts, cell, whole)
    return counts


def _buckets(values: NDArray[np.float64], low: float, scale: float) -> NDArray[np.int64]:
    if scale == 0.0:
        return np.zeros(values.size, dtype=np.int64)
    with np.errstate(over="ignore"):
        placed = (values - low) * scale
    return np.clip(placed, 0, BUCKETS - 1, out=placed).astype(np.int64)
