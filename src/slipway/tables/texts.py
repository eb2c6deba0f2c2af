"""Columns that a file's format can't hold, as texts: lists and structures as JSON, durations as ISO 8601."""

import base64
import json
import math
from datetime import date, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl


def csv_table(table: "pl.DataFrame") -> "pl.DataFrame":
    """The table with every column that CSV can't hold as texts.

    Lists, arrays and structures become JSON, durations ISO 8601 ("PT1H30M"), bytes base64, other objects their text.
    """

    found = [name for name, dtype in table.schema.items() if not _is_held(dtype)]
    return table.with_columns(_texts(table[name]) for name in found) if found else table


def parquet_table(table: "pl.DataFrame") -> "pl.DataFrame":
    """The table with columns of Python's objects, the only ones that Parquet can't hold, as texts."""
    import polars as pl

    found = [name for name, dtype in table.schema.items() if dtype == pl.Object]
    return table.with_columns(_texts(table[name]) for name in found) if found else table


def _is_held(dtype: "pl.DataType") -> bool:
    import polars as pl

    return not (dtype.is_nested() or dtype in (pl.Duration, pl.Binary, pl.Object))


def _texts(series: "pl.Series") -> "pl.Series":
    import polars as pl

    if series.dtype == pl.Duration:
        return series.dt.to_string("iso")
    return pl.Series(series.name, [_text(value) for value in series.to_list()], dtype=pl.String)


def _text(value: Any) -> str | None:
    if value is None:
        return None
    plain = _plain(value)
    return plain if isinstance(plain, str) else json.dumps(plain, ensure_ascii=False)


def _plain(value: Any) -> Any:
    """The value as JSON has it; what it has no form for as text."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None if math.isnan(value) else str(value)
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, date | time):
        return value.isoformat()
    return _duration(value) if isinstance(value, timedelta) else str(value)


def _duration(value: timedelta) -> str:
    import polars as pl

    return str(pl.Series([value]).dt.to_string("iso")[0])
