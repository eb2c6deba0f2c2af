"""One column of a request: is this JSON value what the column holds, and what is it as a typed value?"""

import math
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from typing import Any

from slipway.model.dtypes import ColumnType

Check = Callable[[Any], bool]
Conversion = Callable[[Any], Any]

_LOWEST, _HIGHEST = -(2**63), 2**64 - 1
"""Of whole numbers in 64 bits, with and without a sign. How wide training's file stored them is no bound."""


def checker(types: tuple[str, ...], is_nullable: bool, held: ColumnType) -> Check:
    """Whether a value is of one of these types, exactly: true is no number, "3" is no number, 3.0 is an integer."""
    tests = [_check(name, held) for name in types]
    if len(tests) == 1:
        only = tests[0]
        return (lambda value: value is None or only(value)) if is_nullable else only
    return lambda value: is_nullable if value is None else any(test(value) for test in tests)


def converter(types: tuple[str, ...], held: ColumnType) -> Conversion | None:
    """The typed value of one that passed the check; None where it stands as it is."""
    match held.kind:
        case "text":
            return None if types == ("text",) else _as_text
        case "integer":
            return int
        case "number":
            return float
        case "date":
            return _as_date
        case "datetime":
            return lambda value: datetime.fromisoformat(value) if isinstance(value, str) else value
        case "boolean":
            return None


def expectation(types: tuple[str, ...], is_nullable: bool, held: ColumnType) -> str:
    """What a caller has to give, in words: "text, a number or null"."""
    words = [_WORDS[name] for name in types] + (["null"] if is_nullable else [])
    if held.is_zoned:
        words = [f"{word}+00:00" if word.startswith("a time") else word for word in words]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


_WORDS: Mapping[str, str] = {
    "text": "text",
    "integer": "a whole number",
    "number": "a finite number",
    "boolean": "true or false",
    "date": "a date such as 2026-01-31",
    "datetime": "a time such as 2026-01-31T12:00:00",
}


def _check(name: str, held: ColumnType) -> Check:
    if name == "datetime":
        return lambda value: _is_datetime(value, held.is_zoned)
    return _CHECKS[name]


def _is_text(value: Any) -> bool:
    if type(value) is not str:
        return False
    if value.isascii():
        return True
    try:
        value.encode()
    except UnicodeEncodeError:  # half of a surrogate pair: no UTF-8, so no table holds it
        return False
    return True


def _is_number(value: Any) -> bool:
    if type(value) is float:
        return math.isfinite(value)
    return type(value) is int and -(10**308) <= value <= 10**308


def _is_integer(value: Any) -> bool:
    # 3.0 is one, since JavaScript and pandas write whole numbers so.
    if type(value) is float:
        return value.is_integer() and _LOWEST <= value < _HIGHEST
    return type(value) is int and _LOWEST <= value <= _HIGHEST


def _is_boolean(value: Any) -> bool:
    return type(value) is bool


def _is_date(value: Any) -> bool:
    try:
        return _as_date(value) is not None
    except (ValueError, TypeError):
        return False


def _as_date(value: Any) -> date | None:
    """The date of a text or of a moment that is its midnight, as libraries without a type for dates write it."""
    if type(value) is date:
        return value
    moment = datetime.fromisoformat(value) if type(value) is str and len(value) >= 10 else value
    if type(moment) is not datetime or moment.tzinfo is not None or moment.time() != time():
        return None
    return moment.date()


def _is_datetime(value: Any, is_zoned: bool) -> bool:
    try:
        moment = datetime.fromisoformat(value) if type(value) is str else value
    except ValueError:
        return False
    return type(moment) is datetime and (moment.tzinfo is not None) == is_zoned


_CHECKS: Mapping[str, Check] = {
    "text": _is_text,
    "integer": _is_integer,
    "number": _is_number,
    "boolean": _is_boolean,
    "date": _is_date,
}


def _as_text(value: Any) -> str:
    """The shortest text of a number: 100.0 is "100", as a person would have written it in the file."""
    if type(value) is str:
        return value
    if type(value) is bool:
        return "true" if value else "false"
    if type(value) is float and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)
