"""Journalled requests and a candidate in, the gate's lines on how it would have answered them out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from slipway.gate.compare import interval
from slipway.gate.lines import Line, between
from slipway.gate.measure import metric
from slipway.gate.quality import MIN_ROWS
from slipway.gate.slices import slice_columns, slices_of
from slipway.model.schema import Schema
from slipway.model.score import Scorer
from slipway.project import Model
from slipway.records import Label, Prediction
from slipway.rounding import rounded

if TYPE_CHECKING:
    import polars as pl

CHECK = "replay"


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came of the requests."""

    lines: list[Line]
    rows: list[Mapping[str, Any]]
    """Those that the candidate takes, to be asked again."""


def replay(candidate: Scorer, production: Scorer | None, model: Model, requests: Sequence[Prediction]) -> Replayed:
    """Score what was asked for. A row that was answered then and can't be now fails; answers that flip are shown.

    Rows that the journal has not whole, since the project keeps columns out of it, can't be asked again.
    """
    asked = "answers the journalled requests"
    if not requests:
        change = "requests in the journal"
        return Replayed([Line(CHECK, asked, "no requests yet", "cannot tell", "", change, counts=False)], [])
    whole = [r for r in requests if _is_whole(r, candidate.bundle.schema, production)]
    if not whole:
        said = f"none of {len(requests):,} requests is journalled with every column"
        change = "the journal of whole rows, by [api] journal and personal"
        return Replayed([Line(CHECK, asked, said, "cannot tell", "", change, counts=False)], [])
    asked = f"answers the last {len(whole):,} journalled requests"
    reasons = _refusals(candidate, whole, model)
    taken = [i for i in range(len(whole)) if reasons[i] is None]
    answers: dict[int, Label | None] = {}
    table = candidate.bundle.schema.table([whole[i].row for i in taken]) if taken else None
    if table is not None:
        scores = candidate.score(table)
        for i, given, error in zip(taken, scores.predictions, scores.errors, strict=True):
            answers[i], reasons[i] = given, error
    rows = [whole[i].row for i in taken if reasons[i] is None]
    lost = [i for i, request in enumerate(whole) if request.error is None and reasons[i] is not None]
    if lost:
        said = f"{len(lost):,} that were answered fail now: {reasons[lost[0]]}"
        return Replayed([Line(CHECK, asked, said, "failed", "", "every request answered")], rows)
    still = sum(reason is not None for reason in reasons)
    failed = f"; {still:,} fail as they did then" if still else ""
    changed = _Changed.of(whole, answers, candidate.bundle.schema, table, model)
    change = "one that was answered failing now fails it"
    lines = [Line(CHECK, asked, f"all answered{changed.words()}{failed}", "passed", "", change)]
    if model.replay.max_flipped is not None and changed.flipped is not None:
        lines.append(_flipped(changed, model.replay.max_flipped))
    return Replayed(lines, rows)


@dataclass(frozen=True, slots=True)
class _Changed:
    """How the answers of now differ from those of then."""

    rows: int
    flipped: int | None
    """None of numbers, which move."""
    moved: float
    """Of numbers, by how much on average."""
    most: str
    """The slice where most flip, in words."""

    @classmethod
    def of(
        cls,
        requests: Sequence[Prediction],
        answers: Mapping[int, Label | None],
        schema: Schema,
        table: "pl.DataFrame | None",
        model: Model,
    ) -> "_Changed":
        places = [k for k, i in enumerate(answers) if requests[i].error is None]
        order = list(answers)
        pairs = [(requests[order[k]].prediction, answers[order[k]]) for k in places]
        if table is None or not pairs:
            return cls(0, None, 0.0, "")
        if all(type(then) is float and type(given) is float for then, given in pairs):
            moves = np.array([abs(given - then) for then, given in pairs])  # type: ignore[operator]
            return cls(len(pairs), None, float(moves.mean()), "")
        is_flipped = np.array([then != given for then, given in pairs])
        return cls(len(pairs), int(is_flipped.sum()), 0.0, _most_flipped(schema, table[places], is_flipped, model))

    def words(self) -> str:
        if not self.rows:
            return ", none of which was answered then"
        if self.flipped is None:
            return f"; the answers move by {rounded(self.moved)} on average"
        return f"; {self.flipped / self.rows:.1%} of the answers change{self.most}"


def _most_flipped(schema: Schema, rows: "pl.DataFrame", is_flipped: Any, model: Model) -> str:
    """Of the slices with enough rows the one whose answers change most, where that is more than elsewhere."""
    most, words = float(is_flipped.mean()), ""
    for column in slice_columns(schema, rows, model):
        for each in slices_of(rows[column]) if column in rows.columns else ():
            share = float(is_flipped[each.rows].mean())
            if len(each.rows) >= MIN_ROWS and share > most:
                most, words = share, f", most where {column} is {each.level}: {share:.1%} of {len(each.rows):,}"
    return words


def _flipped(changed: _Changed, limit: float) -> Line:
    assert changed.flipped is not None
    share = changed.flipped / changed.rows
    is_flipped = [i < changed.flipped for i in range(changed.rows)]
    low, high = interval("accuracy", is_flipped, metric("accuracy", is_flipped, [True] * changed.rows))
    asked = f"at most {limit:.1%} of the answers are others than they were"
    said, unsure = f"{share:.1%} of {changed.rows:,}{changed.most}", between(low, high)
    if share > limit:
        return Line("flipped answers", asked, said, "failed", unsure, f"{limit:.1%} or less passes")
    if changed.rows < MIN_ROWS and high > limit:
        more = f"{MIN_ROWS} requests"
        return Line("flipped answers", asked, said, "cannot tell", unsure, more, counts=False)
    return Line("flipped answers", asked, said, "passed", unsure, f"above {limit:.1%} it fails")


def _is_whole(request: Prediction, schema: Schema, production: Scorer | None) -> bool:
    """Whether the row lacks no column that production takes: what it lacks beyond that, callers do not send."""
    if production is None:
        return True
    known = set(production.bundle.schema.names)
    return all(name in request.row for name in schema.names if name in known)


def _refusals(candidate: Scorer, requests: Sequence[Prediction], model: Model) -> list[str | None]:
    reasons: list[str | None] = [None] * len(requests)
    for problem in candidate.bundle.schema.problems([request.row for request in requests]):
        value = "" if problem.field in model.personal else f" = {problem.value!r}"
        reasons[problem.row] = f"`{problem.field}`{value}: expected {problem.expected}"
    return reasons
