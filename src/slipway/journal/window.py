"""The journal, and the spool where it matters, in; predictions of a stretch of time, truths and single answers out."""

import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway.errors import OutsideError
from slipway.journal import segment
from slipway.journal.corrections import counting, moment
from slipway.journal.spool import read_spool
from slipway.records import Prediction, Truth
from slipway.storage.clock import latest_moment
from slipway.storage.seams import Journal

if TYPE_CHECKING:
    import polars as pl

_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class Found:
    """A journalled answer with the truths that came for it, oldest first."""

    prediction: Prediction
    truths: tuple[Truth, ...]

    @property
    def truth(self) -> Truth | None:
        """The one that counts; None where none came."""
        return counting(self.truths).get(self.prediction.id)


def read_window(
    journal: Journal, *, last: int | None = None, hours: float | None = None, version: int | None = None
) -> list[Prediction]:
    """The last `last` predictions that came, or those of the last `hours`, oldest first; failed rows included.

    Given both, the newest `last` among those of the last `hours`. What a clock that was ahead has dated into the future
    is of no hours, and has its place among those that came.

    Raises:
        ValueError: neither is given.
    """
    if hours is not None:
        window = journal.since(time.time() - hours * 3600, until=latest_moment(), version=version)
        return window if last is None else window[max(0, len(window) - last) :]
    if last is None:
        raise ValueError("a window is a number of rows or of hours")
    return journal.last(last, version=version)


def labelled(journal: Journal) -> list[tuple[Prediction, Truth]]:
    """Every prediction whose truth is known, with the truth that counts; in the order in which truths first came."""
    return list(chain.from_iterable(labelled_parts(journal)))


def labelled_parts(journal: Journal) -> Iterator[list[tuple[Prediction, Truth]]]:
    """The same a part at a time."""
    for truths in truth_parts(journal):
        predictions = journal.find(list(truths))
        yield [(predictions[key], truth) for key, truth in truths.items() if key in predictions]


def truth_parts(journal: Journal) -> Iterator[dict[str, Truth]]:
    """The truth that counts of each prediction that has one, whether that is here or not, a part at a time."""
    known: set[str] = set()
    for part in journal.truth_parts(_AT_ONCE):
        ids = [key for key in dict.fromkeys(truth.prediction_id for truth in part) if key not in known]
        known.update(ids)
        found = counting(journal.truths(ids))
        yield {key: found[key] for key in ids if key in found}


def truths_of(journal: Journal, predictions: Iterable[Prediction]) -> dict[str, Truth]:
    """The truth that counts of each of these predictions that has one; what others have is not read."""
    return counting(journal.truths([prediction.id for prediction in predictions]))


def export(journal: Journal) -> "pl.DataFrame":
    """Every journalled prediction as a row, oldest first: what it was, its latest truth, and the columns of its row.

    A column of the row whose name is one of the journal's own is called `row.NAME`. One that holds values of several
    types, or lists and objects, as a field that nothing uses may, is text.
    """
    import polars as pl

    truths = {key: truth.truth for part in truth_parts(journal) for key, truth in part.items()}
    rows = []
    for p in sorted(chain.from_iterable(journal.parts(_AT_ONCE)), key=attrgetter("at")):
        known = {
            "id": p.id,
            "at": datetime.fromtimestamp(p.at, UTC),
            "version": p.version,
            "prediction": p.prediction,
            "truth": truths.get(p.id),
            "error": p.error,
            "latency_ms": p.latency_ms,
        }
        rows.append(known | {f"row.{name}" if name in known else name: value for name, value in p.row.items()})
    names = dict.fromkeys(name for row in rows for name in row)
    return pl.DataFrame([_column(name, [row.get(name) for row in rows]) for name in names] or {"id": []})


def find(journal: Journal, spool: Path, ids: Sequence[str]) -> dict[str, Found]:
    """Answers by id with their truths, whether they were shipped or still wait in the spool; unknown ids are absent.

    Raises:
        OutsideError: the journal is away, and not everything asked for is in the spool.
    """
    # The spool first: what is shipped between the two readings is then found in the journal.
    waiting, late = _waiting(spool, ids)
    try:
        shipped = journal.find([key for key in dict.fromkeys(ids) if key not in waiting])
        truths = journal.truths([*waiting, *shipped])
    except OutsideError:
        if len(waiting) < len(set(ids)):
            raise
        shipped, truths = {}, []
    return _found(waiting | shipped, [*truths, *late])


def find_waiting(spool: Path, ids: Sequence[str]) -> dict[str, Found]:
    """The same of what waits in the spool alone."""
    return _found(*_waiting(spool, ids))


def _waiting(spool: Path, ids: Sequence[str]) -> tuple[dict[str, Prediction], list[Truth]]:
    wanted = set(ids)
    predictions, truths = segment.predictions_and_truths(read_spool(spool, wanted))
    return {prediction.id: prediction for prediction in predictions if prediction.id in wanted}, truths


def _found(predictions: Mapping[str, Prediction], truths: Iterable[Truth]) -> dict[str, Found]:
    once = {truth.id: truth for truth in truths}
    given: dict[str, list[Truth]] = {key: [] for key in predictions}
    for truth in sorted(once.values(), key=moment):
        if truth.prediction_id in given:
            given[truth.prediction_id].append(truth)
    return {key: Found(prediction, tuple(given[key])) for key, prediction in predictions.items()}


def _column(name: str, values: list[Any]) -> "pl.Series":
    import polars as pl

    kinds = {type(value) for value in values if value is not None}
    try:
        if kinds == {int, float}:
            return pl.Series(name, [None if value is None else float(value) for value in values])
        if len(kinds) <= 1 and not kinds & {dict, list}:
            return pl.Series(name, values)
    except (TypeError, OverflowError, pl.exceptions.PolarsError):  # whole numbers beyond any type
        pass
    return pl.Series(name, [_text(value) for value in values], dtype=pl.String)


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)
