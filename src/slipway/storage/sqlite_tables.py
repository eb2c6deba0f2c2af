"""The project's own database in one SQLite file: tables that stages publish come in, rows of queries go out."""

import datetime
import re
import sqlite3
from collections import Counter, defaultdict, deque
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway.errors import DataError, OutsideError, ProjectError, near_miss
from slipway.storage.sqlite_file import BUSY_SECONDS, SqliteFile

if TYPE_CHECKING:
    import polars as pl

_GIVEN = ("id", "created_at")
"""The columns that the database gives by itself."""

_DECLARED = {
    "Boolean": "BOOLEAN",
    "Float32": "REAL",
    "Float64": "REAL",
    "String": "TEXT",
    "Categorical": "TEXT",
    "Enum": "TEXT",
    "Null": "TEXT",
    "Date": "DATE",
    "Datetime": "TIMESTAMP",
    **{f"{sign}Int{bits}": "INTEGER" for sign in ("", "U") for bits in (8, 16, 32, 64)},
}
"""What a column of a Polars type is declared as; SQLite keeps booleans as 0 and 1, dates as ISO 8601 text."""


class SqliteTables:
    """Implements `storage.seams.Tables`.

    Args:
        url: `sqlite:///` and a path; a relative one is taken from `root`.
    """

    def __init__(self, url: str, root: Path, *, busy_seconds: float = BUSY_SECONDS) -> None:
        if not url.startswith("sqlite:///") or not url.removeprefix("sqlite:///"):
            kind = url.split(":", 1)[0]  # no more of it: the rest may hold a password
            raise ProjectError(
                f"SLIPWAY_DATABASE_URL names a database of the kind `{kind}`: this version knows SQLite, such as "
                "sqlite:///data/project.db."
            )
        # The file may be the user's own, with tables of theirs: neither its mode nor its version is touched.
        self.file = SqliteFile(root / url.removeprefix("sqlite:///"), busy_seconds=busy_seconds)
        self._busy_seconds = busy_seconds

    def publish(self, name: str, table: "pl.DataFrame", key: Sequence[str]) -> None:
        """See `Tables.publish`.

        Raises:
            DataError: a name, a type, or the key is not one that a database table can have.
            OutsideError: the database can't be written.
        """
        columns = _columns(name, table)
        missing = [column for column in key if column not in columns]
        if missing:
            raise DataError(
                f"table `{name}` is published by key `{missing[0]}`, which is none of its columns."
                f"{near_miss(missing[0], columns)}"
            )
        rows = _rows(name, table)
        places = [table.columns.index(column) for column in (key or table.columns)]
        identities = [tuple(row[place] for place in places) for row in rows]
        if key:
            twice = next((value for value, count in Counter(identities).items() if count > 1), None)
            if twice is not None:
                shown = ", ".join(f"{column} = {value!r}" for column, value in zip(key, twice, strict=True))
                raise DataError(f"table `{name}`: two rows have the key {shown}. Add a column to the key, or leave it.")
        with self.file.writing() as connection:
            _shape(connection, name, columns)
            _replace(connection, name, table.columns, rows, identities, key)

    def query(self, sql: str) -> "pl.DataFrame":
        """See `Tables.query`. Declared types decide where values can't: of empty columns, of dates and booleans.

        Raises:
            DataError: the query is not one SELECT over what is there, or a column mixes types.
            OutsideError: the database can't be read.
        """
        path = self.file.path
        if not path.is_file():
            raise DataError(
                f"{path}: there is no database here yet, so this can't be answered: {_short(sql)} Run the stage that "
                "publishes the table (`after` names it), or set SLIPWAY_DATABASE_URL."
            )
        with self.file.translated():
            # A connection of its own that can only read: a query never changes what it asks.
            connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=self._busy_seconds)
            with closing(connection):
                try:
                    cursor = connection.execute(sql)
                    rows = cursor.fetchall()
                except (sqlite3.Error, sqlite3.Warning) as error:
                    raise _asked_wrongly(connection, sql, error) from error
                if cursor.description is None:
                    raise DataError(f"not a SELECT, so it has no rows: {_short(sql)}")
                names = [column[0] for column in cursor.description]
                declared = _declared_types(connection, sql, names)
        return _frame(names, declared, rows, sql)


def _columns(name: str, table: "pl.DataFrame") -> dict[str, str]:
    """The declared type of each column.

    Identifiers of SQLite know no upper and lower case.
    """
    if not name or name.lower().startswith("sqlite_"):
        raise DataError(f"`{name}` can't be the name of a published table: SQLite keeps names with sqlite_ for itself.")
    if not table.columns:
        raise DataError(f"table `{name}` has no columns, so it can't be published.")
    seen: dict[str, str] = {}
    declared = {}
    for column, kind in table.schema.items():
        if column.lower() in _GIVEN:
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
        if base not in _DECLARED:
            raise DataError(
                f"table `{name}`, column `{column}`: {kind} can't be published. Turn it into text, a number or a date."
            )
        declared[column] = _DECLARED[base]
    return declared


def _rows(name: str, table: "pl.DataFrame") -> list[tuple[Any, ...]]:
    import polars as pl

    for column, kind in table.schema.items():
        if kind == pl.UInt64 and (table[column] > 2**63 - 1).any():
            raise DataError(
                f"table `{name}`, column `{column}`: {table[column].max()!r} is more than a database's 64-bit integer "
                "holds. Publish it as text."
            )
    as_kept = table.with_columns(
        pl.col(pl.Float32, pl.Float64).fill_nan(None),  # SQLite keeps NaN as NULL: what stays must be found again
        pl.col(pl.Date).dt.to_string("iso"),
        pl.col(pl.Datetime).dt.to_string("iso"),
        pl.col(pl.Categorical, pl.Enum).cast(pl.String),
    )
    return as_kept.rows()


def _shape(connection: sqlite3.Connection, name: str, columns: dict[str, str]) -> None:
    """Make the table, or give the one that is there the columns of the new content."""
    found = {row[1]: row[2] for row in connection.execute(f"PRAGMA table_info({_quoted(name)})")}
    if not found:
        listed = ", ".join(f"{_quoted(column)} {declared}" for column, declared in columns.items())
        connection.execute(
            f"CREATE TABLE {_quoted(name)} "
            f"(id INTEGER PRIMARY KEY AUTOINCREMENT, created_at TIMESTAMP NOT NULL, {listed})"
        )
        return
    if not set(_GIVEN) <= set(found):
        raise DataError(
            f"table `{name}` is in the database already and was not published by Slipway (it has no id and "
            "created_at). Publish under another name, or drop it."
        )
    for column, declared in found.items():
        if column not in _GIVEN and columns.get(column) != declared:
            connection.execute(f"ALTER TABLE {_quoted(name)} DROP COLUMN {_quoted(column)}")
    for column, declared in columns.items():
        if found.get(column) != declared:
            connection.execute(f"ALTER TABLE {_quoted(name)} ADD COLUMN {_quoted(column)} {declared}")


def _replace(
    connection: sqlite3.Connection,
    name: str,
    columns: list[str],
    rows: list[tuple[Any, ...]],
    identities: list[tuple[Any, ...]],
    key: Sequence[str],
) -> None:
    """Rows of a known identity keep their id; the others come and go. Equal rows are matched one by one."""
    table = _quoted(name)
    listed = ", ".join(_quoted(column) for column in columns)
    marks = ", ".join("?" for _ in columns)
    kept: defaultdict[tuple[Any, ...], deque[int]] = defaultdict(deque)
    by = ", ".join(_quoted(column) for column in (key or columns))
    for number, *identity in connection.execute(f"SELECT id, {by} FROM {table} ORDER BY id"):
        kept[tuple(identity)].append(number)
    updates: list[tuple[Any, ...]] = []
    inserts: list[tuple[Any, ...]] = []
    now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    for row, identity in zip(rows, identities, strict=True):
        if kept[identity]:
            updates.append((*row, kept[identity].popleft()))
        else:
            inserts.append((now, *row))
    gone = [(number,) for numbers in kept.values() for number in numbers]
    connection.executemany(f"DELETE FROM {table} WHERE id = ?", gone)
    if key:
        connection.executemany(f"UPDATE {table} SET ({listed}) = ({marks}) WHERE id = ?", updates)
    connection.executemany(f"INSERT INTO {table} (created_at, {listed}) VALUES (?, {marks})", inserts)


def _quoted(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'


def _declared_types(connection: sqlite3.Connection, sql: str, names: list[str]) -> list[str]:
    # SQLite tells the declared type of a result's column for views alone; a temporary one touches no file.
    try:
        connection.execute(f"CREATE TEMP VIEW asked AS {sql}")
        found = [row[2].upper() for row in connection.execute("PRAGMA temp.table_info(asked)")]
    except sqlite3.Error:  # such as a PRAGMA, which has rows but can't be a view
        found = []
    return found if len(found) == len(names) else [""] * len(names)


def _frame(names: list[str], declared: list[str], rows: list[tuple[Any, ...]], sql: str) -> "pl.DataFrame":
    import polars as pl

    twice = next((name for name, count in Counter(names).items() if count > 1), None)
    if twice is not None:
        raise DataError(f"two columns are called `{twice}`: name one with AS. The query: {_short(sql)}")
    values = list(zip(*rows, strict=True)) if rows else [()] * len(names)
    return pl.DataFrame(
        [_series(name, kind, list(column)) for name, kind, column in zip(names, declared, values, strict=True)]
    )


def _series(name: str, declared: str, values: list[Any]) -> "pl.Series":
    import polars as pl

    kinds = {type(value) for value in values} - {type(None)}
    if not kinds:
        empty = {"INTEGER": pl.Int64, "REAL": pl.Float64, "BOOLEAN": pl.Boolean, "DATE": pl.Date}
        return pl.Series(name, values, dtype=empty.get(declared, pl.String))
    if declared == "BOOLEAN" and kinds == {int} and {*values} <= {0, 1, None}:
        return pl.Series(name, values, dtype=pl.Int64).cast(pl.Boolean)
    if kinds == {int, float}:
        return pl.Series(name, values, dtype=pl.Float64, strict=False)
    if len(kinds) > 1:
        shown = " and ".join(sorted({float: "numbers", int: "integers", str: "text", bytes: "bytes"}[k] for k in kinds))
        raise DataError(f"column `{name}` holds {shown}: cast it in the query, such as CAST({name} AS TEXT).")
    series = pl.Series(name, values)
    if kinds == {str} and declared in ("DATE", "TIMESTAMP", "DATETIME"):
        parsed = series.str.to_date(strict=False) if declared == "DATE" else series.str.to_datetime(strict=False)
        # Any text can stand in such a column of SQLite's: where one is no date, the column stays text.
        return parsed if parsed.null_count() == series.null_count() else series
    return series


def _asked_wrongly(connection: sqlite3.Connection, sql: str, error: Exception) -> Exception:
    """What is wrong with a query, or the error itself where the query is not at fault."""
    message = str(error)
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if code == sqlite3.SQLITE_READONLY:
        return DataError(f"a query only reads: {_short(sql)}")
    if code not in (sqlite3.SQLITE_ERROR, sqlite3.SQLITE_MISUSE):
        return error
    if missing := re.fullmatch(r"no such table: (?:main\.)?(.+)", message):
        try:
            tables = [
                row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'")
            ]
        except sqlite3.Error as unreadable:
            raise OutsideError(f"the database can't be read: {unreadable}.") from unreadable
        hint = near_miss(missing[1], tables)
        return DataError(f"no table `{missing[1]}` in the project's database.{hint} The query: {_short(sql)}")
    return DataError(f"{message}. The query: {_short(sql)}")


def _short(sql: str) -> str:
    flat = " ".join(sql.split())
    return flat if len(flat) <= 200 else flat[:199] + "…"
