"""Checked rows in, columns of Python's values out that an estimator takes for an array: tables without Polars."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from slipway.model.dtypes import ColumnType, column_type, dtype_name

if TYPE_CHECKING:
    import polars as pl

    from slipway.model.schema import Rows, Schema

_HELD = ("text", "integer", "number", "boolean")
_NUMBERS = {("integer", True): np.int64, ("integer", False): np.uint64, ("number", True): np.float64}


class NoBlock(Exception):
    """Columns that only a table library holds as training had them."""


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Some columns of some rows. It has of a table what scikit-learn asks of an array, and no more.

    As an array it is what a library gives for the same table: numbers with NaN for null where every column is one,
    else objects.
    """

    types: Mapping[str, ColumnType]
    """Of each column, in order."""
    lists: Sequence[Sequence[Any]]
    """The values of each column. Not called columns, by which scikit-learn knows the tables of its libraries."""
    rows: int
    missing: float | None = None
    """What stands in the array for a missing text: None as in Polars, NaN as in pandas."""

    @classmethod
    def of(cls, table: "pl.DataFrame") -> "Block":
        """The same columns of a Polars table."""
        types = {name: column_type(dtype_name(dtype)) for name, dtype in table.schema.items()}
        return cls(types, [column.to_list() for column in table.iter_columns()], table.height)

    @classmethod
    def joined(cls, parts: "Sequence[Block]") -> "Block":
        """The rows of several blocks of the same columns, in order."""
        columns = [list(chain.from_iterable(each)) for each in zip(*(part.lists for part in parts), strict=True)]
        return cls(parts[0].types, columns, sum(part.rows for part in parts), parts[0].missing)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.types)

    @property
    def shape(self) -> tuple[int, int]:
        return self.rows, len(self.lists)

    @property
    def ndim(self) -> int:
        return 2

    def __len__(self) -> int:
        return self.rows

    def take(self, rows: Sequence[int]) -> "Block":
        """Some of the rows, by place."""
        return replace(self, lists=[[column[row] for row in rows] for column in self.lists], rows=len(rows))

    def select(self, places: Sequence[int]) -> "Block":
        """Some of the columns, by place."""
        named = [self.names[place] for place in places]
        types = {name: self.types[name] for name in named}
        return replace(self, types=types, lists=[self.lists[place] for place in places])

    def replaced(self, name: str, values: Sequence[Any]) -> "Block":
        """The same rows with other values in one column."""
        place, held = self.names.index(name), _held(self.types[name], values)
        return replace(self, lists=[*self.lists[:place], held, *self.lists[place + 1 :]])

    def __getitem__(self, key: Any) -> Any:
        """`block[:, columns]` and `block[rows]`, by places, slices or truths, as an array has it."""
        rows, columns = key if isinstance(key, tuple) else (key, slice(None))
        taken = self
        if rows is not Ellipsis and not (isinstance(rows, slice) and rows == slice(None)):
            taken = self.take(np.atleast_1d(np.arange(self.rows)[rows]).tolist())
        if columns is Ellipsis or (isinstance(columns, slice) and columns == slice(None)):
            return taken
        places = np.arange(len(self.lists))[columns]
        if np.ndim(places) == 0:
            return taken._array(int(places))
        return taken.select(places.tolist())

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        parts = [self._array(place) for place in range(len(self.lists))]
        if any(held.kind == "text" for held in self.types.values()):
            whole: NDArray[Any] = np.empty(self.shape, dtype=object)
            for place, part in enumerate(parts):
                whole[:, place] = part
        else:
            if any(part.dtype != object for part in parts):  # truths and nulls beside numbers are numbers
                parts = [part.astype(np.float64) if part.dtype == object else part for part in parts]
            whole = np.column_stack(parts) if parts else np.empty(self.shape)
        return whole if dtype is None else whole.astype(dtype)

    def _array(self, place: int) -> NDArray[Any]:
        values, held = self.lists[place], [*self.types.values()][place]
        if held.kind == "text":
            return _objects([self.missing if value is None else value for value in values])
        has_nulls = any(value is None for value in values)
        if held.kind == "boolean":
            return _objects(values) if has_nulls else np.array(values, dtype=bool)
        if has_nulls:
            return np.array([math.nan if value is None else value for value in values], dtype=np.float64)
        try:
            return np.array(values, dtype=_NUMBERS[held.kind, held.is_signed])
        except OverflowError:  # a whole number that training's type does not hold
            return np.array(values, dtype=np.float64)


def block(schema: "Schema", rows: "Rows", names: Sequence[str]) -> Block:
    """Some columns of rows that the schema found nothing wrong with."""
    order = [schema.names.index(name) for name in names]
    columns = list(zip(*schema.values(rows), strict=True)) or [()] * len(schema.names)
    types = {name: column_type(schema.columns[place].dtype) for name, place in zip(names, order, strict=True)}
    return Block(types, [_held(types[name], columns[p]) for name, p in zip(names, order, strict=True)], len(rows))


def require_blocks(schema: "Schema", features: Mapping[str, str]) -> None:
    """Pass where blocks of these rows hold what a table would.

    Args:
        features: the columns that the model takes, with their types in training.

    Raises:
        NoBlock: a column does not, and which.
    """
    types = {column.name: column.dtype for column in schema.columns}
    for name, wanted in features.items():
        held = column_type(wanted)
        if held.kind not in _HELD or held.decimal is not None or held.bits > 64:
            raise NoBlock(f"`{name}` is of type {wanted}")
        if types.get(name) != wanted:
            raise NoBlock(f"`{name}` comes as {types.get(name)} and is cast to {wanted}")


def _held(held: ColumnType, values: Sequence[Any]) -> Sequence[Any]:
    """A number of single precision is what that leaves of it, unless it is too large for that."""
    if not held.is_float or held.bits == 64:
        return values
    narrow = np.float16 if held.bits == 16 else np.float32
    with np.errstate(over="ignore"):
        return [None if value is None else _narrowed(value, narrow) for value in values]


def _narrowed(value: float, narrow: type[np.floating[Any]]) -> float:
    made = float(narrow(value))
    return made if math.isfinite(made) else value


def _objects(values: Sequence[Any]) -> NDArray[Any]:
    made = np.empty(len(values), dtype=object)
    made[:] = values
    return made
