"""What a user's function gives, or asks for, in; a Polars table, or the kind of table that it asks for, out."""

from typing import TYPE_CHECKING, Any

from slipway.errors import StageError

if TYPE_CHECKING:
    import polars as pl


def as_table(value: Any, what: str) -> "pl.DataFrame":
    """A Polars or pandas table as a Polars one.

    Raises:
        StageError: it is neither.
    """
    import polars as pl

    if isinstance(value, pl.DataFrame):
        return value
    if isinstance(value, pl.LazyFrame):
        return value.collect()
    if _is_pandas(value):
        try:
            table: pl.DataFrame = pl.from_pandas(value)
            return table
        except (TypeError, ValueError, pl.exceptions.PolarsError) as error:
            raise StageError(f"{what}: this pandas table can't be kept as Parquet: {error}") from error
    raise StageError(f"{what} is promised as a table, but {type_name(value)} came: give a Polars or pandas DataFrame.")


def _is_pandas(value: Any) -> bool:
    # Asked by name: importing pandas to look would cost half a second in a project that has none.
    return type(value).__module__.split(".")[0] == "pandas" and type(value).__name__ == "DataFrame"


def without_nan(table: "pl.DataFrame") -> "pl.DataFrame":
    """The table with null for NaN, as a request has it: a file of Polars may hold both."""
    import polars.selectors as cs

    return table.with_columns(cs.float().fill_nan(None))


def as_asked(table: "pl.DataFrame", as_type: str | None) -> Any:
    """A Polars table as the annotation of who takes it asks: pandas, a lazy one, or as it is."""
    if as_type == "pandas.DataFrame":
        return table.to_pandas()
    return table.lazy() if as_type == "polars.LazyFrame" else table


def type_name(value: Any) -> str:
    kind = type(value)
    name = kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__.split('.')[0]} {kind.__name__}"
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"
