"""Measure a candidate on its test rows, and hold its metrics against the project's limits."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from slipway.errors import near_miss
from slipway.gate.compare import Answers, few_of_a_class, interval
from slipway.gate.constant import constant_passes
from slipway.gate.lines import Line, between
from slipway.gate.measure import CannotMeasure, Measured, metric
from slipway.model.answers import Scores
from slipway.model.score import Scorer
from slipway.project import Threshold
from slipway.project.facts import METRICS, ModelKind
from slipway.records import Label
from slipway.rounding import rounded

if TYPE_CHECKING:
    import polars as pl

MIN_ROWS = 30
"""On fewer rows nothing is told that is near to its limit."""


@dataclass(frozen=True, slots=True)
class Quality:
    """A candidate on its own test rows."""

    rows: "pl.DataFrame"
    """With the target; rows without a truth are left out."""
    truths: list[Label]
    answers: Answers | None
    """None where a row could not be answered."""
    measured: dict[str, Measured]
    """Metrics recomputed here."""
    reported: dict[str, float]
    """The project's own, as they stood when the candidate was made."""
    failure: str | None
    """Why a row could not be answered, with how many there were."""
    unmeasured: Mapping[str, str] = field(default_factory=dict)
    """Why a metric of this kind of model has no value on these rows."""


def quality_of(candidate: Scorer, kind: ModelKind) -> Quality:
    """Answer the test rows, and measure."""
    bundle = candidate.bundle
    target = bundle.manifest.target
    rows = bundle.test_rows()
    rows = rows.filter(rows[target].is_not_null()) if rows.height else rows
    truths: list[Label] = rows[target].to_list() if rows.height else []
    scores = candidate.score(bundle.schema.take(rows)) if rows.height else Scores([], None, [])
    errors = [error for error in scores.errors if error is not None]
    reported = dict(bundle.manifest.reported)
    if errors:
        failure = f"{len(errors):,} of {rows.height:,} test rows can't be answered: {errors[0]}"
        return Quality(rows, truths, None, {}, reported, failure)
    answers = answers_of(scores)
    measured, unmeasured = {}, {}
    for name in METRICS[kind]:
        try:
            measured[name] = metric(name, truths, answers.predictions, answers.probabilities)
        except CannotMeasure as error:
            unmeasured[name] = str(error)
    return Quality(rows, truths, answers, measured, reported, None, unmeasured)


def answers_of(scores: Scores) -> Answers:
    """The answers of scores without errors."""
    told = [prediction for prediction in scores.predictions if prediction is not None]
    assert len(told) == len(scores.predictions)  # rows with errors were left out before
    given = [p for p in scores.probabilities if p is not None] if scores.probabilities is not None else None
    return Answers(told, given if given is not None and len(given) == len(told) else None)


def thresholds(name: str, threshold: Threshold, quality: Quality) -> list[Line]:
    """The lines of one metric's min and max: recomputed where we can, else as the project reported it.

    A limit is for the figure as it is measured. On fewer than 30 rows one that keeps it, but whose interval reaches
    beyond it, can't be told.
    """
    lines = []
    for words, limit, sign in (("at least", threshold.minimum, 1), ("at most", threshold.maximum, -1)):
        if limit is None:
            continue
        asked = f"{words} {rounded(limit)}"
        if quality.failure is not None:
            lines.append(Line(name, asked, quality.failure, "failed", would_change="every test row answered"))
        elif name in quality.measured:
            lines.append(_held(name, asked, limit, sign, quality))
        elif name in quality.unmeasured:
            change = "test rows and answers on which it has a value"
            lines.append(Line(name, asked, quality.unmeasured[name], "cannot tell", would_change=change))
        elif name in quality.reported:
            value = quality.reported[name]
            said = f"{rounded(value)}, reported by the project"
            unknown = "not known: it is the project's own figure"
            is_kept = sign * value >= sign * limit
            change = _change(sign, limit, is_kept=is_kept)
            lines.append(Line(name, asked, said, "passed" if is_kept else "failed", unknown, change))
        else:
            hint = near_miss(name, {**quality.reported, **quality.measured})
            said = f"there is no `{name}` in the project's metrics, and it can't be recomputed.{hint}"
            lines.append(Line(name, asked, said, "failed", would_change=f"`{name}` among the project's metrics"))
    return lines


def _held(name: str, asked: str, limit: float, sign: int, quality: Quality) -> Line:
    measured, rows = quality.measured[name], quality.rows.height
    low, high = interval(name, quality.truths, measured)
    said, unsure = f"{rounded(measured.value)} on {rows:,} test rows", between(low, high)
    if (constant := constant_passes(name, limit, quality.truths)) is not None:
        said += f"; a constant answer has {rounded(constant)}, so that this limit asks nothing"
    if sign * measured.value < sign * limit:
        return Line(name, asked, said, "failed", unsure, _change(sign, limit, is_kept=False))
    reaches = sign * (low if sign > 0 else high) < sign * limit
    few = few_of_a_class(name, quality.truths)
    if reaches and (rows < MIN_ROWS or few is not None):
        more = few or f"{MIN_ROWS} test rows: on {rows} chance alone reaches beyond {rounded(limit)}"
        return Line(name, asked, said, "cannot tell", unsure, more)
    return Line(name, asked, said, "passed", unsure, _change(sign, limit, is_kept=True))


def _change(sign: int, limit: float, *, is_kept: bool) -> str:
    if is_kept:
        return f"{'below' if sign > 0 else 'above'} {rounded(limit)} it fails"
    return f"{rounded(limit)} or {'more' if sign > 0 else 'less'} passes"
