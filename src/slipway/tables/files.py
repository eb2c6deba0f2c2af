"""A CSV or Parquet file in, a typed table out, whole or part by part; and back."""

import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway.errors import DataError, OutsideError, StageError
from slipway.files import place_of

if TYPE_CHECKING:
    import polars as pl

_ROWS = 200_000
"""Of a Parquet file, in one part."""


def read_table(
    path: "Path | str", *, stay_text: Iterable[str] = (), literal: Mapping[str, Collection[str]] | None = None
) -> "pl.DataFrame":
    """Read a table.

    A CSV column's type comes from the whole column: integer only if every value that is there is a canonical integer
    ("001" is not), else float ("12,5" too, in a column where a comma can't be between thousands), else true and false,
    else text. What is empty or blank, `?`, `NA`, `N/A`, `NaN` and `NULL` are null. Encoding and separator are told from
    the file: see `slipway.tables.csv_dialect.sniff`.

    Args:
        stay_text: columns of a CSV file that are text whatever they look like, since a model learnt them as text.
        literal: by column of a CSV file the words that say something there, such as NA among regions.

    Raises:
        DataError: the file is missing, is no CSV or Parquet, or a row does not fit the header; the message says which.
    """
    import polars as pl

    path = Path(path)
    if is_csv(path):
        from slipway.tables.csv_rows import read_csv

        return pl.concat(list(read_csv(path, stay_text, literal).parts), how="vertical")
    with _parquet_errors(path):
        table = pl.read_parquet(path)
    _refuse_patterns(path, table.columns)
    return table


def read_parts(
    path: Path, *, stay_text: Iterable[str] = (), literal: Mapping[str, Collection[str]] | None = None
) -> "Iterator[pl.DataFrame]":
    """The table that `read_table` gives, part by part, in order; at least one part, which may be empty."""
    import polars as pl

    if is_csv(path):
        from slipway.tables.csv_rows import read_csv

        yield from read_csv(path, stay_text, literal).parts
        return
    with _parquet_errors(path):
        lazy = pl.scan_parquet(path, glob=False)
        _refuse_patterns(path, lazy.collect_schema().names())
        rows = lazy.select(pl.len()).collect().item()
        for start in range(0, max(rows, 1), _ROWS):
            yield lazy.slice(start, _ROWS).collect()


def table_of(
    data: Any, *, stay_text: Iterable[str] = (), literal: Mapping[str, Collection[str]] | None = None
) -> "pl.DataFrame":
    """Take a table of Polars or pandas as it is, or read the file of a path, which may be text.

    Args:
        stay_text, literal: as of `read_table`, for a file.

    Raises:
        DataError: it is neither, or the file can't be read.
    """
    if isinstance(data, str | os.PathLike):
        return read_table(Path(data), stay_text=stay_text, literal=literal)
    from slipway.tables.values import as_table

    try:
        return as_table(data, "the data")
    except StageError as error:
        raise DataError(
            f"{str(error).replace('is promised as a table', 'are no table')} A path does as well."
        ) from error


def name_of(data: Any) -> str:
    """What data that `table_of` takes are called: the file's name, or "the table"."""
    return Path(data).name if isinstance(data, str | os.PathLike) else "the table"


def column_names(path: Path) -> list[str]:
    """The names of a table's columns, without reading its rows.

    Raises:
        DataError: the file is missing, or no CSV or Parquet.
    """
    if is_csv(path):
        from slipway.tables.csv_dialect import sniff

        return list(sniff(path).names)
    import polars as pl

    with _parquet_errors(path):
        return list(pl.read_parquet_schema(path))


def write_table(table: "pl.DataFrame", path: Path) -> None:
    """Write a table as its path's ending says. The same table gives the same bytes.

    Raises:
        DataError: the ending is neither.
        OutsideError: the disk is full, or fails.
    """
    import polars as pl

    from slipway.tables.texts import csv_table, parquet_table

    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        match path.suffix.lower():
            case ".parquet":
                parquet_table(table).write_parquet(path)
            case ".csv":
                csv_table(table).write_csv(path)
            case other:
                raise DataError(f"{path}: a table is written as .csv or .parquet, not '{other}'.")
    except (pl.exceptions.PolarsError, OSError) as error:
        # Of a disk that is full, Polars says that the Parquet file is out of specification.
        if isinstance(error, OSError) or "os error" in str(error):
            reason = str(error).strip().splitlines()[0].rpartition("error: ")[2]
            raise OutsideError(
                f"{place_of(path)}: can't be written: {reason}. Make room on the disk, then run again."
            ) from error
        raise


def is_csv(path: Path) -> bool:
    """Whether a table's file is CSV, by its name; else it is Parquet.

    Raises:
        DataError: there is no such file, or its name says that it is neither.
    """
    if path.is_dir():
        raise DataError(f"{path}: this is a folder. Name a .csv or a .parquet file in it.")
    if not path.is_file():
        raise DataError(f"{path}: there is no such file.")
    match path.suffix.lower():
        case ".parquet":
            return False
        case ".csv" | ".tsv" | ".txt":
            return True
        case other:
            raise DataError(f"{path}: a table is a .csv or a .parquet file, not '{other}'. Save it as one of these.")


@contextmanager
def _parquet_errors(path: Path) -> Iterator[None]:
    import polars as pl

    try:
        yield
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DataError(f"{path}: can't be read as Parquet: {str(error).strip().splitlines()[0]}") from error


def _refuse_patterns(path: Path, names: Iterable[str]) -> None:
    from slipway.tables.csv_dialect import refuse_pattern

    for name in names:
        refuse_pattern(path, name)
