"""The journal, and the spool where it matters, in; predictions of a stretch of time, truths and single answers out."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway.journal import segment
from slipway.journal.spool import read_spool
from slipway.records import Prediction, Truth
from slipway.storage.seams import Journal

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class Found:
    """A journalled answer with the truths that came for it, oldest first."""

    prediction: Prediction
    truths: tuple[Truth, ...]


def read_window(
    journal: Journal, *, last: int | None = None, hours: float | None = None, version: int | None = None
) -> list[Prediction]:
    """The newest `last` predictions, or those of the last `hours`, oldest first; failed rows included.

    Given both, the newest `last` among those of the last `hours`.

    Raises:
        ValueError: neither is given.
    """
    if hours is not None:
        window = journal.since(time.time() - hours * 3600, version=version)
        return window if last is None else window[max(0, len(window) - last) :]
    if last is None:
        raise ValueError("a window is a number of rows or of hours")
    return journal.last(last, version=version)


def labelled(journal: Journal) -> list[tuple[Prediction, Truth]]:
    """Every prediction whose truth is known, with the newest truth; in the order in which truths first came."""
    truths: dict[str, Truth] = {}
    for truth in sorted(journal.truths(), key=_when):  # they come from several spool segments
        truths[truth.prediction_id] = truth
    predictions = journal.find(list(truths))
    return [(predictions[key], truth) for key, truth in truths.items() if key in predictions]


def export(journal: Journal) -> "pl.DataFrame":
    """Every journalled prediction as a row, oldest first: what it was, its latest truth, and the columns of its row.

    A column of the row whose name is one of the journal's own is called `row.NAME`. One that holds values of several
    types, or lists and objects, as a field that nothing uses may, is text.
    """
    import polars as pl

    truths = {truth.prediction_id: truth.truth for truth in sorted(journal.truths(), key=_when)}
    rows = []
    for p in journal.since(0.0):
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


def find(journal: Journal, folder: Path, ids: Sequence[str]) -> dict[str, Found]:
    """Answers by id with their truths, whether they were shipped or still wait in the spool; unknown ids are absent.

    Raises:
        OutsideError: the journal is away, and not everything asked for is in the spool.
    """
    wanted = set(ids)
    # The spool first: what is shipped between the two readings is then found in the journal.
    waiting, late = segment.predictions_and_truths(read_spool(folder))
    predictions = {p.id: p for p in waiting if p.id in wanted}
    predictions |= journal.find([key for key in wanted if key not in predictions])
    truths = {t.id: t for t in journal.truths(list(predictions))}
    truths |= {t.id: t for t in late if t.prediction_id in predictions}
    return {
        key: Found(prediction, tuple(sorted((t for t in truths.values() if t.prediction_id == key), key=_when)))
        for key, prediction in predictions.items()
    }


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


def _when(truth: Truth) -> float:
    return truth.at
