"""Columns put into training's types: those of a file as the values of a request are, and any where the type holds them.

The width in which training's file stored a column is no bound: what it can't hold stays in a wider type of its kind.
"""

import math
from datetime import date
from typing import TYPE_CHECKING, Any

from slipway.errors import DataError
from slipway.model.checks import checker, converter, expectation
from slipway.model.dtypes import ColumnType, RequestType, column_type, dtype_name, request_type

if TYPE_CHECKING:
    import polars as pl

_KINDS = {
    "text": "text",
    "integer": "whole numbers",
    "number": "numbers",
    "boolean": "true and false",
    "date": "dates",
    "datetime": "times",
}


def fits(series: "pl.Series", dtype: "pl.DataType") -> "pl.Series":
    """Return for each value of a column of numbers or times whether a type of its kind holds it; of a null, true."""
    import polars as pl

    if series.dtype == dtype or series.dtype == pl.Null:
        return pl.repeat(True, len(series), dtype=pl.Boolean, eager=True)
    if isinstance(dtype, pl.Datetime):
        held = series.cast(dtype, strict=False).cast(series.dtype) == series
    elif series.dtype.is_integer() and dtype.is_integer():
        held = series.cast(dtype, strict=False).is_not_null()
    else:
        series = series.cast(pl.Float64).fill_nan(None)
        held = _numbers_fit(series, dtype)
    return held.fill_null(False) | series.is_null()


def _numbers_fit(numbers: "pl.Series", dtype: "pl.DataType") -> "pl.Series":
    import polars as pl

    if isinstance(dtype, pl.Decimal):
        limit = 10.0 ** ((dtype.precision or 38) - dtype.scale) - 0.5 * 10.0**-dtype.scale  # above, it is rounded up
        inside = (numbers.abs() < limit).fill_null(False)
        held = numbers.zip_with(inside, pl.repeat(0.0, len(numbers), eager=True))
        return inside & (held.cast(dtype).cast(pl.Float64) == numbers)
    if dtype.is_integer():
        return numbers.cast(dtype, strict=False).cast(pl.Float64) == numbers
    return numbers.cast(dtype).is_finite() | numbers.is_infinite()  # single precision has of each what it leaves of it


def in_type(series: "pl.Series", dtype: "pl.DataType") -> "pl.Series":
    """Cast a column to training's type, or leave numbers and times wider where it does not hold them all.

    Whole numbers then are 64 bits wide or more, other numbers double, with the digits that single precision leaves.

    Raises:
        polars.exceptions.PolarsError: a text or another value is none of the type.
    """
    import polars as pl

    if series.dtype == dtype:
        return series
    if isinstance(series.dtype, pl.Datetime) and isinstance(dtype, pl.Datetime):
        return series.cast(dtype) if fits(series, dtype).all() else series
    if not (series.dtype.is_numeric() and dtype.is_numeric()):
        return series.cast(dtype)
    numbers = series if series.dtype.is_integer() and dtype.is_integer() else series.cast(pl.Float64)
    if dtype.is_integer():
        numbers = numbers.fill_nan(None) if numbers.dtype.is_float() else numbers
        types = (dtype, pl.Int64(), pl.UInt64())
        return next((numbers.cast(each) for each in types if fits(numbers, each).all()), numbers)
    if dtype.is_decimal():
        numbers = numbers.fill_nan(None)
    held = fits(numbers, dtype)
    if held.all():
        return numbers.cast(dtype)
    return numbers.cast(dtype).cast(pl.Float64).zip_with(held, numbers) if dtype.is_float() else numbers


def whole_numbers(name: str, values: list[Any]) -> "pl.Series":
    """Make a column of Python's whole numbers, in the narrowest of Int64, UInt64 and Int128 that holds them."""
    import polars as pl

    known = [value for value in values if value is not None]
    low, high = min(known, default=0), max(known, default=0)
    if low >= -(2**63) and high < 2**63:
        return pl.Series(name, values, dtype=pl.Int64)
    return pl.Series(name, values, dtype=pl.UInt64 if low >= 0 else pl.Int128)


def as_requested(series: "pl.Series", types: tuple[str, ...], dtype: "pl.DataType") -> "pl.Series":
    """Convert a file's column exactly as the same values of a request are.

    Args:
        types: what a request may send, such as ("text", "number").
        dtype: training's type.

    Raises:
        DataError: a request with such values would be refused; the message names the column and a value.
    """
    import polars as pl

    if series.null_count() == len(series):
        return pl.Series(series.name, [None] * len(series), dtype=dtype)
    held = column_type(dtype_name(dtype))
    given = _form(series)
    if held.kind == given == "text":
        return _texts(series, types, held).cast(dtype)
    if series.dtype == dtype:
        return _without_nan(series)
    if _is_read_one_by_one(given, types, held):
        return _one_by_one(series, types, held, dtype)
    if not _is_taken(given, types):
        raise _other(series, given, types)
    _check_zone(series, held, types)
    if given == "date" and held.kind == "datetime":
        series = series.cast(pl.Datetime("us"))
    if given == "datetime" and held.kind == "date":
        return _midnights(series, types)
    if held.is_zoned and isinstance(dtype, pl.Datetime) and dtype.time_zone is not None:
        series = series.dt.convert_time_zone(dtype.time_zone)
    if isinstance(series.dtype, pl.Datetime):  # a request has microseconds
        return in_type(series.dt.cast_time_unit("us"), dtype)
    series = _without_nan(series)
    if held.kind == "integer":
        _check_whole(series, types)
    return in_type(series, dtype)


def _form(series: "pl.Series") -> RequestType:
    import polars as pl

    if isinstance(series.dtype, pl.Categorical | pl.Enum):
        return "text"
    return request_type(series.name, series.dtype)


def _is_taken(given: RequestType, types: tuple[str, ...]) -> bool:
    if given in types or (given == "integer" and "number" in types) or (given == "number" and "integer" in types):
        return True
    return (given, types) in (("date", ("datetime",)), ("datetime", ("date",)))


def _is_read_one_by_one(given: RequestType, types: tuple[str, ...], held: ColumnType) -> bool:
    """Whether texts are to be read as dates, or other values written as texts."""
    if held.kind == "text":
        return given != "text" and _is_taken(given, types)
    return given == "text" and held.kind in ("date", "datetime")


def _one_by_one(series: "pl.Series", types: tuple[str, ...], held: ColumnType, dtype: "pl.DataType") -> "pl.Series":
    import polars as pl

    check, convert = checker(types, True, held), converter(types, held)
    if series.dtype.is_decimal():
        series = series.cast(pl.Float64)
    if isinstance(series.dtype, pl.Categorical | pl.Enum):
        series = series.cast(pl.String)
    values = [v.isoformat() if isinstance(v, date) else v for v in _without_nan(series).to_list()]
    for value in values:
        if not check(value):
            raise DataError(f"column `{series.name}` holds {value!r}: expected {expectation(types, True, held)}.")
    made = [value if value is None or convert is None else convert(value) for value in values]
    if held.kind == "datetime":
        return in_type(pl.Series(series.name, made, dtype=pl.Datetime("us", getattr(dtype, "time_zone", None))), dtype)
    return pl.Series(series.name, made, dtype=dtype)


def _texts(series: "pl.Series", types: tuple[str, ...], held: ColumnType) -> "pl.Series":
    """Texts as they are. Of a column for numbers and truths that is kept as text, those that stand for such a value."""
    if "text" not in types:
        for value in series.to_list():
            if value is not None and not any(_stands_for(value, name, held) for name in types):
                raise DataError(f"column `{series.name}` holds {value!r}: expected {expectation(types, True, held)}.")
    return series


def _stands_for(text: str, kind: str, held: ColumnType) -> bool:
    if kind == "boolean":
        return text in ("true", "false")
    if kind in ("date", "datetime"):
        return checker((kind,), False, held)(text)
    try:
        return math.isfinite(float(text) if kind == "number" else int(text))
    except ValueError:
        return False


def _check_zone(series: "pl.Series", held: ColumnType, types: tuple[str, ...]) -> None:
    zone = getattr(series.dtype, "time_zone", None)
    given = _form(series)
    if given in ("date", "datetime") and held.kind == "datetime" and (zone is not None) != held.is_zoned:
        has = f"times of the zone {zone}" if zone is not None else f"{_KINDS[given]} without a zone"
        remedy = "Give them a zone" if held.is_zoned else "Give local times, as training's were, without one"
        raise DataError(
            f"column `{series.name}` holds {has} ({_first(series)}): expected {expectation(types, True, held)}. "
            f"{remedy}."
        )


def _midnights(series: "pl.Series", types: tuple[str, ...]) -> "pl.Series":
    """Dates that a library without a type for them keeps as their midnights."""
    import polars as pl

    dates = series.cast(pl.Date)
    if getattr(series.dtype, "time_zone", None) is not None or not (dates.cast(series.dtype) == series).all():
        raise _other(series, "datetime", types)
    return dates


def _check_whole(series: "pl.Series", types: tuple[str, ...]) -> None:
    import polars as pl

    check = checker(types, True, ColumnType("integer"))
    numbers = series if series.dtype.is_integer() else series.cast(pl.Float64)
    if not numbers.dtype.is_integer():
        broken = series.filter(((numbers != numbers.floor()) | numbers.is_infinite()).fill_null(False))
        if broken.len():
            raise DataError(f"column `{series.name}` holds {broken[0]}, where training had whole numbers.")
    for extreme in (numbers.min(), numbers.max()):
        if not check(extreme):
            raise DataError(f"column `{series.name}` holds {extreme!r}, a whole number beyond 64 bits.")


def _without_nan(series: "pl.Series") -> "pl.Series":
    return series.fill_nan(None) if series.dtype.is_float() else series


def _other(series: "pl.Series", given: RequestType, types: tuple[str, ...]) -> DataError:
    wanted = " or ".join(_KINDS[name] for name in types if name != "integer" or "number" not in types)
    shown = _first(_unlike_numbers(series) if given == "text" and {"integer", "number"} & {*types} else series)
    return DataError(f"column `{series.name}` holds {_KINDS[given]} ({shown}), where training had {wanted}.")


def _unlike_numbers(series: "pl.Series") -> "pl.Series":
    """The texts that are no number, which are why a column of numbers is one of texts; all, where each is a number."""
    import polars as pl

    texts = series.cast(pl.String)
    found = texts.filter(texts.is_not_null() & texts.cast(pl.Float64, strict=False).is_null())
    return found if found.len() else series


def _first(series: "pl.Series") -> str:
    values = series.drop_nulls()
    if not values.len():
        return "nulls alone"
    first = values[0]
    return f"such as {first}" if isinstance(first, date) else f"such as {first!r}"  # a datetime is a date too
