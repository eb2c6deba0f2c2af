"""The project's own database on a PostgreSQL server: tables that stages publish come in, rows of queries go out."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from slipway.errors import DataError, near_miss
from slipway.storage.postgres_errors import first_line, refused
from slipway.storage.postgres_schema import LOCK_SPACE
from slipway.storage.postgres_server import PostgresServer, needs_extra
from slipway.storage.published import GIVEN, check_key, check_unique, declared_columns, not_ours, shown_query

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

    from slipway.storage.postgres_server import Connection

_DECLARED = {
    "Boolean": "boolean",
    "Float32": "double precision",
    "Float64": "double precision",
    "String": "text",
    "Categorical": "text",
    "Enum": "text",
    "Null": "text",
    "Date": "date",
    "Datetime": "timestamp without time zone",
    **{f"{sign}Int{bits}": "bigint" for sign in ("", "U") for bits in (8, 16, 32, 64)},
}
"""What a column of a Polars type is declared as, in the words of the server's own catalogue."""

_IDENTITY = "bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY"
_PLACE = "slipway place"
"""A column of the temporary table: where a row stands in what is published."""


class PostgresTables:
    """Implements `storage.seams.Tables` with psycopg for what is written, and ADBC for what is read, into Arrow.

    Args:
        url: `postgresql://user:password@host:port/database`, as libpq takes it.
    """

    def __init__(self, url: str) -> None:
        self.server = PostgresServer(url)

    def publish(self, name: str, table: "pl.DataFrame", key: Sequence[str]) -> None:
        """See `Tables.publish`. One transaction; readers see the old content until its end.

        Raises:
            DataError: a name, a type, or the key is not one that a database table can have.
            OutsideError: the server is away, or does not let us write.
        """
        if not name or len(name.encode()) > 63:
            raise DataError(f"`{name}` can't be the name of a published table: PostgreSQL takes 1 to 63 bytes.")
        columns = declared_columns(name, table, _DECLARED)
        check_key(name, list(columns), key)
        rows = _as_kept(name, table)
        if key:
            check_unique(name, key, rows.select(key).rows())
        with self.server.connection() as connection, connection.transaction():
            connection.execute("SET LOCAL statement_timeout = 0")  # a table may be of any size
            # Two publishers of one table take turns; the second then finds the first one's ids.
            connection.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", (LOCK_SPACE, name))
            _shape(connection, name, columns)
            _bring(connection, columns, rows)
            _merge(connection, name, columns, key)

    def query(self, sql: str) -> "pl.DataFrame":
        """See `Tables.query`.

        Raises:
            DataError: the query is not one SELECT over what is there, or a column is of a type that no table holds.
            OutsideError: the server is away.
        """
        import polars as pl

        return pl.concat(list(self.batches(sql)))

    def batches(self, sql: str) -> "Iterator[pl.DataFrame]":
        """See `Tables.batches`: the server's COPY in binary, straight into Arrow."""
        dbapi = _adbc()
        asked = sql.strip().rstrip(";")
        try:
            with dbapi.connect(self._conninfo()) as connection, connection.cursor() as cursor:
                # A query never changes what it asks; a CTE with DELETE … RETURNING would.
                cursor.execute("SET TRANSACTION READ ONLY")
                cursor.execute(asked)
                reader = cursor.fetch_record_batch()
                _check_names(reader.schema.names, sql)
                yield _frame(reader.schema.empty_table())
                for batch in reader:
                    yield _frame(batch)
        except dbapi.Error as error:
            raise self._asked_wrongly(sql, error) from error

    def _conninfo(self) -> str:
        with self.server.translated():
            return self.server.address.conninfo()

    def _asked_wrongly(self, sql: str, error: Exception) -> Exception:
        state = getattr(error, "sqlstate", None) or ""
        message = first_line(error)
        match state:
            case "25006":
                return DataError(f"a query only reads: {shown_query(sql)}")
            case "42P01":
                missing = message.split('"')[1] if '"' in message else "?"
                hint = near_miss(missing, self._names())
                return DataError(f"no table `{missing}` in the project's database.{hint} The query: {shown_query(sql)}")
            case _ if state[:2] in ("42", "22", "0A"):
                return DataError(f"{message}. The query: {shown_query(sql)}")
            case _:
                return refused(state, message, str(error), self.server.address)

    def _names(self) -> list[str]:
        with self.server.connection() as connection:
            found = connection.execute(
                "SELECT table_name FROM information_schema.tables WHERE table_schema = ANY (current_schemas(false))"
            )
            return [row[0] for row in found]


def _shape(connection: "Connection", name: str, columns: dict[str, str]) -> None:
    """Make the table, or give the one that is there the columns of the new content."""
    found: dict[str, str] = dict(
        connection.execute(
            "SELECT column_name, data_type FROM information_schema.columns "
            "WHERE table_schema = current_schema() AND table_name = %s",
            (name,),
        ).fetchall()
    )
    if not found:
        listed = ", ".join(f"{_quoted(column)} {kind}" for column, kind in columns.items())
        _run(
            connection,
            f"CREATE TABLE {_quoted(name)} "
            f"(id {_IDENTITY}, created_at timestamp with time zone NOT NULL DEFAULT now(), {listed})",
        )
        return
    if not set(GIVEN) <= set(found):
        raise not_ours(name)
    changes = [
        f"DROP COLUMN {_quoted(column)}"
        for column, kind in found.items()
        if column not in GIVEN and columns.get(column) != kind
    ]
    changes += [f"ADD COLUMN {_quoted(column)} {kind}" for column, kind in columns.items() if found.get(column) != kind]
    if changes:
        _run(connection, f"ALTER TABLE {_quoted(name)} {', '.join(changes)}")


def _bring(connection: "Connection", columns: dict[str, str], rows: "pl.DataFrame") -> None:
    """The new rows into a temporary table, in their order."""
    listed = ", ".join(f"{_quoted(column)} {kind}" for column, kind in columns.items())
    _run(connection, f"CREATE TEMP TABLE incoming ({_quoted(_PLACE)} bigint, {listed}) ON COMMIT DROP")
    numbered = rows.with_row_index(_PLACE)
    with connection.cursor() as cursor, cursor.copy("COPY incoming FROM STDIN (FORMAT CSV)") as copy:
        for part in numbered.iter_slices(50_000):
            # Every text is quoted, so that an empty one is told from null.
            copy.write(part.write_csv(include_header=False, quote_style="non_numeric"))


def _merge(connection: "Connection", name: str, columns: dict[str, str], key: Sequence[str]) -> None:
    """Rows of a known identity keep their id; the others come and go. Equal rows are matched one by one."""
    table, place = _quoted(name), _quoted(_PLACE)
    listed = ", ".join(_quoted(column) for column in columns)
    # A row as text tells null from empty and can be hashed, which IS NOT DISTINCT FROM cannot.
    identity = f"ROW({', '.join(_quoted(column) for column in (key or columns))})::text"
    numbered = f"{identity} AS identity, row_number() OVER (PARTITION BY {identity} ORDER BY"
    _run(
        connection,
        "CREATE TEMP TABLE matched ON COMMIT DROP AS SELECT o.id, n.place FROM "
        f"(SELECT id, {numbered} id) AS nth FROM {table}) AS o FULL JOIN "
        f"(SELECT {place} AS place, {numbered} {place}) AS nth FROM incoming) AS n USING (identity, nth)",
    )
    _run(connection, f"DELETE FROM {table} USING matched m WHERE m.id = {table}.id AND m.place IS NULL")
    if key:
        set_to = ", ".join(f"{_quoted(column)} = n.{_quoted(column)}" for column in columns)
        joined = f"incoming n JOIN matched m ON m.place = n.{place}"
        _run(connection, f"UPDATE {table} SET {set_to} FROM {joined} WHERE {table}.id = m.id")
    _run(
        connection,
        f"INSERT INTO {table} ({listed}) SELECT {', '.join(f'n.{_quoted(column)}' for column in columns)} "
        f"FROM incoming n JOIN matched m ON m.place = n.{place} WHERE m.id IS NULL ORDER BY m.place",
    )


def _run(connection: "Connection", statement: str) -> None:
    connection.execute(statement)  # names in it are quoted by _quoted


def _as_kept(name: str, table: "pl.DataFrame") -> "pl.DataFrame":
    import polars as pl

    as_kept = table.with_columns(
        pl.col(pl.Float32, pl.Float64).fill_nan(None),  # as the embedded database keeps it
        pl.col(pl.Categorical, pl.Enum).cast(pl.String),
        pl.col(pl.Datetime("ms"), pl.Datetime("us"), pl.Datetime("ns")).dt.cast_time_unit("us"),
    )
    for column in as_kept.iter_columns():
        if isinstance(column.dtype, pl.Datetime) and column.dtype.time_zone is not None:
            in_utc = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
            as_kept = as_kept.with_columns(in_utc.dt.cast_time_unit("us"))
        elif column.dtype == pl.String and column.str.contains("\0", literal=True).any():
            raise DataError(f"table `{name}`, column `{column.name}`: PostgreSQL keeps no text with a zero byte in it.")
    return as_kept


def _check_names(names: Sequence[str], sql: str) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise DataError(f"two columns are called `{name}`: name one with AS. The query: {shown_query(sql)}")
        seen.add(name)


def _frame(batch: "pa.RecordBatch | pa.Table") -> "pl.DataFrame":
    """Arrow's columns as tables of ours have them: NUMERIC as floats, what has no type here refused."""
    import polars as pl
    import pyarrow as pa

    columns = {}
    for field in batch.schema:
        values, kind = batch.column(field.name), field.type
        if isinstance(kind, pa.OpaqueType) and kind.type_name == "numeric":
            columns[field.name] = pl.Series(pl.from_arrow(_storage(values))).cast(pl.Float64)
        elif isinstance(kind, pa.BaseExtensionType) or pa.types.is_interval(kind) or pa.types.is_nested(kind):
            typename = (field.metadata or {}).get(b"POSTGRESQL:type", b"?").decode()
            raise DataError(f"column `{field.name}` is of the type {typename}: cast it in the query, such as ::text.")
        else:
            columns[field.name] = _widened(pl.Series(pl.from_arrow(values)))
    return pl.DataFrame(columns)


def _storage(values: "pa.Array | pa.ChunkedArray") -> "pa.Array | pa.ChunkedArray":
    import pyarrow as pa

    if isinstance(values, pa.ChunkedArray):
        return pa.chunked_array([chunk.storage for chunk in values.chunks], values.type.storage_type)
    return values.storage


def _widened(series: "pl.Series") -> "pl.Series":
    # As the same column read from a file or from the embedded database.
    import polars as pl

    if series.dtype in (pl.Int8, pl.Int16, pl.Int32):
        return series.cast(pl.Int64)
    return series.cast(pl.Float64) if series.dtype == pl.Float32 else series


def _quoted(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'


def _adbc() -> Any:
    try:
        from adbc_driver_postgresql import dbapi
    except ImportError as error:
        raise needs_extra() from error
    return dbapi
