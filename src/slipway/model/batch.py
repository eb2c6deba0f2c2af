"""A file's table in, the same rows with their answers out, by the path that a request takes; part by part."""

import os
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import IO, Any

import polars as pl

from slipway.errors import DataError, OutsideError
from slipway.files import Draft
from slipway.model.answers import label_text
from slipway.model.dtypes import dtype_named
from slipway.model.schema import Schema
from slipway.model.score import Scorer
from slipway.tables.files import read_parts, table_of
from slipway.tables.texts import csv_table, parquet_table

PREDICTION, ERROR, UNREAD = "prediction", "error", "unread"


def answer_table(scorer: Scorer, table: pl.DataFrame) -> pl.DataFrame:
    """A table's rows with `prediction`, `error` (null where there is none) and `probability_CLASS` for each class.

    Where training had values that an online stage could not read, `unread` names the columns of such values of a row.

    A column of the table's own that has one of these names keeps it; the answer's gets `answered_` before its name, as
    often as it takes.

    Raises:
        DataError: a column that the model needs is missing, or holds values of another type.
    """
    scores = scorer.score(scorer.bundle.schema.take(table))
    manifest = scorer.bundle.manifest
    labels: list[Any] = [0.0] if manifest.kind == "regression" else list(manifest.classes)
    answered = [
        # One type for every part of a file, also for one in which no row could be answered.
        pl.Series(PREDICTION, scores.predictions, dtype=pl.Series(labels).dtype if labels else None, strict=False),
        pl.Series(ERROR, scores.errors, dtype=pl.String),
    ]
    if scorer.gives_probabilities:
        given = scores.probabilities or [None] * table.height
        for label in map(label_text, manifest.classes):
            shares = [None if p is None else p[label] for p in given]
            answered.append(pl.Series(f"probability_{label}", shares, dtype=pl.Float64))
    if manifest.readings.lossy:
        named = [", ".join(scores.lost.get(row, ())) or None for row in range(table.height)]
        answered.append(pl.Series(UNREAD, named, dtype=pl.String))
    return table.with_columns(s.alias(_free_name(s.name, table.columns)) for s in answered)


def _free_name(name: str, taken: Collection[str]) -> str:
    while name in taken:
        name = f"answered_{name}"
    return name


def answer_file(scorer: Scorer, path: Path) -> Iterator[pl.DataFrame]:
    """A file's rows with their answers, part by part, so that a file of any size can be scored.

    A CSV column's type comes from the whole column; what the model learnt as text stays text.

    Raises:
        DataError: as of `answer_table`; the message names file and row.
    """
    schema, manifest = scorer.bundle.schema, scorer.bundle.manifest
    labels = [label for label in manifest.classes or () if isinstance(label, str)]
    start = 0
    for part in read_parts(path, stay_text=scorer.bundle.texts, literal={manifest.target: labels}):
        try:
            yield answer_table(scorer, part)
        except DataError as error:
            raise DataError(f"{path}: {_row(schema, part, start)}{error}") from error
        start += part.height


def answer_parts(scorer: Scorer, data: Any) -> Iterator[pl.DataFrame]:
    """The rows of a file, or of a table of Polars or pandas, with their answers, part by part.

    Raises:
        DataError: as of `answer_table`.
    """
    if isinstance(data, str | os.PathLike):
        return answer_file(scorer, Path(data))
    return iter([answer_table(scorer, table_of(data))])


def write_parts(parts: Iterable[pl.DataFrame], path: Path) -> int:
    """Write parts of one table as its path's ending says; how many rows there were.

    Raises:
        DataError: the ending is neither .csv nor .parquet.
        OutsideError: the disk is full, or fails.
    """
    if path.suffix.lower() not in (".csv", ".parquet"):
        raise DataError(f"{path}: a table is written as .csv or .parquet, not '{path.suffix}'.")
    try:
        with Draft(path, is_durable=True) as draft:
            with draft.path.open("xb") as file:
                rows = write_csv(parts, file) if path.suffix.lower() == ".csv" else _write_parquet(parts, file)
            draft.commit()
    except OSError as error:
        raise OutsideError(
            f"{path}: can't be written: {error.strerror or error}. Make room, or name another."
        ) from error
    return rows


def write_csv(parts: Iterable[pl.DataFrame], file: IO[bytes]) -> int:
    """Write parts of one table as one CSV file; how many rows there were."""
    rows = 0
    for number, part in enumerate(parts):
        file.write(csv_table(part).write_csv(include_header=number == 0).encode())
        rows += part.height
    return rows


def _write_parquet(parts: Iterable[pl.DataFrame], file: IO[bytes]) -> int:
    import pyarrow.parquet as pq

    rows, writer = 0, None
    try:
        for part in parts:
            table = parquet_table(part).to_arrow(compat_level=pl.CompatLevel.oldest())
            writer = writer or pq.ParquetWriter(file, table.schema, compression="zstd")
            writer.write_table(table)
            rows += part.height
    finally:
        if writer is not None:
            writer.close()
    return rows


def _row(schema: Schema, part: pl.DataFrame, start: int) -> str:
    """The first row that holds text where the schema has numbers, in words; counted from 1, without the header."""
    for column in schema.columns:
        if column.name not in part.columns or part.schema[column.name] != pl.String:
            continue
        wanted = dtype_named(column.dtype)
        if wanted.is_numeric():
            is_wrong = part[column.name].cast(wanted, strict=False).is_null() & part[column.name].is_not_null()
            first = is_wrong.arg_max()
            if first is not None and is_wrong[first]:
                return f"row {start + first + 1:,} (`{part[column.name][first][:60]}`): "
    return ""
