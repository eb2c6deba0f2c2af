"""The project's own database in one SQLite file: tables that stages publish come in, rows of queries go out."""

import datetime
import re
import sqlite3
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway.errors import DataError, OutsideError, ProjectError, near_miss
from slipway.storage.published import GIVEN, check_key, check_unique, declared_columns, not_ours, shown_query
from slipway.storage.sqlite_file import BUSY_SECONDS, SqliteFile
from slipway.storage.sqlite_types import ColumnTypes

if TYPE_CHECKING:
    import polars as pl

_PART = 50_000
"""Rows that are held at a time."""

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
                f"SLIPWAY_DATABASE_URL names a database of the kind `{kind}`: expected SQLite, such as "
                "sqlite:///data/project.db, or PostgreSQL, such as postgresql://user@host/database."
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
        check_key(name, list(columns), key)
        rows = _rows(table)
        places = [table.columns.index(column) for column in (key or table.columns)]
        identities = [tuple(row[place] for place in places) for row in rows]
        if key:
            check_unique(name, key, identities)
        with self.file.writing() as connection:
            _shape(connection, name, columns)
            _replace(connection, name, table.columns, rows, identities, key)

    def query(self, sql: str) -> "pl.DataFrame":
        """See `Tables.query`, and `batches`."""
        import polars as pl

        return pl.concat(list(self.batches(sql)))

    def batches(self, sql: str) -> "Iterator[pl.DataFrame]":
        """See `Tables.batches`. What is longer than one part is read twice: once to find its columns' types.

        Raises:
            DataError: the query is not one SELECT over what is there, or a column mixes types.
            OutsideError: the database can't be read.
        """
        path = self.file.path
        if not path.is_file():
            raise DataError(
                f"{path}: there is no database here yet, so this can't be answered: {shown_query(sql)} Run the stage "
                "that publishes the table (`after` names it), or set SLIPWAY_DATABASE_URL."
            )
        with self.file.translated():
            # A connection of its own that can only read: a query never changes what it asks.
            connection = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=self._busy_seconds, isolation_level=None
            )
            with closing(connection):
                try:
                    yield from _typed_parts(connection, sql)
                except (sqlite3.Error, sqlite3.Warning) as error:
                    raise _asked_wrongly(connection, sql, error) from error


def _typed_parts(connection: sqlite3.Connection, sql: str) -> "Iterator[pl.DataFrame]":
    connection.execute("BEGIN")  # both readings see the same rows
    cursor = connection.execute(sql)
    if cursor.description is None:
        raise DataError(f"not a SELECT, so it has no rows: {shown_query(sql)}")
    names = [column[0] for column in cursor.description]
    types = ColumnTypes(names, _declared_types(connection, sql, names), sql)
    first = cursor.fetchmany(_PART)
    types.look(first)
    is_all = True
    while part := cursor.fetchmany(_PART):
        is_all = False
        types.look(part)
    yield types.table(first)
    if not is_all:
        cursor = connection.execute(sql)
        cursor.fetchmany(_PART)
        while part := cursor.fetchmany(_PART):
            yield types.table(part)


def _columns(name: str, table: "pl.DataFrame") -> dict[str, str]:
    """The declared type of each column."""
    if not name or name.lower().startswith("sqlite_"):
        raise DataError(f"`{name}` can't be the name of a published table: SQLite keeps names with sqlite_ for itself.")
    return declared_columns(name, table, _DECLARED)


def _rows(table: "pl.DataFrame") -> list[tuple[Any, ...]]:
    import polars as pl

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
    if not set(GIVEN) <= set(found):
        raise not_ours(name)
    for column, declared in found.items():
        if column not in GIVEN and columns.get(column) != declared:
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


def _asked_wrongly(connection: sqlite3.Connection, sql: str, error: Exception) -> Exception:
    """What is wrong with a query, or the error itself where the query is not at fault."""
    message = str(error)
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if code == sqlite3.SQLITE_READONLY:
        return DataError(f"a query only reads: {shown_query(sql)}")
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
        return DataError(f"no table `{missing[1]}` in the project's database.{hint} The query: {shown_query(sql)}")
    return DataError(f"{message}. The query: {shown_query(sql)}")
