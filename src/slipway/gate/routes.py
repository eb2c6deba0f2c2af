"""Trials of a version's own routes on an example: one that fails on every request is found before its release."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from slipway.errors import BadRequest
from slipway.gate.lines import Line
from slipway.model.answers import Scores
from slipway.model.json_values import json_value
from slipway.model.route_functions import Answer, ModelFacts, facts_of, place_of
from slipway.model.score import Scorer
from slipway.project import Route
from slipway.records import new_id

CHECK = "routes"
ASKED = "each of the project's own answers an example"
HEALTH: Mapping[str, Any] = {
    "status": "ok",
    "live": True,
    "ready": True,
    "name": "",
    "version": 1,
    "uptime_seconds": 1.0,
    "dependencies": {
        "release": {"ok": True, "reason": None},
        "ledger": {"ok": True, "reason": None},
        "tokens": {"ok": True, "reason": None},
        "journal": {
            "ok": True,
            "reason": None,
            "backlog_bytes": 0,
            "lag_seconds": 0.0,
            "damaged_records": 0,
            "retention_postponed": None,
        },
    },
}
"""A service's health, as a `get` function is given it."""

_EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of calling one function of a route."""

    route: str
    function: str
    problem: str | None
    """None where it did what it should."""
    is_tried: bool = True
    """False for a `request` function without an example of a body."""


def try_routes(scorer: Scorer) -> list[Trial]:
    """Call every function of the version's own routes on the project's example, or on the bundle's own rows."""
    return [trial for route in scorer.bundle.manifest.routes for trial in _tried(scorer, route)]


def routes_line(trials: Sequence[Trial]) -> Line:
    """Make the gate's line of trials; it fails where one of the functions did."""
    failed = [f"{each.route}: {each.problem}" for each in trials if each.problem is not None]
    if failed:
        change = "functions that take their example and give what JSON holds"
        return Line(CHECK, ASKED, "; ".join(failed), "failed", "", change)
    untried = [f"`{each.function}` of {each.route}" for each in trials if not each.is_tried]
    count = sum(each.is_tried for each in trials)
    said = f"{count} of {len(trials)} functions tried" if untried else f"all {count} functions did"
    if not untried:
        return Line(CHECK, ASKED, said, "passed", "", "one that fails on its example fails")
    change = f"an `example` of the body that {' and '.join(untried)} takes, under [api.routes]"
    return Line(CHECK, ASKED, said, "passed" if count else "cannot tell", "", change, counts=False)


def _tried(scorer: Scorer, route: Route) -> Iterator[Trial]:
    rows = scorer.bundle.examples()[0][:_EXAMPLES]
    if route.request is not None:
        made, trial = _request(scorer, route, rows)
        rows = made or rows
        yield trial
    model = _model(scorer)
    if route.response is not None and rows:
        answers = _answers(scorer.score_rows(rows))
        given = ([dict(row) for row in rows], answers, model)
        yield Trial(route.path, route.response, _problem(scorer, route.response, *given))
    if route.get is not None:
        health = {**HEALTH, "name": model.name}
        yield Trial(route.path, route.get, _problem(scorer, route.get, model, health))


def _request(scorer: Scorer, route: Route, rows: Sequence[Mapping[str, Any]]) -> tuple[list[dict[str, Any]], Trial]:
    """The rows that a `request` function makes of the example.

    Without one a row of the bundle is tried, which many take as it is; that it is refused says nothing.
    """
    assert route.request is not None
    has_example = route.example is not None
    body = route.example if has_example else dict(rows[0]) if rows else {}
    made, problem = _called(scorer, route.request, body)
    found = [made] if isinstance(made, dict) else made if isinstance(made, list) else []
    if problem is None:
        problem = _wrong(scorer, route.request, found)
    if problem is not None and not has_example:
        return [], Trial(route.path, route.request, None, is_tried=False)
    return ([] if problem is not None else found), Trial(route.path, route.request, problem)


def _wrong(scorer: Scorer, name: str, rows: Sequence[Any]) -> str | None:
    if not rows or not all(isinstance(row, dict) for row in rows):
        return f"`{name}` made no rows of its example"
    found = scorer.bundle.schema.problems(rows)
    if not found:
        return None
    first = found[0]
    return f"`{name}` made a row of its example in which `{first.field}` is {first.value!r}: expected {first.expected}"


def _problem(scorer: Scorer, name: str, *arguments: Any) -> str | None:
    return _called(scorer, name, *arguments)[1]


def _called(scorer: Scorer, name: str, *arguments: Any) -> tuple[Any, str | None]:
    function: Callable[..., Any] = scorer.function(name)
    try:
        return json_value(function(*arguments)), None
    except BadRequest as error:
        return None, f"`{name}` refuses its example: {error}"
    except Exception as error:  # the project's own code
        return None, f"`{name}` raised {type(error).__name__}: {error} ({place_of(function, error)})"


def _model(scorer: Scorer) -> ModelFacts:
    return facts_of(
        scorer.bundle,
        name=scorer.bundle.manifest.name,
        version=1,
        estimator=scorer.estimator_name,
        released_at=datetime.now(UTC).isoformat(),
    )


def _answers(scores: Scores) -> list[Answer]:
    shares = scores.probabilities or [None] * len(scores.predictions)
    return [
        Answer(new_id(), prediction, given, error)
        for prediction, given, error in zip(scores.predictions, shares, scores.errors, strict=True)
    ]
