"""Column types: their names in a manifest ↔ what they hold, told without Polars ↔ Polars' own; words for a request."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from slipway.errors import BundleError, DataError

if TYPE_CHECKING:
    import polars as pl

RequestType = Literal["text", "integer", "number", "boolean", "date", "datetime"]

_DATETIME = re.compile(r"Datetime\(time_unit='(?P<unit>\w+)', time_zone=(?:None|'(?P<zone>[^']*)')\)")
_DECIMAL = re.compile(r"Decimal\(precision=(?P<precision>\d+), scale=(?P<scale>\d+)\)")
_NUMBER = re.compile(r"(?P<kind>U?Int|Float)(?P<bits>\d+)")
_PLAIN: dict[str, RequestType] = {"String": "text", "Categorical": "text", "Boolean": "boolean", "Date": "date"}


@dataclass(frozen=True, slots=True)
class ColumnType:
    """What a column holds, by its type's name alone: a service whose model needs no tables has no Polars to ask."""

    kind: RequestType
    bits: int = 64
    """Of a number."""
    is_signed: bool = True
    decimal: tuple[int, int] | None = None
    """Precision and scale of a decimal number."""
    is_zoned: bool = False
    """Whether a time has a zone."""

    @property
    def is_float(self) -> bool:
        return self.kind == "number" and self.decimal is None


@lru_cache(maxsize=256)
def column_type(name: str) -> ColumnType:
    """What a column of the type of that name holds.

    Raises:
        BundleError: there is no such type, or no request could carry it.
    """
    if (kind := _PLAIN.get(name)) is not None:
        return ColumnType(kind)
    if match := _NUMBER.fullmatch(name):
        kind = "number" if match["kind"] == "Float" else "integer"
        return ColumnType(kind, int(match["bits"]), is_signed=match["kind"] != "UInt")
    if match := _DECIMAL.fullmatch(name):
        return ColumnType("number", decimal=(int(match["precision"]), int(match["scale"])))
    if match := _DATETIME.fullmatch(name):
        return ColumnType("datetime", is_zoned=match["zone"] is not None)
    raise BundleError(f"`{name}` is not a column type that this Slipway knows: the bundle needs another.")


def dtype_name(dtype: "pl.DataType") -> str:
    """The type as Polars writes it. A column without any value, and an enumeration, are text to a request."""
    import polars as pl

    if dtype == pl.Null:
        return "String"
    # An enumeration cannot hold an unseen category, which has to be scored and counted: Categorical can.
    return "Categorical" if isinstance(dtype, pl.Enum) else str(dtype)


def dtype_named(name: str) -> "pl.DataType":
    """Polars' type of that name.

    Raises:
        BundleError: this version of Polars has no such type.
    """
    import polars as pl

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


def request_type(name: str, dtype: "pl.DataType") -> RequestType:
    """The word for a column's type in a request: text, integer, number, boolean, date or datetime.

    Raises:
        DataError: the type has no form in JSON that could be checked.
    """
    try:
        return column_type(dtype_name(dtype)).kind
    except BundleError:
        raise DataError(
            f"column `{name}` is of type {dtype}, which a request cannot carry: make it text, numbers, booleans or "
            "dates in the source."
        ) from None


def holding(dtype: "pl.DataType", types: tuple[str, ...]) -> "pl.DataType":
    """The training column's type if it holds all of these request types, else the narrowest one that does."""
    import polars as pl

    own = request_type("", dtype)
    others = {name for name in types if name not in ("null", own)}
    if not others or own == "text":
        return dtype
    if others | {own} == {"integer", "number"}:
        return dtype if own == "number" else pl.Float64()
    return pl.String()
