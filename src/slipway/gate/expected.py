"""A loaded bundle → the first of its examples that it answers otherwise than when it was registered."""

import math
from typing import Any

from slipway.errors import BundleError
from slipway.model.score import Scorer

TOLERANCE = 1e-9
"""Batched and single rows differ in the last bits."""


def check_examples(scorer: Scorer) -> int:
    """Score the rows that a bundle carries and hold the answers against the ones it was registered with.

    Returns:
        How many rows that were.

    Raises:
        BundleError: an answer differs, in a label or by more than 1e-9.
    """
    rows, expected = scorer.bundle.examples()
    if not rows:
        return 0
    scores = scorer.score_rows(rows)
    for i, answer in enumerate(expected):
        given = scores.probabilities[i] if scores.probabilities is not None else None
        if not agree(scores.predictions[i], answer["prediction"]) or not agree(given, answer.get("probabilities")):
            said = scores.errors[i] or f"{scores.predictions[i]!r} ({given})"
            raise BundleError(
                f"{scorer.bundle.folder}: example {i} is answered with {said}, not with {answer['prediction']!r} "
                f"({answer.get('probabilities')}) as when it was registered. Are other versions of the libraries "
                "installed here?"
            )
    return len(rows)


def agree(given: Any, expected: Any) -> bool:
    """Whether two answers are the same: labels equal, numbers within 1e-9, probabilities by class."""
    if isinstance(given, dict) and isinstance(expected, dict):
        return given.keys() == expected.keys() and all(agree(given[key], expected[key]) for key in given)
    if isinstance(given, float) or isinstance(expected, float):
        if not isinstance(given, int | float) or not isinstance(expected, int | float):
            return False
        is_same_nan = math.isnan(given) and math.isnan(expected)
        return is_same_nan or math.isclose(given, expected, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    return bool(given == expected)
