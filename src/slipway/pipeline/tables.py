"""A CSV or Parquet file in, a typed table out; and back. Text stays text unless every value of a column is a number."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.errors import DataError

if TYPE_CHECKING:
    import polars as pl

_DIGITS = r"^(0|-?[1-9][0-9]{0,17})$"
"""A whole number as a program writes it; "001" is a code, and more than 18 digits don't fit."""
_LONG = r"^-?[0-9]{19,}$"
"""A float would lose its last digits, and it is a key more likely than a number."""
_NUMBER = r"^-?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?$|^[Nn]a[Nn]$"
_TRUTH = (("true", "false"), ("True", "False"), ("TRUE", "FALSE"))
_SEPARATORS = ",;\t|"
_HEAD = 1_000


def read_table(path: Path) -> "pl.DataFrame":
    """Read a table.

    A CSV column's type comes from the whole column: integer only if every value that is there is a canonical integer
    ("001" is not), else float, else true and false, else text. What is empty is null. The separator is the one that
    the header has most of; a column without a name is called `column_1` by its place.

    Raises:
        DataError: the file is missing, is no CSV or Parquet, or a row does not fit the header; the message says which.
    """
    import polars as pl

    if path.is_dir():
        raise DataError(f"{path}: this is a folder. Name a .csv or a .parquet file in it.")
    if not path.is_file():
        raise DataError(f"{path}: there is no such file.")
    match path.suffix.lower():
        case ".parquet":
            try:
                table = pl.read_parquet(path)
                _refuse_patterns(path, table.columns)
                return table
            except (pl.exceptions.PolarsError, OSError) as error:
                raise DataError(f"{path}: can't be read as Parquet: {_first_line(error)}") from error
        case ".csv" | ".tsv" | ".txt":
            return _read_csv(path)
        case other:
            raise DataError(f"{path}: a table is a .csv or a .parquet file, not '{other}'. Save it as one of these.")


def write_table(table: "pl.DataFrame", path: Path) -> None:
    """Write a table as its path's ending says. The same table gives the same bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    match path.suffix.lower():
        case ".parquet":
            table.write_parquet(path)
        case ".csv":
            table.write_csv(path)
        case other:
            raise DataError(f"{path}: a table is written as .csv or .parquet, not '{other}'.")


def type_text(values: "pl.Series") -> "pl.Series":
    """A column of text with the type that all its values agree on, as `read_table` gives it."""
    import polars as pl

    values = values.set(values == "", None)
    head, count = values.drop_nulls().head(_HEAD), values.len() - values.null_count()
    if count == 0:
        return values
    if _all(head, _DIGITS) and _all(values, _DIGITS):
        return values.cast(pl.Int64)
    if _all(head, _NUMBER) and _all(values, _NUMBER) and not values.str.contains(_LONG).any():
        return values.cast(pl.Float64).fill_nan(None)
    for true, false in _TRUTH:
        if head.is_in([true, false]).all() and values.is_in([true, false]).all():
            return values == true
    return values


def _all(values: "pl.Series", pattern: str) -> bool:
    return bool(values.str.contains(pattern).all())  # nulls are passed over


def _read_csv(path: Path) -> "pl.DataFrame":
    import polars as pl

    names, separator = _read_header(path)
    _refuse_patterns(path, names)
    try:
        table = pl.read_csv(path, infer_schema=False, separator=separator, glob=False)
    except (pl.exceptions.PolarsError, OSError) as error:
        _blame_row(path, names, separator)
        raise DataError(f"{path}: can't be read as CSV: {_first_line(error)}") from error
    table.columns = names
    return pl.DataFrame([type_text(column) for column in table.iter_columns()])


def _refuse_patterns(path: Path, names: Sequence[str]) -> None:
    # To Polars such a name is a pattern for other columns' names: it would not find this one.
    found = next((name for name in names if name.startswith("^") and name.endswith("$")), None)
    if found is not None:
        raise DataError(f"{path}: column `{found}`: a name from ^ to $ is taken for a pattern of names. Rename it.")


def _read_header(path: Path) -> tuple[list[str], str]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            line = file.readline()
            separator = max(_SEPARATORS, key=line.count)
            file.seek(0)
            names = next(csv.reader(file, delimiter=separator), [])
    except UnicodeDecodeError:
        raise _not_utf8(path) from None
    if not any(names):
        raise DataError(f"{path}: empty: expected the columns' names in the first line.")
    seen: set[str] = set()
    # pandas writes its index as a first column without a name, so many files have one.
    names = [name or f"column_{position}" for position, name in enumerate(names, start=1)]
    for name in names:
        if name in seen:
            raise DataError(f"{path}: line 1: two columns are named `{name}`. Rename one.")
        seen.add(name)
    return names, separator


def _blame_row(path: Path, names: list[str], separator: str) -> None:
    """Raise with the first row that does not fit the header, if that is what is wrong."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file, delimiter=separator)
            for row in rows:
                if len(row) > len(names):
                    raise DataError(
                        f"{path}: line {rows.line_num}: {len(row)} values, the header names {len(names)} columns. "
                        f"Put a value that contains '{separator}' in double quotes."
                    )
    except UnicodeDecodeError:
        raise _not_utf8(path) from None
    except csv.Error as error:
        raise DataError(f"{path}: line {rows.line_num}: {error}.") from error


def _not_utf8(path: Path) -> DataError:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError:
                return DataError(f"{path}: line {number}: not UTF-8. Save the file as UTF-8.")
    return DataError(f"{path}: not UTF-8. Save the file as UTF-8.")


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0]
