"""Rows that a model was trained or tested on → the rows of a request that they came from, by content."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from slipway.model.rows import Hashes, row_hashes

Positions = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Traced:
    """Which rows of a part came from which rows of the request path's start; both by position, pair by pair."""

    part: Positions
    start: Positions
    untraced: int
    """Rows of the part whose content the path's end does not have."""


def trace(end: pl.DataFrame, part: pl.DataFrame, *, every: bool, target: str | None = None) -> Traced:
    """Find each row of `part` in `end`, whose row i is what the online stages made of row i of the start.

    Rows count as the same where the columns that both tables have agree, the target included; rows that no other
    agrees with in this, where all but the target do, since a stage in between may have cleaned the labels.

    Args:
        every: give every row of `end` that a part's row may have come from, as is right for training rows, of which
            none may be missed; else as many as the part has, in order.
    """
    shared = [name for name in part.columns if name in end.columns]
    ours, theirs = row_hashes(part, shared), row_hashes(end, shared)
    if not shared:
        return Traced(_none(), _none(), part.height)
    if target in shared and not np.isin(ours, theirs).all():
        ours, theirs = _without_label(ours, theirs, part, end, [name for name in shared if name != target])
    is_found = np.isin(ours, theirs)
    untraced = int((~is_found).sum())
    if every:
        start = np.flatnonzero(np.isin(theirs, ours))
        first = np.argsort(ours, kind="stable")
        return Traced(first[np.searchsorted(ours[first], theirs[start])], start, untraced)
    found = np.flatnonzero(is_found)
    order = np.argsort(theirs, kind="stable")
    low = np.searchsorted(theirs[order], ours[found], side="left")
    count = np.searchsorted(theirs[order], ours[found], side="right") - low
    return Traced(found, order[low + _occurrence(ours[found]) % count], untraced)


def _without_label(
    ours: Hashes, theirs: Hashes, part: pl.DataFrame, end: pl.DataFrame, features: list[str]
) -> tuple[Hashes, Hashes]:
    """The same hashes, but of the features alone for the rows of either side that the other has not."""
    if not features:
        return ours, theirs
    return (
        np.where(np.isin(ours, theirs), ours, row_hashes(part, features)),
        np.where(np.isin(theirs, ours), theirs, row_hashes(end, features)),
    )


def _occurrence(hashes: Hashes) -> Positions:
    """How many rows of the same content stand before each row."""
    frame = pl.DataFrame({"hash": hashes})
    counted = frame.select(pl.int_range(pl.len(), dtype=pl.Int64).over("hash"))
    return counted.to_series().to_numpy()


def _none() -> Positions:
    return np.zeros(0, dtype=np.int64)
