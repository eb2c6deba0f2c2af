"""Which of a prediction's truths counts, and whose truth somebody may correct. Pure."""

from collections.abc import Iterable

from slipway.journal.shares import USER
from slipway.records import Truth


def counting(truths: Iterable[Truth]) -> dict[str, Truth]:
    """Of each prediction's truths the one that counts: the first that came, or the last that corrects it.

    Another that says nothing of a correction, and a correction by somebody who may not correct, are refused when they
    come, unless the journal is away then: they are kept, and count for nothing.
    """
    found: dict[str, Truth] = {}
    for truth in sorted(truths, key=moment):  # they come from several spool segments
        known = found.get(truth.prediction_id)
        if known is None or (truth.is_correction and may_correct(truth.source, known.source)):
            found[truth.prediction_id] = truth
    return found


def may_correct(source: str, of: str) -> bool:
    """Whether a source may correct a truth of another one's: only who is at this machine, who can change all anyway.

    What a caller corrects is its own: else it could take over others' labels, and would count as their only source.
    """
    return source == of or source.startswith(USER)


def moment(truth: Truth) -> float:
    """When a truth was given, as Unix time."""
    return truth.at
