"""A candidate's test rows, its answers and production's → the gate's lines on metrics."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from slipway.errors import DataError, near_miss
from slipway.model.answers import Scores
from slipway.model.score import Scorer
from slipway.project import Threshold
from slipway.project.facts import LOWER_IS_BETTER, ModelKind
from slipway.records import Label
from slipway.release.compare import Answers, paired
from slipway.release.lines import Line, number
from slipway.release.measure import CannotMeasure, measure

if TYPE_CHECKING:
    import polars as pl

MIN_ROWS = 30
"""With fewer rows a comparison is not told."""
ALPHA = 0.05


@dataclass(frozen=True, slots=True)
class MaxDrop:
    """How much worse than production a metric may be, in its own unit."""

    metric: str
    limit: float


@dataclass(frozen=True, slots=True)
class Quality:
    """A candidate on its own test rows."""

    rows: "pl.DataFrame"
    """With the target; rows without a truth are left out."""
    truths: list[Label]
    scores: Scores
    measured: dict[str, float]
    """Metrics recomputed here."""
    reported: dict[str, float]
    """The project's own, as they stood when the candidate was made."""
    failure: str | None
    """Why a row could not be answered, with how many there were."""


def quality_of(candidate: Scorer, kind: ModelKind) -> Quality:
    """Answer the test rows, and measure."""
    bundle = candidate.bundle
    target = bundle.manifest.target
    rows = bundle.test_rows()
    rows = rows.filter(rows[target].is_not_null()) if rows.height else rows
    truths: list[Label] = rows[target].to_list() if rows.height else []
    scores = candidate.score(bundle.schema.take(rows)) if rows.height else Scores([], None, [])
    errors = [error for error in scores.errors if error is not None]
    failure = f"{len(errors):,} of {rows.height:,} test rows can't be answered: {errors[0]}" if errors else None
    measured = {}
    if failure is None:
        answers = _answers(scores)
        measured = measure(kind, truths, answers.predictions, answers.probabilities)
    return Quality(rows, truths, scores, measured, dict(bundle.manifest.reported), failure)


def thresholds(name: str, threshold: Threshold, quality: Quality) -> list[Line]:
    """The lines of one metric's min and max: recomputed where we can, else as the project reported it."""
    lines = []
    for words, limit, sign in (("at least", threshold.minimum, 1), ("at most", threshold.maximum, -1)):
        if limit is None:
            continue
        asked = f"{words} {number(limit)}"
        if quality.failure is not None:
            lines.append(Line(name, asked, quality.failure, "failed"))
        elif name in quality.measured:
            value = quality.measured[name]
            said = f"{number(value)} on {quality.rows.height:,} test rows"
            lines.append(Line(name, asked, said, "passed" if sign * value >= sign * limit else "failed"))
        elif name in quality.reported:
            value = quality.reported[name]
            said = f"{number(value)}, reported by the project"
            lines.append(Line(name, asked, said, "passed" if sign * value >= sign * limit else "failed"))
        else:
            hint = near_miss(name, {**quality.reported, **quality.measured})
            said = f"there is no `{name}` in the project's metrics, and it can't be recomputed.{hint}"
            lines.append(Line(name, asked, said, "failed"))
    return lines


def against_production(
    asked_for: MaxDrop, quality: Quality, candidate: Scorer, production: Scorer | None, absent: str
) -> Line:
    """The line of one metric's max_drop, on rows that neither was trained on.

    It fails where the candidate is worse by more than the limit and chance alone would hardly show it (p < 0.05).

    Args:
        absent: why there is no production to compare with, where there is none.
    """
    name, max_drop = asked_for.metric, asked_for.limit
    check = f"{name} against production"
    direction = "above" if name in LOWER_IS_BETTER else "below"
    asked = f"at most {number(max_drop)} {direction} production's, on rows that neither was trained on"
    if production is None:
        return Line(check, asked, absent, "cannot tell")
    if quality.failure is not None:
        return Line(check, asked, quality.failure, "failed")
    try:
        rows = fair_rows(quality, candidate, production)
        theirs = production.score(_as_taken(production, quality.rows[rows]))
    except DataError as error:
        return Line(check, asked, str(error), "cannot tell")
    answered = [i for i, error in enumerate(theirs.errors) if error is None]
    if len(answered) < MIN_ROWS:
        why = f"{len(answered):,} of {quality.rows.height:,} test rows are new to both and answered by production"
        untraced = candidate.bundle.manifest.untraced.get("test", 0)
        lost = f" ({untraced:,} more could not be traced back to the source)" if untraced else ""
        return Line(check, asked, f"{why}{lost}; {MIN_ROWS} are needed", "cannot tell")
    ours = [rows[i] for i in answered]
    try:
        found = paired(
            name,
            [quality.truths[i] for i in ours],
            _answers(quality.scores, ours),
            _answers(theirs, answered),
        )
    except CannotMeasure as error:
        return Line(check, asked, str(error), "cannot tell")
    p = f"p = {found.p:.2g}" if found.p >= 0.001 else "p < 0.001"
    said = f"{number(found.candidate)} vs {number(found.production)} on {len(ours):,} rows, {p}"
    # A drop of exactly max_drop is allowed, whatever the last bit of the subtraction.
    is_worse = found.drop > max_drop + 1e-12 and found.p < ALPHA
    return Line(check, asked, said, "failed" if is_worse else "passed")


def fair_rows(quality: Quality, candidate: Scorer, production: Scorer) -> list[int]:
    """Which test rows neither model learnt from, each by its own columns.

    Raises:
        DataError: the rows lack a column of one of the two, or not all that one learnt from is known, so that nobody
            can tell.
    """
    is_new = np.ones(quality.rows.height, dtype=bool)
    for who, scorer in (("the candidate", candidate), ("production", production)):
        untraced = scorer.bundle.manifest.untraced.get("train", 0)
        if untraced:
            raise DataError(
                f"{untraced:,} rows that {who} learnt from could not be traced back to `{scorer.bundle.manifest.start}`"
            )
        hashes = scorer.bundle.hashes(quality.rows)
        if hashes is None:
            columns = [*scorer.bundle.schema.names, scorer.bundle.manifest.target]
            absent = [name for name in columns if name not in quality.rows.columns]
            raise DataError(f"{who} learnt from the column `{absent[0]}`, which they don't have")
        is_new &= ~np.isin(hashes, scorer.bundle.trained_rows())
    return [int(i) for i in np.flatnonzero(is_new)]


def _as_taken(production: Scorer, rows: "pl.DataFrame") -> "pl.DataFrame":
    try:
        return production.bundle.schema.take(rows)
    except DataError as error:
        raise DataError(f"production can't take these rows: {error}") from error


def _answers(scores: Scores, rows: list[int] | None = None) -> Answers:
    places = range(len(scores.errors)) if rows is None else rows
    predictions = [scores.predictions[i] for i in places]
    probabilities = [scores.probabilities[i] for i in places] if scores.probabilities is not None else None
    told = [p for p in predictions if p is not None]
    given = [p for p in probabilities if p is not None] if probabilities is not None else None
    assert len(told) == len(predictions)  # rows with errors were left out before
    return Answers(told, given if given is not None and len(given) == len(told) else None)
