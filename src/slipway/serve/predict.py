"""The routes that predict, as plain ASGI: a body in, an answer out that is in the spool already."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import msgspec

from slipway.errors import BadRequest, OutsideError, SlipwayError
from slipway.records import Label, Prediction
from slipway.serve.live import Live, LiveRoute
from slipway.serve.rows import MAX_BODY_BYTES, Refusal, Rows, ask_request, check, read_json, read_rows
from slipway.serve.service import Service

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

STANDARD = ("/predict", "/predict/batch")
PLAIN_ROUTE = LiveRoute(None, None, 422)
MAX_IDS_IN_HEADER = 100

_LARGE_BODY_BYTES = 64 * 1024
_JSON = (b"content-type", b"application/json")
_encode = msgspec.json.Encoder().encode

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """One prediction as a project's `response` function is given it."""

    id: str
    prediction: Label | None
    probabilities: dict[str, float] | None
    error: str | None


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """The model as a project's `response` function is given it."""

    name: str
    version: int
    classes: tuple[Label, ...]
    """Empty for regression."""


class PredictRoutes:
    """Answers `/predict`, `/predict/batch` and the project's own routes."""

    def __init__(self, service: Service) -> None:
        self._service = service
        # Large bodies are read and checked beside the event loop, which small ones would wait for.
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="reading")

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown(wait=True)

    def find(self, path: str) -> LiveRoute | None:
        """The route of this path, as the version in use has it; None for a path that does not predict."""
        live = self._service.live.state.live
        if live is not None and (route := live.routes.get(path)) is not None:
            return route
        if path in STANDARD:
            return PLAIN_ROUTE
        if live is None and any(route.path == path for route in self._service.project.api.routes):
            return PLAIN_ROUTE
        return None

    async def __call__(self, route: LiveRoute, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        received = time.perf_counter()
        headers: list[tuple[bytes, bytes]] = [_JSON]
        try:
            if scope["method"] != "POST":
                headers.append((b"allow", b"POST"))
                raise Refusal(405, f"{scope['path']} takes POST.")
            body = await read_body(scope, receive)
            status, predictions, answer = 200, *await self._answer(route, body, received)
            ids = ",".join(p.id for p in predictions[: MAX_IDS_IN_HEADER + 1])
            if 0 < len(predictions) <= MAX_IDS_IN_HEADER:
                headers.append((b"x-prediction-id", ids.encode()))
        except Disconnected:
            return
        except Refusal as refusal:
            status, answer = refusal.status, _encode({"detail": refusal.detail})
            if status == 503:
                headers.append((b"retry-after", b"1"))
        except Exception:  # the edge of the request
            log.exception("%s failed", scope["path"])
            status, answer = 500, _encode({"detail": "Something failed that is not the request's fault; see the log."})
        headers.append((b"content-length", str(len(answer)).encode()))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": answer})
        self._service.metrics.request(scope["path"], status, time.perf_counter() - received)

    async def _answer(self, route: LiveRoute, body: bytes, received: float) -> tuple[list[Prediction], bytes]:
        live = self._service.version()
        try:
            if len(body) > _LARGE_BODY_BYTES:
                loop = asyncio.get_running_loop()
                asked = await loop.run_in_executor(self._threads, _read, route, live, body)
            else:
                asked = _read(route, live, body)
        except Refusal as refusal:
            raise _in_words_of(route, refusal) from refusal
        predictions = await self._score(live, asked, received)
        failed = sum(p.error is not None for p in predictions)
        self._service.metrics.rows(live.version, answered=len(predictions) - failed, failed=failed)
        if asked.is_single and predictions[0].error is not None:
            detail = {"row": 0, "field": None, "value": None, "expected": "a row that the stages can handle"}
            raise Refusal(route.invalid_status, [{**detail, "message": predictions[0].error}])
        return predictions, _encode(self._told(route, live, asked, predictions))

    async def _score(self, live: Live, asked: Rows, received: float) -> list[Prediction]:
        if not asked.rows:
            return []
        try:
            return await self._service.batcher.answer(live, asked.rows, received)
        except OutsideError as error:
            log.error("a request is refused: %s", error)
            raise Refusal(503, str(error)) from error
        except SlipwayError as error:  # what the schema let pass and the table's types can't hold
            raise Refusal(422, str(error)) from error

    def _told(self, route: LiveRoute, live: Live, asked: Rows, predictions: Sequence[Prediction]) -> Any:
        if route.response is not None:
            manifest = live.scorer.bundle.manifest
            model = ModelFacts(self._service.project.name, live.version, manifest.classes)
            answers = [
                Answer(p.id, p.prediction, dict(p.probabilities) if p.probabilities else None, p.error)
                for p in predictions
            ]
            try:
                return route.response([dict(row) for row in asked.rows], answers, model)
            except BadRequest as error:
                raise Refusal(route.invalid_status, str(error)) from error
        if asked.is_single:
            return {**_one(predictions[0]), "version": live.version}
        return {"predictions": [_one(p) for p in predictions], "version": live.version}


class Disconnected(Exception):
    """The caller has gone before its body was whole."""


async def read_body(scope: Scope, receive: Receive) -> bytes:
    """The body of a request.

    Raises:
        Refusal: 413, larger than 16 MB; what is over is not read.
        Disconnected: the caller has gone.
    """
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit() and int(value) > MAX_BODY_BYTES:
            raise _too_large()
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        part = message.get("body", b"")
        size += len(part)
        if size > MAX_BODY_BYTES:
            raise _too_large()
        parts.append(part)
        if not message.get("more_body", False):
            return parts[0] if len(parts) == 1 else b"".join(parts)


def _read(route: LiveRoute, live: Live, body: bytes) -> Rows:
    value = read_json(body)
    asked = ask_request(route.request, value) if route.request is not None else read_rows(value)
    check(asked.rows, live.scorer.bundle.schema)
    return asked


def _in_words_of(route: LiveRoute, refusal: Refusal) -> Refusal:
    return Refusal(route.invalid_status, refusal.detail) if refusal.status == 422 else refusal


def _one(prediction: Prediction) -> dict[str, Any]:
    told = {"id": prediction.id, "prediction": prediction.prediction, "probabilities": prediction.probabilities}
    return told if prediction.error is None else {**told, "error": prediction.error}


def _too_large() -> Refusal:
    return Refusal(413, f"The body is larger than {MAX_BODY_BYTES // 1024**2} MB. Send the rows in several requests.")
