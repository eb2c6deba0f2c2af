"""Request rows in, examples out: real rows, and rows with nulls, unseen categories and codes that look like numbers."""

import datetime
import math
from collections.abc import Collection, Iterator, Mapping
from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl

from slipway.model.schema import Schema

UNSEEN = "never seen before"
CODE = "001"

_REAL_ROWS = 8
_COLUMNS = 12
"""Of a wide table, so many columns get a variant each."""


def example_rows(rows: pl.DataFrame, schema: Schema, taken: Mapping[str, Collection[str]]) -> list[dict[str, Any]]:
    """Rows to hold a loaded model to; each passes the schema.

    Args:
        taken: for UNSEEN and for CODE, the columns that take such a text.
    """
    real = json_rows(spread(rows.select(schema.names), _REAL_ROWS))
    return [row for row in [*real, *_variants(real, schema, taken)] if not schema.problems([row])] if real else []


def spread(table: pl.DataFrame, count: int) -> pl.DataFrame:
    """So many rows of a table, evenly over its length."""
    if table.height <= count:
        return table
    return table[np.linspace(0, table.height - 1, count).astype(np.int64)]


def json_rows(table: pl.DataFrame) -> list[dict[str, Any]]:
    """A table's rows as JSON values."""
    return [{name: _json(value) for name, value in row.items()} for row in table.to_dicts()]


def _variants(
    real: list[dict[str, Any]], schema: Schema, taken: Mapping[str, Collection[str]]
) -> Iterator[dict[str, Any]]:
    nullable = [column.name for column in schema.columns if column.nullable]
    unseen, codes = ([name for name in schema.names if name in taken[value]] for value in (UNSEEN, CODE))
    changes: list[dict[str, Any]] = [{name: None} for name in nullable[:_COLUMNS]]
    changes += [{name: UNSEEN} for name in unseen[:_COLUMNS]]
    changes += [dict.fromkeys(nullable), dict.fromkeys(unseen, UNSEEN), dict.fromkeys(codes, CODE)]
    for i, change in enumerate(change for change in changes if change):
        yield real[i % len(real)] | change


def _json(value: Any) -> Any:
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    return None if isinstance(value, float) and not math.isfinite(value) else value
