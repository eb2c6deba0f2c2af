"""A body of truths in; them in the spool, and what became of each, out."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slipway.errors import OutsideError
from slipway.journal import Given, SpoolWriter, record_truths
from slipway.journal.label_type import LabelType
from slipway.serve.http.refusal import Refusal, unavailable
from slipway.serve.rows import MAX_PROBLEMS
from slipway.storage.seams import Journal

KEYS = ("id", "truth", "correct")


@dataclass(frozen=True, slots=True)
class FeedbackPlaces:
    """Where truths are looked up and kept."""

    journal: Journal | None
    """None while it is known to be away."""
    spool: Path
    writer: SpoolWriter


def give_feedback(places: FeedbackPlaces, body: Any, source: str, wanted: LabelType) -> dict[str, Any]:
    """Keep the truths of a body, all or none of them, as told by `source`.

    While the journal is away they are kept unchecked, in the spool.

    Args:
        wanted: what can be true of the live version's predictions.

    Raises:
        Refusal: 422 for what is no truth, 404 for an unknown id, 409 for a truth that contradicts the one kept and does
            not say `"correct": true`, or corrects another caller's; 503 when the disk is away.
    """
    is_single = isinstance(body, dict)
    items = [body] if is_single else body
    if not isinstance(items, list):
        raise Refusal(422, 'Send {"id": …, "truth": …}, or a list of such objects.')
    problems: list[dict[str, Any]] = []
    given = [_given(row, item, wanted, problems) for row, item in enumerate(items)]
    if problems:
        raise Refusal(422, problems[:MAX_PROBLEMS])
    taken = [item for item in given if item is not None]
    try:
        outcomes = record_truths(
            places.journal,
            places.spool,
            places.writer,
            taken,
            source=source,
            may_be_away=True,
        )
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
    others = [item.id for item, outcome in zip(taken, outcomes, strict=True) if outcome == "not theirs"]
    if others:
        raise Refusal(
            409,
            f"Another caller's truth is kept of {others[0]!r}{_and_more(others)}: only they, or somebody at the "
            "machine with `slipway feedback FILE --correct`, correct it. Nothing was kept.",
        )
    told = [{"id": item.id, "outcome": outcome} for item, outcome in zip(taken, outcomes, strict=True)]
    return told[0] if is_single else {"feedback": told}


def _given(row: int, item: Any, wanted: LabelType, problems: list[dict[str, Any]]) -> Given | None:
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
    label = wanted.take(truth)
    if label is None:
        problem("truth", f"a label of the type that the model predicts: {wanted.expected()}")
    extra = sorted(set(item) - set(KEYS))
    if extra:
        problem(extra[0][:60], f"only {', '.join(KEYS)}")
    if label is None or len(problems) > before:
        return None
    return Given(str(key), label, bool(is_correction))


def _and_more(ids: list[str]) -> str:
    return f" and {len(ids) - 1} more" if len(ids) > 1 else ""
