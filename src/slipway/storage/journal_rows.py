"""Rows of a journal's tables as records, checked: a row that can't be read is told apart, whatever is in it."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from slipway.records import Prediction, Truth

MAX_DEPTH = 256
"""So many levels of lists and objects a journalled row may have; no reader's stack is too deep for them."""

_FIRST_TIME, _LAST_TIME = -62_135_596_800.0, 253_402_300_799.0  # of the years 1 and 9999, which a calendar has
_INT64 = 2**63
_NUMBERS = frozenset((int, float))
_LABELS = frozenset((str, int, float, bool))
_decode = json.JSONDecoder().raw_decode
_TOKENS = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[\[{\]}]', re.DOTALL)

Row = Sequence[Any]
Record = TypeVar("Record", Prediction, Truth)
Unreadable = list[tuple[Row, str]]
"""Rows that can't be read, each with why."""


class UnreadableRecord(ValueError):
    """A record of the journal that can't be read; its message says why, without a value of it."""


def read_prediction(row: Row) -> Prediction:
    """A row of id, at, version, row, prediction, probabilities, latency_ms and error as a prediction.

    Raises:
        UnreadableRecord: it is damaged, nested too deeply, or of another shape.
    """
    key, at, version, values, prediction, probabilities, latency_ms, error = row
    return checked_prediction(
        Prediction(key, at, version, load(values), load(prediction), load(probabilities), latency_ms, error)
    )


def read_truth(row: Row) -> Truth:
    """A row of id, prediction_id, at, truth, source and is_correction as a truth. Raises as `read_prediction`."""
    key, prediction_id, at, truth, source, is_correction = row
    return checked_truth(Truth(key, prediction_id, at, load(truth), source, bool(is_correction)))


def read_rows(rows: Iterable[Row], read: Callable[[Row], Record]) -> tuple[list[Record], Unreadable]:
    """Read rows that end in their sequence number; the records, and the rows that can't be read, each with why."""
    records: list[Record] = []
    unreadable: Unreadable = []
    for row in rows:
        try:
            records.append(read(row[:-1]))
        except UnreadableRecord as error:
            unreadable.append((row, str(error)))
    return records, unreadable


def read_whole(
    ask: Callable[[], Sequence[Row]], read: Callable[[Row], Record], set_aside: Callable[[Unreadable], bool]
) -> list[Record]:
    """Read what a query gives. It is asked again for what takes the place of rows that were set aside."""
    while True:
        records, unreadable = read_rows(ask(), read)
        if not unreadable or not set_aside(unreadable):
            return records


def read_parts(
    ask: Callable[[int], Sequence[Row]], read: Callable[[Row], Record], set_aside: Callable[[Unreadable], bool]
) -> Iterator[list[Record]]:
    """Read a table a part at a time, setting aside what can't be read; `ask` gives the rows after a sequence number."""
    after = -1
    while found := ask(after):
        after = found[-1][-1]
        records, unreadable = read_rows(found, read)
        if unreadable:
            set_aside(unreadable)
        if records:
            yield records


def load(text: Any) -> Any:
    """A value from its JSON, as `json.dumps` writes it.

    Raises:
        UnreadableRecord: it is none, or nested too deeply.
    """
    if not isinstance(text, str):
        raise UnreadableRecord("a value is no text")
    if len(text) > MAX_DEPTH and is_too_deep(text):
        raise UnreadableRecord(f"nested more than {MAX_DEPTH} levels deep")
    try:
        value, end = _decode(text)  # quicker than `json.loads`, which looks for white space first
        return value if end == len(text) else json.loads(text)
    except (ValueError, RecursionError):
        raise UnreadableRecord("a value is no JSON") from None  # the cause quotes it


def is_too_deep(text: str, most: int = MAX_DEPTH) -> bool:
    """Whether a JSON text has more than so many levels of lists and objects; linear in its length, on any stack."""
    if text.count("[") + text.count("{") <= most:
        return False
    depth = 0
    for token in _TOKENS.finditer(text):
        sign = token[0]
        if sign in "[{":
            depth += 1
            if depth > most:
                return True
        elif sign in "]}":
            depth -= 1
    return False


def checked_prediction(p: Prediction) -> Prediction:
    """The prediction, if every reader and every database can take it.

    Raises:
        UnreadableRecord: it can't.
    """
    version: Any = p.version  # what is read need not be of the type that was written
    row: Any = p.row
    probabilities: Any = p.probabilities
    _check_common(p.id, p.at)
    if type(version) is not int or not -_INT64 <= version < _INT64:
        raise UnreadableRecord("its version is no number of a version")
    if type(row) is not dict:
        raise UnreadableRecord("its row is no object")
    if p.prediction is not None and type(p.prediction) not in _LABELS:
        raise UnreadableRecord("its prediction is no label")
    if probabilities is not None and not (type(probabilities) is dict and _are_numbers(probabilities.values())):
        raise UnreadableRecord("its probabilities are none")
    if type(p.latency_ms) not in _NUMBERS or (p.error is not None and type(p.error) is not str):
        raise UnreadableRecord("its latency or its error is of another type")
    return p


def checked_truth(t: Truth) -> Truth:
    """The truth, if every reader and every database can take it. Raises as `checked_prediction`."""
    _check_common(t.id, t.at)
    if type(t.prediction_id) is not str or type(t.source) is not str:
        raise UnreadableRecord("it does not say of which prediction it is, or whose")
    if type(t.truth) not in _LABELS:
        raise UnreadableRecord("its truth is no label")
    return t


def _are_numbers(values: Iterable[Any]) -> bool:
    return _NUMBERS.issuperset(map(type, values))


def _check_common(key: Any, at: Any) -> None:
    if type(key) is not str:
        raise UnreadableRecord("its id is no text")
    if type(at) not in _NUMBERS or not _FIRST_TIME <= at <= _LAST_TIME:  # which is not so of NaN
        raise UnreadableRecord("its time is none")
