"""What a request must give, by the training table; and its rows as a table that is typed as training's was.

Nothing is coerced in silence: "001" stays text, true is no number, a null is taken where training had one or where the
model was found to take it.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from slipway.errors import DataError, near_miss
from slipway.model.checks import checker, converter, expectation
from slipway.model.column_types import as_requested, fits, in_type, whole_numbers
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
    """Whether null is taken: training had one, or the model was found to answer with one."""
    dtype: str
    """Polars' type, in which the row reaches the first online stage."""
    is_found_nullable: bool = False
    """Whether null is taken since the model was found to answer with one, though training had none and nobody said so:
    callers are promised nothing."""


@dataclass(frozen=True)
class Schema:
    """What a request's row is. `unused` names columns of the training table that a row may have and nothing reads."""

    columns: tuple[Column, ...]
    unused: tuple[str, ...] = ()
    refuses_nulls: bool = True
    """Whether a null fails where the column is not nullable; false for a bundle that does not say what its model takes,
    which then is asked."""

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

    def problems(self, rows: Rows, *, passes_nulls: bool = False) -> list[Problem]:
        """Everything that is wrong with these rows; empty when they can be scored.

        Args:
            passes_nulls: a null where none is taken is no problem of the request: its row fails alone when it is
                scored, as `null_errors` says.
        """
        found: list[Problem] = []
        width = len(self.columns)
        checks = self._checks_with_nulls if passes_nulls or not self.refuses_nulls else self._checks
        for i, row in enumerate(rows):
            known = 0
            for name, check, expected in checks:
                if name in row:
                    known += 1
                    if not check(row[name]):
                        found.append(Problem(i, name, row[name], expected))
                else:
                    found.append(Problem(i, name, None, f"{expected}; the field is missing"))
            if known < width or len(row) > known:
                found.extend(self._extra(i, row))
        return found

    @cached_property
    def null_errors(self) -> Mapping[str, str]:
        """The columns in which a null makes its row fail, with what is said of it."""
        if not self.refuses_nulls:
            return {}
        return {
            name: f"`{name}`: expected {expected}, got null, which the model does not take."
            for (name, _, expected), column in zip(self._checks, self.columns, strict=True)
            if not column.nullable
        }

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
        """Rows without problems as a table, typed and ordered as the training table was.

        A column whose type does not hold a value has a wider one; see `groups`.
        """
        import polars as pl

        values = self.values(rows)
        try:
            frame = self._frame(values)
        except (TypeError, pl.exceptions.ComputeError):  # whole numbers beyond 64 bits with a sign
            columns = zip(self._built.items(), zip(*values, strict=True), strict=True)
            frame = pl.DataFrame([_series(name, list(column), dtype) for (name, dtype), column in columns])
        if self._built == self._dtypes:
            return frame
        return pl.DataFrame([in_type(frame[name], dtype) for name, dtype in self._dtypes.items()])

    def _frame(self, values: list[list[Any]]) -> "pl.DataFrame":
        import polars as pl

        if len(values) <= _FEW_ROWS:
            return pl.DataFrame(values, schema=self._built, orient="row")
        columns = zip(self._built.items(), zip(*values, strict=True), strict=True)
        return pl.DataFrame([pl.Series(name, column, dtype=dtype) for (name, dtype), column in columns])

    def take(self, table: "pl.DataFrame") -> "pl.DataFrame":
        """The schema's columns of a file's table, converted as a request's values are.

        Nulls pass: they are measured, and scored or not, row by row. Columns are as wide as `table` has them.

        Raises:
            DataError: a column is missing, or holds a value that a request may not have; the message names both.
        """
        import polars as pl

        other = {alias: name for alias, name in self.aliases.items() if alias in table.columns}
        table = table.rename({alias: name for alias, name in other.items() if name not in table.columns})
        taken = []
        for column, dtype in zip(self.columns, self._dtypes.values(), strict=True):
            if column.name not in table.columns:
                raise DataError(f"the table has no column `{column.name}`.{near_miss(column.name, table.columns)}")
            taken.append(as_requested(table[column.name], column.types, dtype))
        return pl.DataFrame(taken)

    def groups(self, table: "pl.DataFrame") -> "list[tuple[list[int], pl.DataFrame]] | None":
        """Split a table of `table` or `take` by which of its columns are wider than training's, row by row.

        So a row's types, and with them its answer, depend on its own values, and not on who is scored beside it.

        Returns:
            The places of the rows of each group, with these rows; None where every column has training's type.
        """
        import polars as pl

        schema = table.schema  # made anew each time it is asked for
        if schema == self._typed:
            return None
        wide = [name for name, dtype in self._dtypes.items() if schema[name] != dtype]
        if not wide:
            return None
        held = pl.DataFrame([fits(table[name], self._dtypes[name]).alias(str(k)) for k, name in enumerate(wide)])
        found = []
        for _, part in held.with_row_index("row").group_by(held.columns, maintain_order=True):
            places = part["row"].to_list()
            rows = table[places]
            found.append((places, rows.with_columns(in_type(rows[name], self._dtypes[name]) for name in wide)))
        return found

    def to_json(self) -> dict[str, Any]:
        return {
            "columns": [
                {
                    "name": c.name,
                    "types": list(c.types),
                    "nullable": c.nullable,
                    "dtype": c.dtype,
                    "is_found_nullable": c.is_found_nullable,
                }
                for c in self.columns
            ],
            "unused": list(self.unused),
            "refuses_nulls": self.refuses_nulls,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Schema":
        columns = (
            Column(c["name"], tuple(c["types"]), c["nullable"], c["dtype"], c.get("is_found_nullable", False))
            for c in value["columns"]
        )
        # A bundle of an older format does not say.
        return cls(tuple(columns), tuple(value["unused"]), value.get("refuses_nulls", False))

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
    def _typed(self) -> "pl.Schema":
        import polars as pl

        return pl.Schema(self._dtypes)

    @cached_property
    def _built(self) -> "dict[str, pl.DataType]":
        """The types that Polars builds from Python's values: the widest of their kinds, cast afterwards."""
        return {name: _built_type(dtype) for name, dtype in self._dtypes.items()}

    @cached_property
    def _checks(self) -> list[tuple[str, Any, str]]:
        return [
            (c.name, checker(c.types, c.nullable, held), expectation(c.types, c.nullable, held))
            for c, held in zip(self.columns, self._held.values(), strict=True)
        ]

    @cached_property
    def _checks_with_nulls(self) -> list[tuple[str, Any, str]]:
        return [
            (name, checker(c.types, True, held), expected)
            for (name, _, expected), c, held in zip(self._checks, self.columns, self._held.values(), strict=True)
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


def _built_type(dtype: "pl.DataType") -> "pl.DataType":
    import polars as pl

    if dtype.is_integer():
        return pl.Int64()
    if dtype.is_float() or dtype.is_decimal():
        return pl.Float64()
    return pl.Datetime("us", dtype.time_zone) if isinstance(dtype, pl.Datetime) else dtype


def _series(name: str, values: list[Any], dtype: "pl.DataType") -> "pl.Series":
    import polars as pl

    return whole_numbers(name, values) if dtype.is_integer() else pl.Series(name, values, dtype=dtype)
