"""Request rows in, examples out: real rows, and rows with nulls, unseen categories and codes that look like numbers."""

import datetime
import math
from collections.abc import Iterator
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


def example_rows(rows: pl.DataFrame, schema: Schema) -> list[dict[str, Any]]:
    """Rows to hold a loaded model to; each passes the schema."""
    real = json_rows(spread(rows.select(schema.names), _REAL_ROWS))
    return [row for row in [*real, *_variants(real, schema)] if not schema.problems([row])] if real else []


def spread(table: pl.DataFrame, count: int) -> pl.DataFrame:
    """So many rows of a table, evenly over its length."""
    if table.height <= count:
        return table
    return table[np.linspace(0, table.height - 1, count).astype(np.int64)]


def json_rows(table: pl.DataFrame) -> list[dict[str, Any]]:
    """A table's rows as JSON values."""
    return [{name: _json(value) for name, value in row.items()} for row in table.to_dicts()]


def _variants(real: list[dict[str, Any]], schema: Schema) -> Iterator[dict[str, Any]]:
    nullable = [column.name for column in schema.columns if column.nullable]
    texts = [column.name for column in schema.columns if "text" in column.types]
    changes: list[dict[str, Any]] = [{name: None} for name in nullable[:_COLUMNS]]
    changes += [{name: UNSEEN} for name in texts[:_COLUMNS]]
    changes += [dict.fromkeys(nullable), dict.fromkeys(texts, UNSEEN), dict.fromkeys(texts, CODE)]
    for i, change in enumerate(change for change in changes if change):
        yield real[i % len(real)] | change


def _json(value: Any) -> Any:
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    return None if isinstance(value, float) and not math.isfinite(value) else value
