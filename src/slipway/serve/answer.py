"""A body that predicts and its answer, without the event loop: JSON to rows, predictions to JSON."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from slipway.errors import BadRequest
from slipway.model.route_functions import Answer
from slipway.model.schema import Problem
from slipway.records import PartialPrediction, Prediction
from slipway.serve.functions import ask_function
from slipway.serve.http.refusal import Refusal
from slipway.serve.live.given import answers, model_facts
from slipway.serve.live.route import LiveRoute
from slipway.serve.live.version import Live
from slipway.serve.personal import Personal
from slipway.serve.rows import MAX_PROBLEMS, Rows, apart, ask_request, check, details, read_rows

MAX_IDS_IN_HEADER = 100

_encode = msgspec.json.Encoder().encode


def read_request(route: LiveRoute, live: Live, value: Any, personal: Personal, *, max_rows: int | None = None) -> Rows:
    """Make rows that the live schema accepts of a body's JSON value.

    Args:
        max_rows: of more rows than this nothing is checked.

    Raises:
        Refusal: the value, or a row of it, is not what the route takes. The status is the standard one.
    """
    schema, partial = live.scorer.bundle.schema, route.partial
    if route.request is not None:
        asked = ask_request(route.request, value, partial=partial, personal=personal)
    else:
        asked = read_rows(value, partial=partial, personal=personal)
    if max_rows is not None and len(asked.rows) > max_rows:
        return asked
    if partial and not asked.is_single:
        return apart(asked, schema, personal)
    check(asked, schema, personal)
    return asked


def refuse_failed(
    route: LiveRoute, live: Live, asked: Rows, predictions: Sequence[Prediction], personal: Personal
) -> None:
    """Pass unless the one row that was asked for could not be answered.

    Of several rows, one that fails is told in its place; a route whose own `response` answers them all as one, which
    may know nothing of rows without an answer, refuses them all.

    Raises:
        Refusal: with the route's status, and the rows and fields to blame, where they are known.
    """
    if not asked.is_single and (route.response is None or route.partial):
        return
    problems: list[dict[str, Any]] = []
    for place, prediction in enumerate(predictions):
        if prediction.error is not None and len(problems) < MAX_PROBLEMS:
            problems += _blamed(place, asked.rows[place], prediction, live, personal)
    if problems:
        raise Refusal(route.invalid_status, problems[:MAX_PROBLEMS])


def _blamed(
    place: int, row: Mapping[str, Any], prediction: Prediction, live: Live, personal: Personal
) -> list[dict[str, Any]]:
    if unread := _unread(prediction):
        readings = live.scorer.bundle.manifest.readings
        return details([Problem(place, name, row[name], readings.expected(name)) for name in unread], personal)
    detail = {"row": place, "field": None, "value": None, "expected": "a row that the stages can handle"}
    return [{**detail, "message": prediction.error}]


def answer_rows(
    name: str, route: LiveRoute, live: Live, asked: Rows, predictions: Sequence[Prediction]
) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    """Return the body and the headers that tell the predictions, in the form of the route.

    Args:
        name: the project's.

    Raises:
        Refusal: the route's own function refused.
    """
    headers = []
    if 0 < len(predictions) <= MAX_IDS_IN_HEADER:
        headers.append((b"x-prediction-id", ",".join(p.id for p in predictions).encode()))
    return _encode(_form(name, route, live, asked, predictions)), headers


def _form(name: str, route: LiveRoute, live: Live, asked: Rows, predictions: Sequence[Prediction]) -> Any:
    if route.response is not None:
        told = answers(len(asked.rows), asked.wrong, predictions)
        try:
            rows = [dict(row) if isinstance(row, dict) else row for row in asked.rows]
            return ask_function(route.response, rows, told, model_facts(name, live))
        except BadRequest as error:
            raise Refusal(route.invalid_status, str(error)) from error
    if asked.is_single:
        return {**_one(predictions[0]), "version": live.version}
    if not route.partial:
        return {"predictions": [_one(p) for p in predictions], "version": live.version}
    told = answers(len(asked.rows), asked.wrong, predictions)
    failed = sum(answer.error is not None for answer in told)
    return {"predictions": [_one(answer) for answer in told], "version": live.version, "failed": failed}


def _one(prediction: Prediction | Answer) -> dict[str, Any]:
    told: dict[str, Any] = {
        "id": prediction.id,
        "prediction": prediction.prediction,
        "probabilities": prediction.probabilities,
    }
    if unread := _unread(prediction):
        told["unread"] = list(unread)
    return told if prediction.error is None else {**told, "error": prediction.error}


def _unread(prediction: Prediction | Answer) -> Sequence[str]:
    return prediction.unread if isinstance(prediction, PartialPrediction | Answer) else ()
