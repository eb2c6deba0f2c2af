"""The routes that predict, as plain ASGI: a body is answered once its predictions are in the spool."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from slipway.errors import OutsideError, SlipwayError
from slipway.records import Prediction
from slipway.serve.answer import answer_rows, read_request, refuse_failed
from slipway.serve.bulk.channel import PredictTask
from slipway.serve.bulk.process import LARGE_BODY_BYTES, MANY_ROWS
from slipway.serve.http.body import Receive, Scope
from slipway.serve.http.exchange import Exchange
from slipway.serve.http.json_body import read_json
from slipway.serve.http.refusal import Refusal, unavailable
from slipway.serve.live.route import LiveRoute
from slipway.serve.live.version import Live
from slipway.serve.personal import Personal
from slipway.serve.rows import Rows
from slipway.serve.service import Service

Answered = tuple[int, bytes | bytearray, list[tuple[bytes, bytes]]]
"""Status, body and headers."""

_SMALL_BODY_BYTES = 16 * 1024
"""Up to this a body is read by the event loop itself, which takes less than to have it read by a thread."""


class PredictRoutes:
    """Answers the routes that predict."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._personal = Personal(service.project.api)
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="reading")

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown(wait=True)

    async def __call__(self, route: LiveRoute, scope: Scope, receive: Receive, exchange: Exchange) -> Answered:
        """Answer one request.

        Raises:
            Refusal: what is asked can't be answered.
            Disconnected: the caller has gone before its body was whole.
        """
        body = await self._service.bodies.read(scope, receive)
        live = self._service.version()
        exchange.version = live.version
        if len(body) > LARGE_BODY_BYTES:
            return await self._answer_beside(route, live, body, exchange)
        try:
            asked = await self._read(route, live, body)
        except Refusal as refusal:
            if refusal.status != 422:
                raise
            raise Refusal(route.invalid_status, refusal.detail) from refusal
        if len(asked.rows) > MANY_ROWS:
            return await self._answer_beside(route, live, body, exchange)
        predictions = await self._score(route, live, asked, exchange)
        refuse_failed(route, live, asked, predictions, self._personal)
        told, headers = answer_rows(self._service.project.name, route, live, asked, predictions)
        return 200, told, headers

    async def _read(self, route: LiveRoute, live: Live, body: bytes) -> Rows:
        def read() -> Rows:
            return read_request(route, live, read_json(body), self._personal, max_rows=MANY_ROWS)

        if len(body) <= _SMALL_BODY_BYTES:
            return read()
        return await asyncio.get_running_loop().run_in_executor(self._threads, read)

    async def _score(self, route: LiveRoute, live: Live, asked: Rows, exchange: Exchange) -> list[Prediction]:
        exchange.rows = len(asked.rows)
        try:
            rows = asked.right
            predictions = await self._service.batcher.answer(live, rows, exchange.received) if rows else []
        except OutsideError as error:
            raise unavailable(error) from error
        except SlipwayError as error:  # what the schema let pass and the table's types can't hold
            raise Refusal(route.invalid_status, str(self._personal.reason(str(error)))) from error
        failed = len(asked.wrong) + sum(prediction.error is not None for prediction in predictions)
        self._service.metrics.rows(live.version, answered=len(asked.rows) - failed, failed=failed)
        return predictions

    async def _answer_beside(self, route: LiveRoute, live: Live, body: bytes, exchange: Exchange) -> Answered:
        is_own = bool(route.request or route.response or route.partial)
        task = PredictTask(exchange.route if is_own else None, route.invalid_status, live.released, exchange.received)
        reply, told = await self._service.bulk.ask(task, body)
        if reply.rows is not None:
            exchange.rows = reply.rows
            self._service.metrics.rows(live.version, answered=reply.rows - reply.failed, failed=reply.failed)
        return reply.status, told, list(reply.headers)
