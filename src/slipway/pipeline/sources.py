"""The name of a source in, its rows out: files or a snapshot, with the labelled production rows under them."""

from collections.abc import Collection, Generator, Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway.errors import DataError, OutsideError, ProjectError, SlipwayError
from slipway.pipeline.snapshots import Snapshot, read_snapshot, told, write_snapshot
from slipway.project.facts import FILE, Project, Source
from slipway.project.sources import SCHEMES, is_url
from slipway.settings import look_up
from slipway.tables.files import read_table

if TYPE_CHECKING:
    import polars as pl

    from slipway.storage.seams import Tables


def read_source(project: Project, name: str, tables: "Tables | None" = None) -> "pl.DataFrame":
    """The rows of a source, labelled production rows last where there are any.

    Args:
        tables: the project's database, needed only when a query has no snapshot yet.

    Raises:
        DataError: a file is missing or unreadable, or labelled rows don't fit its columns.
    """
    source = project.sources[name]
    table = _rows(project, source, tables)
    if not table.height:
        raise DataError(
            f"{project.path(name)}: source `{name}` gave no rows. Look at what it asks for."
            if source.is_snapshot
            else f"{project.path(name)}: source `{name}` has a header and no rows. Fill it, or name another file."
        )
    labelled = project.labelled(name)
    if not labelled.is_file():
        return table
    as_text = {column for column, types in project.api.types.items() if "text" in types}
    return _append(table, _labelled_rows(labelled), f"{labelled}", as_text)


def _labelled_rows(path: Path) -> "pl.DataFrame":
    import polars as pl

    # A server's retention may rewrite it just now. By a path Polars opens a file several times, which may be two files.
    with path.open("rb") as file:
        try:
            return pl.read_parquet(file)
        except pl.exceptions.PolarsError as error:
            raise DataError(
                f"{path}: can't be read as Parquet ({error}). Remove it: the loop makes it anew."
            ) from error


def take_snapshot(
    project: Project, name: str, settings: Mapping[str, Any], tables: "Tables | None", state: Path
) -> Snapshot:
    """Ask a source and bring its snapshot up to date; it is left alone where the rows are as they were.

    Args:
        settings: of the function that fetches it.
        tables: the project's database.
        state: Slipway's own folder.

    Raises:
        ProjectError: the query, the function or the database's address is wrong.
        OutsideError: the database or what the function asks is away; the snapshot of before is there still.
    """
    from slipway.pipeline.take import take

    source, path = project.sources[name], project.path(name)
    before = read_snapshot(state, name)
    try:
        with closing(_asked(project, source, settings, tables)) as parts:
            found = take(parts, path, before)
    except SlipwayError as error:
        raise _with_age(source, error, before if path.is_file() else None) from error
    write_snapshot(state, name, found)
    return found


def _rows(project: Project, source: Source, tables: "Tables | None") -> "pl.DataFrame":
    import polars as pl

    path = project.path(source.name)
    if source.is_pattern:
        from slipway.pipeline.globs import existing_files
        from slipway.tables.many_files import read_files

        return read_files(existing_files(project, source), project.literal)
    if path.is_file():
        return read_table(path, literal=project.literal)
    if source.sql is not None:
        return pl.concat(list(_asked(project, source, {}, tables)))
    if source.fetch is not None:
        raise DataError(f"{source.path} is missing: `slipway run {source.name}` fetches it.")
    raise DataError(
        f"{path}: the file of source `{source.name}` is missing. Put it there, or name another in slipway.toml."
    )


def _asked(
    project: Project, source: Source, settings: Mapping[str, Any], tables: "Tables | None"
) -> "Generator[pl.DataFrame]":
    if source.fetch is not None:
        from slipway.pipeline.fetched import fetched_parts

        yield from fetched_parts(project, source, settings)
        return
    if source.sql is None:
        raise DataError(f"source `{source.name}` is a file, not a query.")
    if source.database is None:
        if tables is None:
            raise OutsideError(f"source `{source.name}` is a query, and no database is open to answer it.")
        yield from tables.batches(source.sql)
        return
    from slipway.storage import open_tables

    opened, files = open_tables(_url(project, source, source.database), project.root)
    try:
        yield from opened.batches(source.sql)
    finally:
        for file in files:
            file.close()


def _url(project: Project, source: Source, database: str) -> str:
    """Where a source's database is. The URL may hold a password: no message shows it."""
    where = f"{FILE}: [sources.{source.name}] database"
    url: str | None = database
    if "://" not in database:
        url = look_up(database)
        where = f"{where} = '{database}'"
        if url is None:
            raise ProjectError(
                f"{where}: there is no such environment variable. Set it to the database's URL, such as "
                f"postgresql://user:password@host:5432/shop."
            )
    assert url is not None
    if not url.startswith(SCHEMES):
        kind = url.split("://", 1)[0] if "://" in url else "?"
        raise ProjectError(f"{where}: a URL of the kind `{kind}`: expected one of {', '.join(SCHEMES)}.")
    if not is_url(url):
        raise ProjectError(
            f"{where}: not a URL such as postgresql://user:password@host:5432/shop. In a password `/` is written %2F, "
            f"`@` %40, `#` %23, `:` %3A."
        )
    if url.startswith("sqlite:///"):
        path = project.root / url.removeprefix("sqlite:///")
        if not path.is_file():
            raise DataError(f"{where}: {path}: there is no such database. Correct the path.")
    return url


def _with_age(source: Source, error: SlipwayError, before: Snapshot | None) -> SlipwayError:
    """The error with where it happened, and what is there of an earlier time."""
    said = str(error)
    if source.sql is not None and not said.startswith(FILE):
        said = f"{FILE}: [sources.{source.name}] sql: {said}"
    if before is None:
        return type(error)(said)
    # A traceback is the end of a message, so this goes before it.
    head, gap, trace = said.partition("\n\n")
    remedy = "run again once it answers" if isinstance(error, OutsideError) else "correct it and run again"
    kept = f"Its snapshot ({told(before)}) stays as it was: {remedy}"
    longer = ", or give it a longer max_age to go on with that till then" if isinstance(error, OutsideError) else ""
    return type(error)(f"{head.rstrip('.')}. {kept}{longer}.{gap}{trace}")


def _append(table: "pl.DataFrame", more: "pl.DataFrame", where: str, as_text: Collection[str]) -> "pl.DataFrame":
    """The rows of both, with the columns and types of the first; a column that only the first has is null below.

    Args:
        as_text: columns in which a request may hold text beside what the file holds, such as "12,5" beside 12.5. Where
            the labelled rows do, all of the column becomes text, which the stage that takes requests reads.
    """
    import polars as pl

    texts = [n for n in as_text if n in table.columns and n in more.columns and more.schema[n] == pl.String]
    table = table.with_columns(pl.col(texts).cast(pl.String)) if texts else table
    columns: list[pl.Expr | pl.Series] = []
    for name, dtype in table.schema.items():
        if name not in more.columns:
            columns.append(pl.lit(None, dtype=dtype).alias(name))
            continue
        try:
            columns.append(more[name].cast(dtype))
        except pl.exceptions.PolarsError as error:
            raise DataError(
                f"{where}: column `{name}` holds what is not {dtype}, its type in the source's own file. "
                f"Correct the labelled rows, or remove the file."
            ) from error
    return pl.concat([table, more.select(columns)], how="vertical")
