"""Values that a project's own functions give, as JSON has them: NumPy's, pandas', Polars' and Python's own types."""

import base64
import dataclasses
import math
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import Any
from uuid import UUID

import msgspec
import numpy as np

MOST_DEPTH = 100
"""Of lists and objects in one another; a value that holds itself has no end."""

_PLAIN = frozenset({str, bool, type(None)})
_METHODS = ("model_dump", "tolist", "to_pylist", "as_py", "to_dict")
"""By which models, arrays and scalars of other libraries give Python's values."""


class NoJson(ValueError):
    """A value that JSON has no form for."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.path = ""
        """Where in the whole it stands, such as `['rows'][3]`."""

    def __str__(self) -> str:
        return f"{self.path or 'it'} {self.args[0]}"

    def within(self, key: Any) -> "NoJson":
        """The same, seen from what holds it."""
        self.path = f"[{key!r}]{self.path}"
        return self


def json_value(value: Any) -> Any:
    """Convert a value to what JSON holds: None, bool, int, float, str, list and dict.

    Scalars of NumPy, pandas and Polars become numbers, texts and booleans; their arrays, columns and indexes lists; a
    table a list of objects. Times, dates and durations are ISO 8601, a Decimal is a number, bytes are base64. What
    says "no value" in those libraries, NaN too, is null.

    Raises:
        NoJson: it is infinite, holds itself, or is of a type without such a form.
    """
    return _converted(value, 0)


def _converted(value: Any, depth: int) -> Any:
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind is float:
        return _number(value)
    if kind is int:
        return _whole(value)
    if depth > MOST_DEPTH:
        raise NoJson(f"is nested more than {MOST_DEPTH} deep, or holds itself")
    if kind is dict or isinstance(value, Mapping):
        return _object(value.items(), depth)
    if kind is list or kind is tuple:
        return _list(value, depth)
    library = _LIBRARIES.get(kind.__module__.partition(".")[0], _of_python)
    return library(value, depth)


def _object(items: Iterable[tuple[Any, Any]], depth: int) -> dict[str, Any]:
    made = {}
    for key, item in items:
        try:
            made[key if type(key) is str else _name(key)] = _converted(item, depth + 1)
        except NoJson as error:
            raise error.within(key) from None
    return made


def _list(items: Iterable[Any], depth: int) -> list[Any]:
    made: list[Any] = []
    for item in items:
        try:
            made.append(_converted(item, depth + 1))
        except NoJson as error:
            raise error.within(len(made)) from None
    return made


def _number(value: float) -> float | None:
    if math.isfinite(value):
        return value
    if math.isnan(value):
        return None
    raise NoJson(f"is {value}, and JSON has no infinity: give null, or a number that says what is meant")


def _whole(value: int) -> int:
    if -(2**63) <= value < 2**64:
        return value
    raise NoJson(f"is {value:.6g}, a whole number beyond 64 bits: give it as text, or as a float")


def _name(key: Any) -> str:
    found = _converted(key, MOST_DEPTH - 5)
    if found is None or isinstance(found, bool):
        return {None: "null", True: "true", False: "false"}[found]
    if isinstance(found, str | int | float):
        return str(found)
    raise NoJson(f"has a key of type {type(key).__qualname__}: the names in an object are texts")


def _of_python(value: Any, depth: int) -> Any:
    match value:
        case Enum():
            return _converted(value.value, depth + 1)
        case str():
            return str(value)
        case int():
            return _whole(int(value))
        case float() | Decimal():
            return _number(float(value))
        case date() | time() | timedelta() | UUID():  # a datetime is a date
            return msgspec.to_builtins(value)
        case PurePath():
            return str(value)
        case bytes() | bytearray() | memoryview():
            return base64.b64encode(value).decode()
    if isinstance(value, type):
        raise _no_form(value)
    if hasattr(value, "_asdict"):
        return _object(value._asdict().items(), depth)
    if (names := _fields(value)) is not None:
        return _object(((name, getattr(value, name)) for name in names), depth)
    for method in _METHODS:
        if callable(found := getattr(value, method, None)):
            return _converted(found(), depth + 1)
    if isinstance(value, Iterable):
        return _list(value, depth)
    raise _no_form(value)


def _fields(value: Any) -> list[str] | None:
    """The names of the fields of a dataclass, and of what is like one in attrs and msgspec."""
    if dataclasses.is_dataclass(value):
        return [field.name for field in dataclasses.fields(value)]
    if isinstance(value, msgspec.Struct):
        return list(value.__struct_fields__)
    attributes = getattr(type(value), "__attrs_attrs__", None)
    return None if attributes is None else [attribute.name for attribute in attributes]


def _of_numpy(value: Any, depth: int) -> Any:
    if type(value).__name__ == "MaskedConstant":
        return None
    if isinstance(value, np.ndarray):
        return _list(value, depth) if value.ndim else _converted(value[()], depth + 1)
    if isinstance(value, np.datetime64 | np.timedelta64):
        if np.isnat(value):
            return None
        unit = np.datetime_data(value.dtype)[0]
        found = (value.astype(f"{value.dtype.kind}8[us]") if unit in ("ns", "ps", "fs", "as") else value).item()
        return str(value) if isinstance(found, int) else msgspec.to_builtins(found)
    if isinstance(value, np.void):
        return _object(((name, value[name]) for name in value.dtype.names or ()), depth)
    if isinstance(value, np.floating):
        return _number(float(value))
    if isinstance(value, np.integer | np.bool_ | np.str_ | np.bytes_):
        return _converted(value.item(), depth + 1)
    raise _no_form(value)


def _of_polars(value: Any, depth: int) -> Any:
    if hasattr(value, "collect"):
        value = value.collect()
    for method in ("to_dicts", "to_list"):
        if hasattr(value, method):
            return _list(getattr(value, method)(), depth)
    raise _no_form(value)


def _of_pandas(value: Any, depth: int) -> Any:
    name = type(value).__name__
    if name in ("NAType", "NaTType"):
        return None
    if isinstance(value, datetime):  # its nanoseconds are dropped
        return msgspec.to_builtins(value.to_pydatetime(warn=False))  # type: ignore[attr-defined]
    if isinstance(value, timedelta):
        return msgspec.to_builtins(value.to_pytimedelta())  # type: ignore[attr-defined]
    if name == "DataFrame":
        return _list(value.to_dict("records"), depth)
    if name in ("Period", "Interval"):
        return str(value)
    if hasattr(value, "tolist"):  # a Series, an index, an array of its own
        return _list(value.tolist(), depth)
    raise _no_form(value)


_LIBRARIES: Mapping[str, Callable[[Any, int], Any]] = {
    "numpy": _of_numpy,
    "polars": _of_polars,
    "pandas": _of_pandas,
}
"""By the module of a value's type, so that no library is imported for those that it does not have."""


def _no_form(value: Any) -> NoJson:
    kind = value if isinstance(value, type) else type(value)
    shown = f"the class {kind.__qualname__}" if kind is value else f"of type {kind.__module__}.{kind.__qualname__}"
    return NoJson(f"is {shown}, which JSON has no form for")
