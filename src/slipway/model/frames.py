"""A Polars table in, the table that a function asked for out, typed as the function saw it in training."""

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from slipway.errors import StageError, near_miss
from slipway.model.column_types import in_type
from slipway.model.dtypes import dtype_name, dtype_named
from slipway.model.manifest import Typing
from slipway.tables.values import as_asked

if TYPE_CHECKING:
    import polars as pl

PANDAS = "pandas.DataFrame"


def typing_of(table: "pl.DataFrame", annotation: str | None = None) -> Typing:
    """How a training table looks, in Polars, and in pandas where that is asked for."""
    polars = {name: dtype_name(dtype) for name, dtype in table.schema.items()}
    if annotation != PANDAS:
        return Typing(polars)
    return Typing(polars, {str(name): str(dtype) for name, dtype in as_asked(table, annotation).dtypes.items()})


def give(table: "pl.DataFrame", annotation: str | None, typing: Typing) -> Any:
    """The table as its taker asked for it.

    In pandas a column's type depends on its nulls: whole numbers with one are floats, truths are objects. So that one
    row has the type that the whole table had, the types of training are put on; a null stays the null it was there.
    """
    given = as_asked(table, annotation)
    if annotation != PANDAS:
        return given
    # What can't hold this table's nulls, or its numbers, stays as pandas made it.
    types = {
        name: dtype
        for name, dtype in typing.pandas.items()
        if name in given.columns
        and str(given.dtypes[name]) != dtype
        and not (table[name].null_count() and dtype.startswith(("int", "uint", "bool")))
        and not (table[name].dtype.is_numeric() and dtype_name(table[name].dtype) != typing.polars.get(name))
    }
    return given.astype(types) if types else given


def as_trained(table: "pl.DataFrame", typing: Typing, what: str, *, keep_others: bool = False) -> "pl.DataFrame":
    """These columns in training's order and types; `keep_others` leaves the further ones behind them.

    Numbers and times that training's type does not hold keep a wider one.

    Raises:
        StageError: a column is missing, or its values don't fit its type.
    """
    import polars as pl

    schema = table.schema  # made anew each time it is asked for
    trained = _types(tuple(typing.polars.items()))
    if schema == trained:
        return table
    columns = []
    for name, wanted in trained.items():
        dtype = typing.polars[name]
        if name not in schema:
            raise StageError(f"{what} has no column `{name}`.{near_miss(name, table.columns)}")
        try:
            columns.append(in_type(table[name], wanted))
        except pl.exceptions.PolarsError as error:
            raise StageError(
                f"{what}: column `{name}` is {schema[name]}, and was {dtype} in training: {error}"
            ) from error
    others = [table[name] for name in schema if name not in trained] if keep_others else []
    return pl.DataFrame([*columns, *others])


@lru_cache(maxsize=64)
def _types(named: tuple[tuple[str, str], ...]) -> "pl.Schema":
    import polars as pl

    return pl.Schema([(name, dtype_named(dtype)) for name, dtype in named])
