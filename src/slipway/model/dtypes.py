"""Polars' column types ↔ their names in a manifest, and the words that a request's schema has for them."""

import re

import polars as pl

from slipway.errors import BundleError, DataError

_DATETIME = re.compile(r"Datetime\(time_unit='(?P<unit>\w+)', time_zone=(?:None|'(?P<zone>[^']*)')\)")
_DECIMAL = re.compile(r"Decimal\(precision=(?P<precision>\d+), scale=(?P<scale>\d+)\)")


def dtype_name(dtype: pl.DataType) -> str:
    """The type as Polars writes it. A column without any value, and an enumeration, are text to a request."""
    if dtype == pl.Null:
        return "String"
    # An enumeration cannot hold an unseen category, which has to be scored and counted: Categorical can.
    return "Categorical" if isinstance(dtype, pl.Enum) else str(dtype)


def dtype_named(name: str) -> pl.DataType:
    """The type of that name.

    Raises:
        BundleError: this version of Polars has no such type.
    """
    if match := _DATETIME.fullmatch(name):
        return pl.Datetime(match["unit"], match["zone"])  # type: ignore[arg-type]
    if match := _DECIMAL.fullmatch(name):
        return pl.Decimal(int(match["precision"]), int(match["scale"]))
    found = getattr(pl, name, None)
    if not isinstance(found, type) or not issubclass(found, pl.DataType):
        raise BundleError(
            f"`{name}` is not a column type that Polars {pl.__version__} knows: the bundle needs another."
        )
    return found()


def request_type(name: str, dtype: pl.DataType) -> str:
    """The word for a column's type in a request: text, integer, number, boolean, date or datetime.

    Raises:
        DataError: the type has no form in JSON that could be checked.
    """
    if dtype in (pl.String, pl.Null, pl.Categorical) or isinstance(dtype, pl.Enum):
        return "text"
    if dtype.is_integer():
        return "integer"
    if dtype.is_float() or dtype.is_decimal():
        return "number"
    if dtype == pl.Boolean:
        return "boolean"
    if dtype == pl.Date:
        return "date"
    if isinstance(dtype, pl.Datetime):
        return "datetime"
    raise DataError(
        f"column `{name}` is of type {dtype}, which a request cannot carry: make it text, numbers, booleans or dates "
        "in the source."
    )


def holding(dtype: pl.DataType, types: tuple[str, ...]) -> pl.DataType:
    """The training column's type if it holds all of these request types, else the narrowest one that does."""
    own = request_type("", dtype)
    others = {name for name in types if name not in ("null", own)}
    if not others or own == "text":
        return dtype
    if others | {own} == {"integer", "number"}:
        return dtype if own == "number" else pl.Float64()
    return pl.String()
