"""The name of a source in, its rows out: the file or snapshot, and the labelled production rows under it."""

from typing import TYPE_CHECKING

from slipway.errors import DataError, OutsideError
from slipway.pipeline.tables import read_table
from slipway.project.facts import Project

if TYPE_CHECKING:
    import polars as pl

    from slipway.storage.seams import Tables


def read_source(project: Project, name: str, tables: "Tables | None" = None) -> "pl.DataFrame":
    """The rows of a source, labelled production rows last where there are any.

    Args:
        tables: the project's database, needed only when a query has no snapshot yet.

    Raises:
        DataError: the file is missing or unreadable, or labelled rows don't fit its columns.
    """
    source = project.sources[name]
    path = project.path(name)
    if source.sql is not None and not path.is_file():
        table = query_source(project, name, tables)
    else:
        if not path.is_file():
            raise DataError(
                f"{path}: the file of source `{name}` is missing. Put it there, or name another in slipway.toml."
            )
        table = read_table(path)
        if not table.height:
            raise DataError(f"{path}: source `{name}` has a header and no rows. Fill it, or name another file.")
    labelled = project.labelled(name)
    return _append(table, read_table(labelled), f"{labelled}") if labelled.is_file() else table


def query_source(project: Project, name: str, tables: "Tables | None") -> "pl.DataFrame":
    """The rows that a SQL source's query gives now."""
    source = project.sources[name]
    if source.sql is None:
        raise DataError(f"source `{name}` is a file, not a query.")
    if tables is None:
        raise OutsideError(f"source `{name}` is a query, and no database is open to answer it.")
    return tables.query(source.sql)


def _append(table: "pl.DataFrame", more: "pl.DataFrame", where: str) -> "pl.DataFrame":
    """The rows of both, with the columns and types of the first; a column that only the first has is null below."""
    import polars as pl

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
