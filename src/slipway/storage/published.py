"""A table that a stage publishes in; its columns with a database's own types, or what is wrong with them, out."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from slipway.errors import DataError, near_miss

if TYPE_CHECKING:
    import polars as pl

GIVEN = ("id", "created_at")
"""The columns that the database gives by itself."""


def declared_columns(name: str, table: "pl.DataFrame", declared: Mapping[str, str]) -> dict[str, str]:
    """The declared type of each column.

    Names that differ in upper and lower case alone are refused for every database, since some know no difference.

    Args:
        declared: by the name of a Polars type, what the database calls it.

    Raises:
        DataError: a name or a type is not one that a published table can have.
    """
    if not table.columns:
        raise DataError(f"table `{name}` has no columns, so it can't be published.")
    seen: dict[str, str] = {}
    found = {}
    for column, kind in table.schema.items():
        if column.lower() in GIVEN:
            raise DataError(
                f"table `{name}` has a column `{column}`, which the database gives by itself. Leave it out of what the "
                "stage returns (a query can name the other columns), or rename it."
            )
        if column.lower() in seen:
            raise DataError(
                f"table `{name}` has the columns `{seen[column.lower()]}` and `{column}`, which are one name in a "
                "database. Rename one."
            )
        seen[column.lower()] = column
        base = kind.base_type().__name__
        if base not in declared:
            raise DataError(
                f"table `{name}`, column `{column}`: {kind} can't be published. Turn it into text, a number or a date."
            )
        _check_range(name, table[column])
        found[column] = declared[base]
    return found


def check_key(name: str, columns: Sequence[str], key: Sequence[str]) -> None:
    """Refuse a key of columns that the table has not."""
    for column in key:
        if column not in columns:
            raise DataError(
                f"table `{name}` is published by key `{column}`, which is none of its columns."
                f"{near_miss(column, columns)}"
            )


def check_unique(name: str, key: Sequence[str], identities: Sequence[tuple[Any, ...]]) -> None:
    """Refuse two rows of one key."""
    twice = next((value for value, count in Counter(identities).items() if count > 1), None)
    if twice is not None:
        shown = ", ".join(f"{column} = {value!r}" for column, value in zip(key, twice, strict=True))
        raise DataError(f"table `{name}`: two rows have the key {shown}. Add a column to the key, or leave it.")


def not_ours(name: str) -> DataError:
    """What is said when the database has a table of this name that somebody else made."""
    return DataError(
        f"table `{name}` is in the database already and was not published by Slipway (it has no id and "
        "created_at). Publish under another name, or drop it."
    )


def shown_query(sql: str) -> str:
    """A query in one line, cut where it is long."""
    flat = " ".join(sql.split())
    return flat if len(flat) <= 200 else flat[:199] + "…"


def _check_range(name: str, column: "pl.Series") -> None:
    import polars as pl

    if column.dtype == pl.UInt64 and (column > 2**63 - 1).any():
        raise DataError(
            f"table `{name}`, column `{column.name}`: {column.max()!r} is more than a database's 64-bit integer "
            "holds. Publish it as text."
        )
