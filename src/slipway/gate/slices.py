"""Rows of requests → groups of them by the values of a few columns; p-values of many comparisons → corrected. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from slipway.model.schema import Schema
from slipway.project import Model

if TYPE_CHECKING:
    import polars as pl

FEW_LEVELS = 12
"""Up to so many categories a column is sliced by without being named."""
LEVEL_ROWS = 5
"""So many rows a value of a category has on average at least; a text with fewer is an id or free text."""
MOST_COLUMNS = 6
MOST_LEVELS = 50
"""Of a column that is named, so many categories: the commonest."""


@dataclass(frozen=True, slots=True)
class Slice:
    """The rows with one value of one column."""

    level: str
    rows: list[int]


def slice_columns(schema: Schema, rows: "pl.DataFrame", model: Model) -> tuple[str, ...]:
    """The columns to slice by: those that the project names, else the request's categories that are few.

    Dates, ids and free text are none: what is true of one of their values says nothing of the next rows.
    """
    if model.slices is not None:
        return model.slices
    few = []
    for column in schema.columns:
        may_be = bool({"text", "boolean"} & set(column.types)) and column.name in rows.columns
        if may_be and column.name not in model.personal and _is_category(rows[column.name]):
            few.append(column.name)
    return tuple(few[:MOST_COLUMNS])


def slices_of(column: "pl.Series") -> list[Slice]:
    """Every value with its rows, the commonest first; a number of many values by its quarters."""
    levels = column.cast(str, strict=False) if not _is_spread(column) else _quarters(column)
    levels = levels.fill_null("null")
    found: dict[str, list[int]] = {}
    for row, level in enumerate(levels.to_list()):
        found.setdefault(level, []).append(row)
    ordered = sorted(found.items(), key=lambda item: (-len(item[1]), item[0]))
    return [Slice(level, rows) for level, rows in ordered[:MOST_LEVELS]]


def holm(p: Sequence[float]) -> list[float]:
    """The p of each comparison, such that a whole family without a difference shows any with 0.05 at most.

    Holm (1979): the smallest is multiplied by their number, the next by one less, and none is below one before it.
    """
    corrected = [0.0] * len(p)
    largest = 0.0
    for rank, i in enumerate(sorted(range(len(p)), key=p.__getitem__)):
        largest = max(largest, min(1.0, (len(p) - rank) * p[i]))
        corrected[i] = largest
    return corrected


def _is_category(column: "pl.Series") -> bool:
    from slipway.profile.clocks import dates_of
    from slipway.profile.columns import describe

    values = column.drop_nulls()
    levels = values.n_unique()
    if not (2 <= column.n_unique() <= FEW_LEVELS and levels and len(values) >= LEVEL_ROWS * levels):
        return False
    return describe(column).flag is None and dates_of(column) is None


def _is_spread(column: "pl.Series") -> bool:
    return column.dtype.is_numeric() and column.n_unique() > FEW_LEVELS


def _quarters(column: "pl.Series") -> "pl.Series":
    import polars as pl

    values = column.cast(pl.Float64).fill_nan(None)
    known = values.drop_nulls()
    edges = np.unique(np.quantile(known.to_numpy(), [0.25, 0.5, 0.75], method="inverted_cdf"))
    words = [f"up to {edges[0]:g}", *(f"above {edge:g}" for edge in edges)]
    places = np.searchsorted(edges, values.fill_null(0.0).to_numpy(), side="left")
    return pl.Series(column.name, [None if v is None else words[k] for v, k in zip(values, places, strict=True)])
