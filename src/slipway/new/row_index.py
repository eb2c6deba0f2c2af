"""Columns that number or name rows because pandas, or R, has written its index beside the data."""

import json
import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

_WRITTEN = re.compile(r"__index_level_\d+__|Unnamed: 0(\.\d+)*(_level_\d+)?(_[xy])?")
_UNNAMED = re.compile(r"Unnamed: (\d+)(_level_\d+)?")
_RESET = re.compile(r"(index|level_\d+|key_0|rownames|row[._ ]names?)(\.\d+)*(_[xy])?", re.IGNORECASE)
"""What an index without a name is called once it was made a column."""
_LEAST_DISTINCT = 20


def pandas_index(path: Path) -> tuple[str, ...]:
    """The columns of a Parquet file that its metadata call pandas' index; empty where pandas did not write it."""
    import polars as pl

    text = pl.read_parquet_metadata(path).get("pandas")
    try:
        named = json.loads(text)["index_columns"] if text is not None else []
    except (ValueError, KeyError, TypeError):
        return ()
    # A RangeIndex is a description, not a column.
    return tuple(name for name in named if isinstance(name, str))


def index_reason(
    column: "pl.Series", columns: Sequence[str], *, unnamed: Collection[str] = (), index: Collection[str] = ()
) -> str:
    """Say why a column is a row index and no feature; empty where it is none.

    An index says where a row stood in some table, which production's rows do not have, so its values do not matter:
    rows may have been dropped, drawn, joined or put together since. Columns without a name are one at the front of a
    file, where pandas and R write it; further ones may be data.

    Args:
        columns: the names of the table's columns, in order.
        unnamed: those that have no name in the file.
        index: those that the file's metadata call pandas' index.
    """
    name = column.name
    if name in index:
        return "is the index that pandas has written; `reset_index()` makes it a column"
    if _WRITTEN.fullmatch(name) or name in _leading(columns, unnamed):
        return "is the index that pandas or R has written: it has no name; with one it is a column"
    if _RESET.fullmatch(name) and _counts_rows(column):
        return "is an index made a column: it counts rows"
    return ""


def _leading(columns: Sequence[str], unnamed: Collection[str]) -> set[str]:
    """The columns at the table's front that have no name, also where another reader has named them by their place."""
    found = set[str]()
    for place, name in enumerate(columns):
        match = _UNNAMED.fullmatch(name)
        if name.strip() and name not in unnamed and not (match and int(match[1]) == place):
            break
        found.add(name)
    return found


def _counts_rows(column: "pl.Series") -> bool:
    given = column.drop_nulls()
    if given.dtype.is_float():
        given = given.filter(given.is_finite())
        if not bool((given == given.floor()).all()):
            return False
    elif not given.dtype.is_integer():
        return False
    return given.n_unique() > _LEAST_DISTINCT and not (given < 0).any()
