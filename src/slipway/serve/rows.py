"""The bytes of a request's body in, rows that the live schema accepts out; anything else is refused with the reason."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from slipway.errors import BadRequest
from slipway.model.json_values import json_value
from slipway.model.schema import Problem, Schema
from slipway.serve.http.refusal import Refusal
from slipway.serve.personal import HIDDEN, NOTHING, Personal

MAX_ROWS = 100_000
MAX_PROBLEMS = 100
"""As many are told to the caller; a body of a hundred thousand wrong rows is answered as quickly as one of ten."""

_CHECKED_AT_ONCE = 1_000
_SHOWN_CHARACTERS = 200
_SHOWN_PROBLEMS = 3
"""Of one row that fails alone."""

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Rows:
    """What a request asks to be predicted."""

    rows: list[Row]
    is_single: bool
    """Whether it was one object, so that the answer is one too."""
    wrong: Mapping[int, str] = field(default_factory=dict)
    """What is wrong with rows that fail alone, by their place."""

    @property
    def right(self) -> list[Row]:
        """The rows to be scored."""
        return [row for place, row in enumerate(self.rows) if place not in self.wrong] if self.wrong else self.rows


def read_rows(value: Any, *, partial: bool = False, personal: Personal = NOTHING) -> Rows:
    """The rows of a body: one object, a list of objects, or columns (an object whose every value is a list).

    Args:
        partial: whether something in the list may be no object, and fails alone.
        personal: whether what is no object is repeated.

    Raises:
        Refusal: none of the three, or too many rows.
    """
    if isinstance(value, list):
        _check_count(len(value))
        return Rows(value if partial else _objects(value, personal), is_single=False)
    if not isinstance(value, dict):
        expected = "an object, a list of objects, or columns"
        raise Refusal(422, [_problem(None, None, personal.shown(value), expected)])
    if value and all(isinstance(column, list) for column in value.values()):
        return Rows(_from_columns(value), is_single=False)
    return Rows([value], is_single=True)


def ask_request(
    function: Callable[[Any], Any], value: Any, *, partial: bool = False, personal: Personal = NOTHING
) -> Rows:
    """The rows that a project's own `request` function makes of a body.

    Args:
        partial: whether a row may be none: a `BadRequest` in its place, or something else, which fails alone.

    Raises:
        Refusal: it raised `BadRequest`, failed on this body, or gave no rows. The status is the standard one; the
            route puts its own in place.
    """
    name = getattr(function, "__name__", "request")
    try:
        made = _plain(function(value))
    except BadRequest as error:
        raise Refusal(422, str(error)) from error
    except Exception as error:  # the user's code met a body that it does not expect: the caller's error, not ours
        reason = personal.reason(f"{type(error).__name__}: {error}")
        raise Refusal(422, f"`{name}` can't read this body: {reason}") from error
    if isinstance(made, dict):
        return Rows([made], is_single=True)
    if not isinstance(made, list) or not (partial or all(isinstance(row, dict) for row in made)):
        raise Refusal(422, f"`{name}` made no rows of this body: it gave {type(made).__name__}, not a dict or a list.")
    _check_count(len(made))
    return Rows(made, is_single=False)


def _plain(made: Any) -> Any:
    """What a `request` function gave, in JSON's types: a project's rows may hold NumPy's numbers, or be a table."""
    if isinstance(made, list | tuple):
        return [each if isinstance(each, BadRequest) else json_value(each) for each in made]
    return json_value(made)


def check(asked: Rows, schema: Schema, personal: Personal = NOTHING) -> None:
    """Hold rows against the schema of what the first online stage takes; columns without a name get the schema's.

    A null where the model takes none is a problem of a row that comes alone; of several, that row fails when they are
    scored, and the others are answered.

    Args:
        personal: the columns whose values are not repeated.

    Raises:
        Refusal: 422 with row, field, value and expectation of each problem, up to MAX_PROBLEMS of them.
    """
    rows, problems = asked.rows, list[dict[str, Any]]()
    rows[:] = schema.with_names(rows)
    for start in range(0, len(rows), _CHECKED_AT_ONCE):
        part = rows[start : start + _CHECKED_AT_ONCE]
        found = schema.problems(part, passes_nulls=not asked.is_single)
        problems += details(found[:MAX_PROBLEMS], personal, schema.names, start)
        if len(problems) >= MAX_PROBLEMS:
            break
    if problems:
        raise Refusal(422, problems[:MAX_PROBLEMS])


def details(
    problems: Sequence[Problem], personal: Personal, names: Collection[str] | None = None, start: int = 0
) -> list[dict[str, Any]]:
    """What a refusal says of problems, without the values that are repeated to nobody.

    Args:
        names: the fields that a row has; those of the problems, if not given.
        start: the place of the first row in the request.
    """
    known = names if names is not None else [problem.field for problem in problems]
    return [_told(problem, start) for problem in personal.problems(problems, known)]


def apart(asked: Rows, schema: Schema, personal: Personal = NOTHING) -> Rows:
    """The same rows, with what is wrong with each held against it alone."""
    wrong = {
        place: str(row) if isinstance(row, BadRequest) else _no_object(personal.shown(row))
        for place, row in enumerate(asked.rows)
        if not isinstance(row, dict)
    }
    places = [place for place in range(len(asked.rows)) if place not in wrong]
    for place, row in zip(places, schema.with_names([asked.rows[place] for place in places]), strict=True):
        asked.rows[place] = row
    found: dict[int, list[str]] = {}
    for problem in personal.problems(schema.problems([asked.rows[place] for place in places]), schema.names):
        found.setdefault(places[problem.row], []).append(_problem(None, *_rest(problem))["message"])
    wrong |= {place: "; ".join(messages[:_SHOWN_PROBLEMS]) for place, messages in found.items()}
    return Rows(asked.rows, asked.is_single, wrong)


def _no_object(value: Any) -> str:
    told: str = _problem(None, None, value, "an object")["message"]
    return told


def _objects(values: list[Any], personal: Personal) -> list[Row]:
    wrong = [(index, value) for index, value in enumerate(values) if not isinstance(value, dict)]
    if wrong:
        told = [_problem(index, None, personal.shown(value), "an object") for index, value in wrong[:MAX_PROBLEMS]]
        raise Refusal(422, told)
    return values


def _from_columns(columns: dict[str, list[Any]]) -> list[Row]:
    lengths = {name: len(column) for name, column in columns.items()}
    count = max(lengths.values())
    _check_count(count)
    uneven = [
        _problem(None, name, length, f"{count} values, as the longest column has")
        for name, length in lengths.items()
        if length != count
    ]
    if uneven:
        raise Refusal(422, uneven[:MAX_PROBLEMS])
    names = list(columns)
    return [dict(zip(names, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _check_count(count: int) -> None:
    if count > MAX_ROWS:
        raise Refusal(413, f"{count:,} rows in one request; at most {MAX_ROWS:,}. Send them in several.")


def _told(problem: Problem, start: int) -> dict[str, Any]:
    return _problem(problem.row + start, *_rest(problem))


def _rest(problem: Problem) -> tuple[str, Any, str]:
    return problem.field, problem.value, problem.expected


def _problem(row: int | None, field: str | None, value: Any, expected: str) -> dict[str, Any]:
    shown = None if value is HIDDEN else _shortened(value)
    wanted = expected.removesuffix("; the field is missing")
    where = " ".join(part for part in (f"row {row}" if row else "", f"`{field}`" if field else "") if part)
    untold = "another value, which is personal" if field else "something else, which may be personal"
    got = untold if value is HIDDEN else _as_json(shown)
    if wanted != expected:
        told = f"the field is missing; expected {wanted}"
    else:
        told = expected if expected.startswith("no such field") else f"expected {expected}, got {got}"
    message = f"{where or 'the body'}: {told}"
    return {"row": row, "field": field, "value": shown, "expected": expected, "message": message}


def _shortened(value: Any) -> Any:
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, dict | list):  # not written out: it may be large, or nested as deep as JSON goes
        return f"{'an object' if isinstance(value, dict) else 'a list'} of {len(value)}"
    text = value if isinstance(value, str) else str(value)
    if len(text) <= _SHOWN_CHARACTERS:
        return value
    return text[:_SHOWN_CHARACTERS] + "…"


def _as_json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
