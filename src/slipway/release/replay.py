"""Journalled requests and a candidate in, the gate's line on how it would have answered them out."""

from collections.abc import Sequence

import numpy as np

from slipway.model.score import Scorer
from slipway.records import Label, Prediction
from slipway.release.lines import Line, number

CHECK = "replay"


def replay(candidate: Scorer, requests: Sequence[Prediction]) -> Line:
    """Score what was asked for. A row that was answered then and can't be now fails; changed answers are shown."""
    asked = "answers the journalled requests"
    if not requests:
        return Line(CHECK, asked, "no requests yet", "cannot tell")
    asked = f"answers the last {len(requests):,} journalled requests"
    reasons = _refusals(candidate, requests)
    taken = [i for i in range(len(requests)) if reasons[i] is None]
    answers: dict[int, Label | None] = {}
    if taken:
        scores = candidate.score(candidate.bundle.schema.table([requests[i].row for i in taken]))
        for i, given, error in zip(taken, scores.predictions, scores.errors, strict=True):
            answers[i], reasons[i] = given, error
    lost = [i for i, request in enumerate(requests) if request.error is None and reasons[i] is not None]
    if lost:
        return Line(CHECK, asked, f"{len(lost):,} that were answered fail now: {reasons[lost[0]]}", "failed")
    still = sum(reason is not None for reason in reasons)
    failed = f"; {still:,} fail as they did then" if still else ""
    return Line(CHECK, asked, _changes(requests, answers) + failed, "passed")


def _refusals(candidate: Scorer, requests: Sequence[Prediction]) -> list[str | None]:
    reasons: list[str | None] = [None] * len(requests)
    for problem in candidate.bundle.schema.problems([request.row for request in requests]):
        reasons[problem.row] = f"`{problem.field}` = {problem.value!r}: expected {problem.expected}"
    return reasons


def _changes(requests: Sequence[Prediction], answers: dict[int, Label | None]) -> str:
    then_and_now = [(requests[i].prediction, given) for i, given in answers.items() if requests[i].error is None]
    if not then_and_now:
        return "none of them was answered then"
    if all(type(then) is float and type(given) is float for then, given in then_and_now):
        moves = np.array([abs(given - then) for then, given in then_and_now])  # type: ignore[operator]
        return f"all answered; the answers move by {number(float(moves.mean()))} on average"
    changed = sum(then != given for then, given in then_and_now)
    return f"all answered; {changed / len(then_and_now):.1%} of the answers change"
