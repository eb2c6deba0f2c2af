"""Several CSV or Parquet files in, one table of all their rows out; or the file whose columns differ."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.errors import DataError, near_miss

if TYPE_CHECKING:
    import polars as pl


def read_files(paths: Sequence[Path], literal: Mapping[str, Collection[str]] | None = None) -> "pl.DataFrame":
    """The rows of all files in their order, with the first one's columns in its order.

    A CSV column's type comes from all CSV files together: "001" in one of them makes it text in all.

    Args:
        literal: as of `read_table`.

    Raises:
        DataError: a file is unreadable, has other columns than the first, or other types.
    """
    import polars as pl

    from slipway.tables.column_types import type_columns
    from slipway.tables.csv_dialect import sniff
    from slipway.tables.csv_rows import text_parts
    from slipway.tables.files import column_names, is_csv, read_table

    names = column_names(paths[0])
    for path in paths[1:]:
        _check_columns(path, column_names(path), paths[0], names)
    dialects = {path: sniff(path) for path in paths if is_csv(path)}
    texts = (text_parts(path, dialect, literal) for path, dialect in dialects.items())
    types = type_columns(chain.from_iterable(texts), ())

    def parts() -> "Iterator[tuple[Path, pl.DataFrame]]":
        for path in paths:
            if path not in dialects:
                yield path, read_table(path).select(names)
                continue
            for part in text_parts(
                path, dialects[path], literal
            ):  # parsed twice, so that no file's text has to be kept
                yield path, pl.DataFrame([types[name].read(part[name]) for name in names])

    return _together(list(parts()))


def _check_columns(path: Path, names: Sequence[str], first: Path, wanted: Sequence[str]) -> None:
    lacking = [name for name in wanted if name not in names]
    further = [name for name in names if name not in wanted]
    if lacking:
        close = near_miss(lacking[0], further)
        meant = close if "Did you mean" in close else ""
        raise DataError(
            f"{path}: it has no column `{lacking[0]}`, which {first.name} has.{meant} Files of one source have the "
            f"same columns, in any order."
        )
    if further:
        raise DataError(
            f"{path}: column `{further[0]}` is not in {first.name}. Files of one source have the same columns, in any "
            f"order: add it there, or take it out here."
        )


def _together(parts: "Sequence[tuple[Path, pl.DataFrame]]") -> "pl.DataFrame":
    import polars as pl

    wanted = dict(parts[0][1].schema)
    for path, part in parts:
        for name, dtype in part.schema.items():
            known = wanted[name]
            if known == pl.Null:
                wanted[name] = dtype
            elif dtype not in (known, pl.Null) and not (dtype.is_numeric() and known.is_numeric()):
                raise DataError(
                    f"{path}: column `{name}` holds {dtype}, and {known} in {parts[0][0].name}: give them one type."
                )
    return pl.concat([part for _, part in parts], how="vertical_relaxed")
