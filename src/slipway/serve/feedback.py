"""A body of truths in; them in the spool, and what became of each, out."""

import math
from typing import Any

from slipway.errors import OutsideError
from slipway.journal import Given, record_truths
from slipway.records import Label
from slipway.serve.rows import MAX_PROBLEMS, Refusal
from slipway.serve.service import Service, unavailable

KEYS = ("id", "truth", "correct")

_INT64 = 2**63
_LARGEST = 10**308


def give_feedback(service: Service, body: Any, source: str) -> dict[str, Any]:
    """Keep the truths of a body, all or none of them, as told by `source`.

    Raises:
        Refusal: 422 for what is no truth, 404 for an unknown id, 409 for a truth that contradicts the one kept and does
            not say `"correct": true`, 503 when journal or disk are away.
    """
    is_single = isinstance(body, dict)
    items = [body] if is_single else body
    if not isinstance(items, list):
        raise Refusal(422, 'Send {"id": …, "truth": …}, or a list of such objects.')
    wanted = _label_type(service)
    problems: list[dict[str, Any]] = []
    given = [_given(row, item, wanted, problems) for row, item in enumerate(items)]
    if problems:
        raise Refusal(422, problems[:MAX_PROBLEMS])
    taken = [item for item in given if item is not None]
    try:
        outcomes = record_truths(service.storage.journal, service.settings.spool, service.writer, taken, source=source)
    except OutsideError as error:
        raise unavailable(error) from error
    unknown = [item.id for item, outcome in zip(taken, outcomes, strict=True) if outcome == "unknown id"]
    if unknown:
        raise Refusal(404, f"No prediction has the id {unknown[0][:60]!r}{_and_more(unknown)}. Nothing was kept.")
    contradicting = [item.id for item, outcome in zip(taken, outcomes, strict=True) if outcome == "contradicts"]
    if contradicting:
        raise Refusal(
            409,
            f"Another truth is kept of {contradicting[0]!r}{_and_more(contradicting)}. "
            'If it was wrong, send "correct": true with the new one. Nothing was kept.',
        )
    told = [{"id": item.id, "outcome": outcome} for item, outcome in zip(taken, outcomes, strict=True)]
    return told[0] if is_single else {"feedback": told}


def _given(row: int, item: Any, wanted: tuple[type, ...], problems: list[dict[str, Any]]) -> Given | None:
    def problem(field: str | None, expected: str) -> None:
        problems.append({"row": row, "field": field, "value": None, "expected": expected})

    if not isinstance(item, dict):
        problem(None, 'an object with "id" and "truth"')
        return None
    key, truth, is_correction = item.get("id"), item.get("truth"), item.get("correct", False)
    before = len(problems)
    if not isinstance(key, str) or not key:
        problem("id", "the id of a prediction, a text")
    if type(is_correction) is not bool:
        problem("correct", "true or false")
    label = as_label(truth, wanted)
    if label is None:
        problem("truth", f"a label of the type that the model predicts: {' or '.join(t.__name__ for t in wanted)}")
    extra = sorted(set(item) - set(KEYS))
    if extra:
        problem(extra[0][:60], f"only {', '.join(KEYS)}")
    if label is None or len(problems) > before:
        return None
    return Given(str(key), label, bool(is_correction))


def as_label(truth: Any, wanted: tuple[type, ...]) -> Label | None:
    """A truth as one of the wanted types; None for what is none, or is more than a column can hold."""
    if isinstance(truth, float):
        if not math.isfinite(truth):
            return None
        if float not in wanted and int in wanted and truth.is_integer():
            truth = int(truth)
    # type(), not isinstance: true is an int in Python and no number to a caller.
    if type(truth) is int and not (int in wanted and -_INT64 <= truth < _INT64):
        # 1.0 as JavaScript writes it, or more than a column of whole numbers holds.
        return float(truth) if float in wanted and abs(truth) <= _LARGEST else None
    return truth if type(truth) in wanted else None


def _label_type(service: Service) -> tuple[type, ...]:
    """The Python types that a truth may have, so that it can be compared with what was predicted."""
    live = service.live.state.live
    if live is None:
        return (str, int, float, bool)
    manifest = live.scorer.bundle.manifest
    if manifest.kind == "regression":
        return (int, float)
    types = {type(label) for label in manifest.classes}
    return tuple(sorted(types, key=lambda t: t.__name__)) or (str, int, float, bool)


def _and_more(ids: list[str]) -> str:
    return f" and {len(ids) - 1} more" if len(ids) > 1 else ""
