"""A candidate → whether rows scored together are answered as each alone: its examples, and extremes of them.

The examples were answered one by one when the bundle was made, so that only the extremes have to be asked alone here.
"""

from typing import Any

from slipway.gate.expected import agree
from slipway.gate.lines import Line
from slipway.model.answers import Scores
from slipway.model.schema import Schema
from slipway.model.score import Scorer

CHECK = "batch and single rows"
ASKED = "the same answers, within 1e-9"
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
    """Hold the answers of one batch against those of its rows alone. Rows that fail alone are counted."""
    examples, expected = candidate.bundle.examples()
    if not examples:
        return Line(CHECK, ASKED, "the bundle carries no example", "cannot tell", "", "test rows to take examples from")
    extremes = _extremes(candidate.bundle.schema, examples[0])
    table = candidate.bundle.schema.table([*examples, *extremes])
    alone = [candidate.score(table[i]) for i in range(len(examples), table.height)]
    singly = [*expected, *(_answer(scores, 0) for scores in alone)]
    errors = [*(None for _ in examples), *(scores.errors[0] for scores in alone)]
    answered = [i for i, error in enumerate(errors) if error is None]
    # Without the rows that fail: with one of them a batch falls back to single rows, and nothing would be compared.
    together = candidate.score(table[answered])
    for k, i in enumerate(answered):
        given = _answer(together, k)
        if together.errors[k] is not None or not all(agree(given[key], singly[i].get(key)) for key in given):
            said = together.errors[k] or repr(given["prediction"])
            row = [*examples, *extremes][i]
            shown = f"{row}: {said} in a batch, {singly[i]['prediction']!r} alone"
            return Line(CHECK, ASKED, shown, "failed", "", "stages and a model that take each row by itself")
    failed = len(errors) - len(answered)
    first = next((error for error in errors if error is not None), "")
    counted = f"; {failed} more are refused both ways, the first: {first}" if failed else ""
    said = f"{len(answered)} rows agree, {len(answered) - len(examples)} of them made up of extremes{counted}"
    return Line(CHECK, ASKED, said, "passed", "", "a row answered otherwise in a batch fails")


def _extremes(schema: Schema, example: dict[str, Any]) -> list[dict[str, Any]]:
    """For each column the example with an extreme in it."""
    extremes = []
    for column in schema.columns:
        values = [value for kind in column.types for value in _EXTREMES.get(kind, ())]
        extremes += [{**example, column.name: value} for value in [*values, *([None] if column.nullable else [])]]
    rows = _spread(extremes, MOST_EXTREMES)
    wrong = {problem.row for problem in schema.problems(rows)}  # such as a number beyond an 8-bit column
    return [row for i, row in enumerate(rows) if i not in wrong]


def _spread(rows: list[dict[str, Any]], most: int) -> list[dict[str, Any]]:
    """So many of them, evenly over the list."""
    return rows if len(rows) <= most else [rows[i * len(rows) // most] for i in range(most)]


def _answer(scores: Scores, i: int) -> dict[str, Any]:
    given = scores.probabilities[i] if scores.probabilities is not None else None
    return {"prediction": scores.predictions[i], "probabilities": given}
