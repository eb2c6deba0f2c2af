"""The rows of a CSV file as tables, part by part, typed as the whole file asks; or the line that is wrong."""

import csv
import re
from collections import Counter, deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.errors import DataError
from slipway.tables.column_types import known_texts, type_columns
from slipway.tables.csv_dialect import Dialect, sniff

if TYPE_CHECKING:
    import polars as pl

_BLOCK = 16 << 20
"""Bytes that are parsed at a time; a row has to fit in."""
_KEPT = 128 << 20
"""A file up to this size is parsed once, and is in memory as text while its types are found; a larger one is parsed
twice, and never is."""


@dataclass(frozen=True, slots=True)
class CsvTable:
    """A CSV file whose types are known."""

    dialect: Dialect
    commas: frozenset[str]
    """Columns whose numbers have a decimal comma."""
    parts: "Iterator[pl.DataFrame]"
    """Its rows in order, once; at least one part, which may be empty."""
    words: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """By column the words that say that a value is not known, and in how many rows; blanks are no word."""


def read_csv(
    path: Path, stay_text: Iterable[str] = (), literal: Mapping[str, Collection[str]] | None = None
) -> CsvTable:
    """The rows of a CSV file, part by part.

    Args:
        stay_text: columns that are text whatever they look like.
        literal: by column the words that say something there, though elsewhere they say that a value is not known.

    Raises:
        DataError: the file is not as `sniff` has it, or a row has more or fewer values than the header.
    """
    import polars as pl

    dialect = sniff(path)
    is_kept, words = path.stat().st_size <= _KEPT, dict[str, Counter[str]]()
    first = text_parts(path, dialect, literal, words)
    parts: Iterable[pl.DataFrame] = list(first) if is_kept else first
    types = type_columns(parts, stay_text)
    commas = frozenset(name for name, column in types.items() if column.has_commas)
    again = parts if is_kept else text_parts(path, dialect, literal)
    typed = (pl.DataFrame([types[column.name].read(column) for column in part.iter_columns()]) for part in again)
    return CsvTable(dialect, commas, typed, words)


def text_parts(
    path: Path,
    dialect: Dialect,
    literal: Mapping[str, Collection[str]] | None = None,
    words: "dict[str, Counter[str]] | None" = None,
) -> "Iterator[pl.DataFrame]":
    """The rows of a CSV file as text, what says nothing as null, part by part.

    Args:
        literal: as of `read_csv`.
        words: takes the words that were read as null, by column, and how often each was.
    """
    import polars as pl
    import pyarrow as pa
    import pyarrow.csv as arrow_csv

    names = list(dialect.names)
    if not dialect.has_rows:
        yield pl.DataFrame(schema=dict.fromkeys(names, pl.String))
        return
    try:
        batches = arrow_csv.open_csv(
            path,
            arrow_csv.ReadOptions(
                column_names=names, skip_rows=dialect.header_lines, block_size=_BLOCK, encoding=dialect.encoding
            ),
            arrow_csv.ParseOptions(
                delimiter=dialect.separator, newlines_in_values=True, ignore_empty_lines=len(names) > 1
            ),
            arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True, null_values=[""]
            ),
        )
        last: tuple[object, ...] = ()
        for batch in batches:
            texts = pl.DataFrame(batch)
            part = known_texts(texts, literal)
            if words is not None:
                _count_words(texts, part, words)
            last = part.row(-1)
            yield part
    except (pa.ArrowInvalid, pa.ArrowKeyError) as error:
        _blame_row(path, dialect)
        raise DataError(f"{path}: can't be read as CSV: {str(error).strip().splitlines()[0]}") from error
    if any(isinstance(value, str) and "\n" in value for value in last):
        _blame_open_quote(path, dialect)


def _count_words(texts: "pl.DataFrame", known: "pl.DataFrame", words: "dict[str, Counter[str]]") -> None:
    for before, after in zip(texts.iter_columns(), known.iter_columns(), strict=True):
        if after.null_count() > before.null_count():
            said = before.filter(after.is_null() & before.is_not_null()).str.strip_chars()
            counts = dict(said.value_counts().iter_rows())
            counts.pop("", None)
            words.setdefault(before.name, Counter()).update(counts)


def _blame_row(path: Path, dialect: Dialect) -> None:
    """Raise with the first row that does not fit the header, if that is what is wrong."""
    wanted = len(dialect.names)
    for line, row in _records(path, dialect):
        if len(row) == wanted or (not row and wanted > 1):
            continue
        raise DataError(
            f"{path}: line {line}: {_counted(len(row), 'value')}, the header names {_counted(wanted, 'column')}. "
            f"{_remedy(path, dialect, line, row)}"
        )


def _remedy(path: Path, dialect: Dialect, line: int, row: list[str]) -> str:
    """What to do about a row that has another number of values than the header."""
    separator = dialect.separator
    escaped = escaped_quote_line(path, dialect)
    if escaped is not None and escaped <= line:
        return f"In line {escaped} a backslash stands before a quote: in CSV a quote inside quotes is written twice."
    if any(re.match(r'\s+"', cell) for cell in row):
        return "A blank stands before a double quote, which then is a part of the value: take the blank away."
    if row and row[0].lstrip().startswith("#"):
        return "A comment may stand above the header alone: take the line out."
    if len(row) == len(dialect.names) + 1 and not row[-1]:
        return f"It ends with '{separator}': take that away, or end the header with it, too."
    if len(row) > len(dialect.names):
        return f"Put a value that contains '{separator}' in double quotes."
    if sum(bool(cell.strip()) for cell in row) == 1 and deque(_records(path, dialect), maxlen=1)[0][0] == line:
        return "Text below the table is no row: take the line out."
    return "Complete the row, or take it out."


def escaped_quote_line(path: Path, dialect: Dialect) -> int | None:
    """The first line in which a backslash stands before a quote that does not end its value; None without one.

    In CSV a quote inside quotes is written twice; read so, the backslash stays and the value ends too early.
    """
    pattern = re.compile(rf'\\"(?![{re.escape(dialect.separator)}"\r\n]|$)')
    with path.open(encoding=dialect.encoding, newline="") as file:
        return next(
            (number for number, line in enumerate(file, start=1) if '\\"' in line and pattern.search(line)), None
        )


def _blame_open_quote(path: Path, dialect: Dialect) -> None:
    """Raise if the last row goes on over several lines because its quote is never closed."""
    line = next(line for line, _ in deque(_records(path, dialect), maxlen=1))
    with path.open(encoding=dialect.encoding, newline="") as file:
        quotes = sum(text.count('"') for text in islice(file, line - 1, None))
    if quotes % 2:
        raise DataError(f"{path}: line {line}: a double quote is opened in this row and never closed. Close it.")


def _records(path: Path, dialect: Dialect) -> Iterator[tuple[int, list[str]]]:
    """Each record after the header, and the line on which it begins."""
    csv.field_size_limit(_BLOCK)
    with path.open(encoding=dialect.encoding, newline="") as file:
        for _ in range(dialect.header_lines):
            file.readline()
        rows = csv.reader(file, delimiter=dialect.separator)
        begun = 0
        try:
            for row in rows:
                yield dialect.header_lines + begun + 1, row
                begun = rows.line_num
        except csv.Error as error:
            raise DataError(f"{path}: line {dialect.header_lines + begun + 1}: {error}.") from error


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
