"""A candidate → whether rows scored together are answered as each alone: its examples, and extremes of them."""

from typing import Any

from slipway.model.answers import Scores
from slipway.model.score import Scorer
from slipway.release.expected import agree
from slipway.release.lines import Line

CHECK = "batch and single rows"
ASKED = "the same answers, within 1e-9"
MOST_EXAMPLES = 12
MOST_EXTREMES = 24
"""A row alone costs milliseconds, and a table can have hundreds of columns."""

_LARGE = 10**12
_EXTREMES: dict[str, tuple[Any, ...]] = {
    "text": ("001", "a category that no training row has"),
    "integer": (_LARGE, -_LARGE),
    "number": (float(_LARGE), -float(_LARGE)),
    "boolean": (True, False),
}


def batch_is_single(candidate: Scorer) -> Line:
    """Score rows one by one, then those that were answered as one batch. Rows that fail alone are counted."""
    rows = _rows(candidate)
    if not rows:
        return Line(CHECK, ASKED, "the bundle carries no example", "cannot tell")
    table = candidate.bundle.schema.table(rows)
    alone = Scores.joined([candidate.score(table[i]) for i in range(table.height)])
    answered = [i for i, error in enumerate(alone.errors) if error is None]
    if not answered:
        return Line(CHECK, ASKED, f"none of {len(rows)} rows can be answered: {alone.errors[0]}", "failed")
    # Without the rows that fail: with one of them a batch falls back to single rows, and nothing would be compared.
    together = candidate.score(table[answered])
    for k, i in enumerate(answered):
        if not agree(_answer(together, k), _answer(alone, i)):
            shown = f"{rows[i]}: {_shown(together, k)} in a batch, {_shown(alone, i)} alone"
            return Line(CHECK, ASKED, shown, "failed")
    failed = len(rows) - len(answered)
    first = next((error for error in alone.errors if error is not None), "")
    counted = f"; {failed} more can't be answered, the first: {first}" if failed else ""
    return Line(CHECK, ASKED, f"{len(answered)} rows agree, examples and extremes{counted}", "passed")


def _rows(candidate: Scorer) -> list[dict[str, Any]]:
    """The examples, and for each column the first of them with an extreme in that column."""
    schema = candidate.bundle.schema
    examples = [dict(row) for row in candidate.bundle.examples()[0]]
    extremes = []
    for column in schema.columns if examples else ():
        values = [value for kind in column.types for value in _EXTREMES.get(kind, ())]
        extremes += [{**examples[0], column.name: value} for value in [*values, *([None] if column.nullable else [])]]
    rows = [*_spread(examples, MOST_EXAMPLES), *_spread(extremes, MOST_EXTREMES)]
    wrong = {problem.row for problem in schema.problems(rows)}  # such as a number beyond an 8-bit column
    return [row for i, row in enumerate(rows) if i not in wrong]


def _spread(rows: list[dict[str, Any]], most: int) -> list[dict[str, Any]]:
    """So many of them, evenly over the list."""
    return rows if len(rows) <= most else [rows[i * len(rows) // most] for i in range(most)]


def _answer(scores: Scores, i: int) -> dict[str, Any]:
    given = scores.probabilities[i] if scores.probabilities is not None else None
    return {"prediction": scores.predictions[i], "probabilities": given, "failed": scores.errors[i] is not None}


def _shown(scores: Scores, i: int) -> str:
    return scores.errors[i] or repr(_answer(scores, i)["prediction"])
