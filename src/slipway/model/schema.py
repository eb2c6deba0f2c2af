"""The training table → what a request must give; a request's rows → their problems, or a table typed like training's.

Nothing is coerced in silence: "001" stays text, true is no number, a null is taken where training had one.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from slipway.errors import DataError, near_miss
from slipway.model.checks import checker, converter, expectation
from slipway.model.dtypes import ColumnType, column_type, dtype_name, dtype_named, holding, request_type

if TYPE_CHECKING:
    import polars as pl

Rows = Sequence[Mapping[str, Any]]

_UNNAMED = re.compile(r"column_([1-9]\d*)")
"""The name that the reader of CSV files gives to a column without one."""

# Up to here Polars is faster from rows, above it from columns.
_FEW_ROWS = 64


@dataclass(frozen=True, slots=True)
class Problem:
    """One field of one row that is not what the schema asks."""

    row: int
    """Counted from 0."""
    field: str
    value: Any
    expected: str


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a request."""

    name: str
    types: tuple[str, ...]
    """Among text, integer, number, boolean, date, datetime; a value is of one of them."""
    nullable: bool
    dtype: str
    """Polars' type, in which the row reaches the first online stage."""


@dataclass(frozen=True)
class Schema:
    """What a request's row is. `unused` names columns of the training table that a row may have and nothing reads."""

    columns: tuple[Column, ...]
    unused: tuple[str, ...] = ()

    @classmethod
    def infer(
        cls, table: "pl.DataFrame", widened: Mapping[str, tuple[str, ...]] | None = None, unused: Iterable[str] = ()
    ) -> "Schema":
        """The schema of a table's rows. `widened` gives columns that may hold more than the table shows, as
        ("text", "number", "null"); what the table shows is always taken.

        Raises:
            DataError: a widened column is not in the table, or a column's type has no form in JSON.
        """
        widened = widened or {}
        unused = tuple(unused)
        for name in widened:
            if name not in table.columns and name not in unused:
                raise DataError(f"[api.types] {name}: the table has no such column.{near_miss(name, table.columns)}")
        return cls(tuple(_column(series, widened.get(series.name, ())) for series in table), unused)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    def problems(self, rows: Rows) -> list[Problem]:
        """Everything that is wrong with these rows; empty when they can be scored."""
        found: list[Problem] = []
        width = len(self.columns)
        for i, row in enumerate(rows):
            known = 0
            for name, check, expected in self._checks:
                if name in row:
                    known += 1
                    if not check(row[name]):
                        found.append(Problem(i, name, row[name], expected))
                else:
                    found.append(Problem(i, name, None, f"{expected}; the field is missing"))
            if known < width or len(row) > known:
                found.extend(self._extra(i, row))
        return found

    def values(self, rows: Rows) -> list[list[Any]]:
        """The values of rows without problems, in the order of the columns, as Python has them for those types."""
        names = self._names
        values: list[list[Any]] = [[row[name] for name in names] for row in rows]
        for k, convert in self._conversions:
            for given in values:
                if given[k] is not None:
                    given[k] = convert(given[k])
        return values

    def table(self, rows: Rows) -> "pl.DataFrame":
        """Rows without problems as a table, typed and ordered as the training table was."""
        import polars as pl

        values = self.values(rows)
        if len(values) <= _FEW_ROWS:
            frame = pl.DataFrame(values, schema=self._built, orient="row")
        else:
            columns = zip(self._built.items(), zip(*values, strict=True), strict=True)
            frame = pl.DataFrame([pl.Series(name, column, dtype=dtype) for (name, dtype), column in columns])
        return frame.cast(self._dtypes) if self._built != self._dtypes else frame  # type: ignore[arg-type]

    def take(self, table: "pl.DataFrame") -> "pl.DataFrame":
        """The schema's columns of a file's table, cast to training's types. Nulls pass: they are measured, and scored.

        Raises:
            DataError: a column is missing, or holds a value of another type; the message names both.
        """
        import polars as pl

        other = {alias: name for alias, name in self.aliases.items() if alias in table.columns}
        table = table.rename({alias: name for alias, name in other.items() if name not in table.columns})
        taken = []
        for name, dtype in self._dtypes.items():
            if name not in table.columns:
                raise DataError(f"the table has no column `{name}`.{near_miss(name, table.columns)}")
            taken.append(_cast(table[name], dtype))
        return pl.DataFrame(taken)

    def to_json(self) -> dict[str, Any]:
        return {
            "columns": [
                {"name": c.name, "types": list(c.types), "nullable": c.nullable, "dtype": c.dtype} for c in self.columns
            ],
            "unused": list(self.unused),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Schema":
        columns = (Column(c["name"], tuple(c["types"]), c["nullable"], c["dtype"]) for c in value["columns"])
        return cls(tuple(columns), tuple(value["unused"]))

    def json_schema(self) -> dict[str, Any]:
        """One row as JSON Schema, for OpenAPI."""
        properties: dict[str, Any] = {}
        for column in self.columns:
            forms = [_JSON_FORMS[name] for name in column.types] + ([{"type": "null"}] if column.nullable else [])
            properties[column.name] = dict(forms[0]) if len(forms) == 1 else {"anyOf": [dict(form) for form in forms]}
        properties |= {name: {"description": "Not used."} for name in self.unused}
        return {
            "type": "object",
            "properties": properties,
            "required": list(self.names),
            "additionalProperties": False,
        }

    def _extra(self, i: int, row: Mapping[str, Any]) -> Iterable[Problem]:
        for name in row:
            if name not in self._held and name not in self.unused and name not in self.aliases:
                missing = [known for known in self._names if known not in row]
                yield Problem(i, str(name), row[name], f"no such field.{near_miss(str(name), missing or self._names)}")

    @cached_property
    def aliases(self) -> Mapping[str, str]:
        """What other readers call columns that have no name in the training file, and what they are called here.

        A CSV reader's `column_3` is "" to Python's own, if it is the first such, and "Unnamed: 2" to pandas.
        """
        found: dict[str, str] = {}
        for name in (*self.names, *self.unused):
            if match := _UNNAMED.fullmatch(name):
                found[f"Unnamed: {int(match[1]) - 1}"] = name
        if found:
            found[""] = min(found.values(), key=lambda name: int(name.rpartition("_")[2]))
        return {alias: name for alias, name in found.items() if alias not in (*self.names, *self.unused)}

    def with_names(self, rows: Rows) -> Rows:
        """The rows with columns that have no name in the training file called as they are here."""
        aliases = {alias: name for alias, name in self.aliases.items() if name in self._held}
        if not aliases:
            return rows
        return [
            {aliases.get(name, name) if aliases.get(name) not in row else name: row[name] for name in row}
            for row in rows
        ]

    @cached_property
    def _names(self) -> tuple[str, ...]:
        return self.names

    @cached_property
    def _held(self) -> dict[str, ColumnType]:
        return {column.name: column_type(column.dtype) for column in self.columns}

    @cached_property
    def _dtypes(self) -> "dict[str, pl.DataType]":
        return {column.name: dtype_named(column.dtype) for column in self.columns}

    @cached_property
    def _built(self) -> "dict[str, pl.DataType]":
        """The types that Polars builds from Python's values; decimals are cast from floats afterwards."""
        import polars as pl

        return {name: pl.Float64() if dtype.is_decimal() else dtype for name, dtype in self._dtypes.items()}

    @cached_property
    def _checks(self) -> list[tuple[str, Any, str]]:
        return [
            (c.name, checker(c.types, c.nullable, held), expectation(c.types, c.nullable, held))
            for c, held in zip(self.columns, self._held.values(), strict=True)
        ]

    @cached_property
    def _conversions(self) -> list[tuple[int, Any]]:
        every = ((k, converter(c.types, self._held[c.name])) for k, c in enumerate(self.columns))
        return [(k, convert) for k, convert in every if convert is not None]


_JSON_FORMS: Mapping[str, Mapping[str, str]] = {
    "text": {"type": "string"},
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
    "date": {"type": "string", "format": "date"},
    "datetime": {"type": "string", "format": "date-time"},
}


def _column(series: "pl.Series", widened: tuple[str, ...]) -> Column:
    own = request_type(series.name, series.dtype)
    types = (own, *(name for name in widened if name not in (own, "null")))
    # A request has no NaN: where a file has one, null is what it sends.
    has_gaps = series.null_count() > 0 or (series.dtype.is_float() and bool(series.is_nan().any()))
    nullable = "null" in widened or has_gaps
    return Column(series.name, types, nullable, dtype_name(holding(series.dtype, types)))


def _cast(series: "pl.Series", dtype: "pl.DataType") -> "pl.Series":
    """The same values in training's type, or a DataError with the first value that is none of it."""
    import polars as pl

    if series.dtype == dtype:
        return series
    given, wanted = request_type(series.name, series.dtype), request_type(series.name, dtype)
    if (wanted == "text" and given == "number") or (given == "text" and wanted in ("date", "datetime")):
        return _converted(series, (wanted, given) if wanted == "text" else (wanted,), dtype)
    are_numbers = {given, wanted} <= {"integer", "number"}
    if series.dtype != pl.Null and wanted not in ("text", given) and not are_numbers:
        raise DataError(f"column `{series.name}` holds {given} ({_first(series)}), where training had {wanted}.")
    try:
        cast = series.cast(dtype)
    except pl.exceptions.PolarsError as error:
        raise DataError(
            f"column `{series.name}` holds what is no {wanted} of type {dtype} ({_first(series)}), which training had."
        ) from error
    is_narrower = wanted == "integer" and given == "number"
    if is_narrower and (fractions := series.filter(cast.cast(pl.Float64) != series)).len():
        raise DataError(f"column `{series.name}` holds {fractions[0]}, where training had whole numbers.")
    return cast


def _converted(series: "pl.Series", types: tuple[str, ...], dtype: "pl.DataType") -> "pl.Series":
    """Value by value, as a request's: 160.0 is "160", and a date is one as JSON has it."""
    import polars as pl

    held = column_type(dtype_name(dtype))
    fits, convert = checker(types, True, held), converter(types, held)
    values = series.fill_nan(None).to_list() if series.dtype.is_float() else series.to_list()
    for value in values:
        if not fits(value):
            raise DataError(f"column `{series.name}` holds {value!r}: expected {expectation(types, True, held)}.")
    made = [value if value is None or convert is None else convert(value) for value in values]
    return pl.Series(series.name, made, dtype=dtype)


def _first(series: "pl.Series") -> str:
    values = series.drop_nulls()
    return f"such as {values[0]!r}" if values.len() else "nulls alone"
