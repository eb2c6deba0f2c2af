"""The routes that predict, as plain ASGI: a body in, an answer out that is in the spool already."""

import asyncio
import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec

from slipway.errors import BadRequest, OutsideError, SlipwayError
from slipway.model.route_functions import Answer
from slipway.model.schema import Problem
from slipway.records import PartialPrediction, Prediction
from slipway.serve.functions import ask_function
from slipway.serve.http.body import Receive, Scope
from slipway.serve.http.exchange import Exchange
from slipway.serve.http.refusal import Refusal
from slipway.serve.live.given import answers, model_facts
from slipway.serve.live.route import LiveRoute
from slipway.serve.live.version import Live
from slipway.serve.personal import Personal
from slipway.serve.rows import Row, Rows, apart, ask_request, check, details, read_json, read_rows
from slipway.serve.service import Service

MAX_IDS_IN_HEADER = 100

_LARGE_BODY_BYTES = 64 * 1024
_MANY_ROWS = 1_000
_encode = msgspec.json.Encoder().encode

log = logging.getLogger(__name__)


class PredictRoutes:
    """Answers the routes that predict."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._personal = Personal(service.project.api)
        # Large bodies are read and checked beside the event loop, which small ones would wait for.
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="reading")

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown(wait=True)

    async def __call__(
        self, route: LiveRoute, scope: Scope, receive: Receive, exchange: Exchange
    ) -> tuple[list[tuple[bytes, bytes]], bytes]:
        """Headers and body of the answer to one request.

        Raises:
            Refusal: what is asked can't be answered.
            Disconnected: the caller has gone before its body was whole.
        """
        body = await self._service.bodies.read(scope, receive)
        predictions, answer = await self._answer(route, body, exchange)
        if not 0 < len(predictions) <= MAX_IDS_IN_HEADER:
            return [], answer
        return [(b"x-prediction-id", ",".join(p.id for p in predictions).encode())], answer

    async def _answer(self, route: LiveRoute, body: bytes, exchange: Exchange) -> tuple[list[Prediction], bytes]:
        live, loop = self._service.version(), asyncio.get_running_loop()
        try:
            if len(body) > _LARGE_BODY_BYTES:
                asked = await loop.run_in_executor(self._threads, _read, route, live, body, self._personal)
            else:
                asked = _read(route, live, body, self._personal)
        except Refusal as refusal:
            raise _in_words_of(route, refusal) from refusal
        exchange.rows, exchange.version = len(asked.rows), live.version
        predictions = await self._score(route, live, asked, exchange.received)
        failed = len(asked.wrong) + sum(p.error is not None for p in predictions)
        self._service.metrics.rows(live.version, answered=len(asked.rows) - failed, failed=failed)
        if asked.is_single and predictions[0].error is not None:
            raise Refusal(route.invalid_status, self._failure(live, asked.rows[0], predictions[0]))
        if len(predictions) > _MANY_ROWS:
            return predictions, await loop.run_in_executor(
                self._threads, self._encoded, route, live, asked, predictions
            )
        return predictions, self._encoded(route, live, asked, predictions)

    def _failure(self, live: Live, row: Row, prediction: Prediction) -> list[dict[str, Any]]:
        """What is told of a row that could not be scored: the fields to blame, where they are known."""
        unread = prediction.unread if isinstance(prediction, PartialPrediction) else ()
        if unread:
            readings = live.scorer.bundle.manifest.readings
            return details([Problem(0, name, row[name], readings.expected(name)) for name in unread], self._personal)
        detail = {"row": 0, "field": None, "value": None, "expected": "a row that the stages can handle"}
        return [{**detail, "message": prediction.error}]

    async def _score(self, route: LiveRoute, live: Live, asked: Rows, received: float) -> list[Prediction]:
        rows = asked.right
        if not rows:
            return []
        try:
            return await self._service.batcher.answer(live, rows, received)
        except OutsideError as error:
            log.error("a request is refused: %s", error)
            raise Refusal(503, str(error)) from error
        except SlipwayError as error:  # what the schema let pass and the table's types can't hold
            raise Refusal(route.invalid_status, str(self._personal.reason(str(error)))) from error

    def _encoded(self, route: LiveRoute, live: Live, asked: Rows, predictions: Sequence[Prediction]) -> bytes:
        return _encode(self._told(route, live, asked, predictions))

    def _told(self, route: LiveRoute, live: Live, asked: Rows, predictions: Sequence[Prediction]) -> Any:
        if route.response is not None:
            model = model_facts(self._service.project.name, live)
            told = answers(len(asked.rows), asked.wrong, predictions)
            try:
                rows = [dict(r) if isinstance(r, dict) else r for r in asked.rows]
                return ask_function(route.response, rows, told, model)
            except BadRequest as error:
                raise Refusal(route.invalid_status, str(error)) from error
        if asked.is_single:
            return {**_one(predictions[0]), "version": live.version}
        if not route.partial:
            return {"predictions": [_one(p) for p in predictions], "version": live.version}
        told = answers(len(asked.rows), asked.wrong, predictions)
        failed = sum(answer.error is not None for answer in told)
        return {"predictions": [_one(answer) for answer in told], "version": live.version, "failed": failed}


def _read(route: LiveRoute, live: Live, body: bytes, personal: Personal) -> Rows:
    value = read_json(body)
    schema, partial = live.scorer.bundle.schema, route.partial
    if route.request is not None:
        asked = ask_request(route.request, value, partial=partial, personal=personal)
    else:
        asked = read_rows(value, partial=partial, personal=personal)
    if partial and not asked.is_single:
        return apart(asked, schema, personal)
    check(asked, schema, personal)
    return asked


def _in_words_of(route: LiveRoute, refusal: Refusal) -> Refusal:
    return Refusal(route.invalid_status, refusal.detail) if refusal.status == 422 else refusal


def _one(prediction: Prediction | Answer) -> dict[str, Any]:
    told: dict[str, Any] = {
        "id": prediction.id,
        "prediction": prediction.prediction,
        "probabilities": prediction.probabilities,
    }
    if isinstance(prediction, PartialPrediction | Answer) and prediction.unread:
        told["unread"] = list(prediction.unread)
    return told if prediction.error is None else {**told, "error": prediction.error}
