"""Hold a candidate against production on the same rows: the gate's lines on whether it is worse."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from slipway.errors import DataError, near_miss
from slipway.gate.compare import Paired, paired
from slipway.gate.fair import Fair, fair
from slipway.gate.judge import Allowed, allowed, judge, outcome_of
from slipway.gate.lines import TO_COMPARE, Line
from slipway.gate.measure import CannotMeasure
from slipway.gate.quality import MIN_ROWS, Quality
from slipway.gate.slices import holm, slice_columns, slices_of
from slipway.model.score import Scorer
from slipway.project import Model, Threshold
from slipway.project.facts import LOWER_IS_BETTER
from slipway.rounding import rounded

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class _Sliced:
    """One metric within one slice."""

    metric: str
    column: str
    level: str
    rows: int
    found: Paired | None
    """None on too few rows, or where the metric has no value."""


def against_production(
    model: Model, quality: Quality, candidate: Scorer, production: Scorer | None, absent: str
) -> list[Line]:
    """The lines of every metric's max_drop, on rows that neither was trained on: overall, then by slice.

    Args:
        absent: why there is no production to compare with, where there is none.
    """
    asked = {name: threshold for name, threshold in model.gate.items() if threshold.max_drop is not None}
    if production is None:
        return [
            Line(_check(n), _asked(n, t), absent, "cannot tell", "", TO_COMPARE, counts=False) for n, t in asked.items()
        ]
    if quality.failure is not None:
        return [
            Line(_check(n), _asked(n, t), quality.failure, "failed", "", "every test row answered")
            for n, t in asked.items()
        ]
    if not asked:
        return []
    try:
        rows = fair(quality, candidate, production)
    except DataError as error:
        remedy = f"{MIN_ROWS} rows with a truth that neither learnt from"
        return [Line(_check(n), _asked(n, t), str(error), "cannot tell", "", remedy) for n, t in asked.items()]
    lines = [_overall(name, threshold, rows) for name, threshold in asked.items()]
    columns = slice_columns(candidate.bundle.schema, rows.rows, model)
    return lines + _by_slices(asked, rows, columns)


def _overall(name: str, threshold: Threshold, rows: Fair) -> Line:
    try:
        found = paired(name, rows.truths, rows.candidate, rows.production)
    except CannotMeasure as error:
        return Line(
            _check(name), _asked(name, threshold), str(error), "cannot tell", "", "more test rows of each class"
        )
    told = judge(found, allowed(name, threshold, found.production))
    return Line(_check(name), _asked(name, threshold), told.measured, told.outcome, told.uncertainty, told.would_change)


def _by_slices(asked: dict[str, Threshold], rows: Fair, columns: "Sequence[str]") -> list[Line]:
    """A line for each metric and column. All their slices are one family: many do not refuse by chance."""
    every = [each for column in columns if column in rows.rows.columns for each in _slices(asked, rows, column)]
    chances = [each.found.chance(_limit(asked, each).drop) for each in every if each.found is not None]
    corrected = iter(holm(chances))
    held = [(each, next(corrected) if each.found is not None else 1.0) for each in every]
    lines = []
    for column in columns:
        for name, threshold in asked.items():
            check, words = f"{name} by {column}", f"{_asked(name, threshold, '')} in each of its values"
            if column not in rows.rows.columns:
                why = f"a request has no column `{column}`.{near_miss(column, rows.rows.columns)}"
                lines.append(Line(check, words, why, "failed", would_change="[model] slices without it"))
                continue
            mine = [(each, p) for each, p in held if (each.metric, each.column) == (name, column)]
            lines.append(_line(check, words, mine, asked, len(chances)))
    return lines


def _slices(asked: dict[str, Threshold], rows: Fair, column: str) -> list[_Sliced]:
    found = []
    for each in slices_of(rows.rows[column]):
        for name in asked:
            pair = None
            if len(each.rows) >= MIN_ROWS:
                truths = [rows.truths[i] for i in each.rows]
                try:
                    pair = paired(name, truths, rows.candidate.take(each.rows), rows.production.take(each.rows))
                except CannotMeasure:
                    pair = None
            found.append(_Sliced(name, column, each.level, len(each.rows), pair))
    return found


def _line(
    check: str, asked: str, slices: list[tuple[_Sliced, float]], thresholds: dict[str, Threshold], family: int
) -> Line:
    told = [(each, each.found, p) for each, p in slices if each.found is not None]
    small = len(slices) - len(told)
    few = f"{small} with fewer than {MIN_ROWS} rows" if small else ""
    if not told:
        change = f"{MIN_ROWS} rows of one of its values"
        return Line(check, asked, f"{few}: none can be compared", "cannot tell", would_change=change, counts=False)
    outcomes = [outcome_of(found, _limit(thresholds, each), p=p) for each, found, p in told]
    failed, untold = outcomes.count("failed"), outcomes.count("cannot tell")
    worst, its, p = min(told, key=lambda each: (each[2], -each[1].drop))
    found = judge(its, _limit(thresholds, worst), p=p)
    nearest = f"the nearest to it, {worst.level}: {found.measured} by Holm over {family}, {found.uncertainty}"
    if failed:
        said = f"worse in {failed} of {len(slices)}, most in {worst.level}"
        return Line(check, asked, said, "failed", nearest, found.would_change)
    if not untold and not small:
        change = "one shown to lose more fails"
        return Line(check, asked, f"none of {len(slices)} is worse", "passed", nearest, change)
    parts = [f"{untold} can't be told" if untold else "", few]
    said = f"none of {len(slices)} is shown to be worse, {' and '.join(p for p in parts if p)}"
    change = f"{worst.level}: {found.would_change}" if untold else f"{MIN_ROWS} rows of each"
    return Line(check, asked, said, "cannot tell", nearest, change, counts=False)


def _limit(thresholds: dict[str, Threshold], each: _Sliced) -> Allowed:
    assert each.found is not None
    return allowed(each.metric, thresholds[each.metric], each.found.production)


def _check(name: str) -> str:
    return f"{name} against production"


def _asked(name: str, threshold: Threshold, where: str = ", on rows that neither was trained on") -> str:
    assert threshold.max_drop is not None
    direction = "above" if name in LOWER_IS_BETTER else "below"
    limit = f"{rounded(100 * threshold.max_drop)} %" if threshold.is_share else rounded(threshold.max_drop)
    return f"at most {limit} {direction} production's{where}"
