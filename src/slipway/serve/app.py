"""A service in, the whole ASGI application out: what predicts goes the short way, everything else through FastAPI."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import msgspec

from slipway.serve.access import Denied
from slipway.serve.predict import PredictRoutes, Receive, Scope, Send
from slipway.serve.rows import Refusal
from slipway.serve.service import Service

if TYPE_CHECKING:
    from fastapi import FastAPI


class App:
    """The ASGI application."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._predict = PredictRoutes(service)
        # FastAPI takes a third of a second to import, and the first prediction need not wait for it.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="other routes")
        self._others = self._thread.submit(_other_routes, service)

    def close(self) -> None:
        """End what runs beside the event loop."""
        self._thread.shutdown(wait=True)
        self._predict.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return  # no lifespan and no websockets here
        path = scope["path"]
        route = self._predict.find(path)
        try:
            caller = self._service.access.admit(scope["method"], path, scope["headers"], predicts=route is not None)
        except Refusal as refusal:
            await _refuse(refusal, send)
            self._service.metrics.request("other" if route is None else path, refusal.status, 0.0)
            return
        if route is not None:
            await self._predict(route, scope, receive, send)
            return
        scope["caller"] = caller
        if scope["method"] == "HEAD":  # answered as GET is; the server sends the headers alone
            scope = {**scope, "method": "GET"}
        received, status = time.perf_counter(), 500

        async def noting(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            others = await asyncio.wrap_future(self._others)
            await others(scope, receive, noting)
        finally:
            # The pattern, not the path: a path holds ids, and whatever a scanner tries.
            path = getattr(scope.get("route"), "path", "other")
            self._service.metrics.request(path, status, time.perf_counter() - received)


async def _refuse(refusal: Refusal, send: Send) -> None:
    body = msgspec.json.encode({"detail": refusal.detail})
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if isinstance(refusal, Denied):
        headers.append((b"www-authenticate", refusal.challenge.encode()))
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _other_routes(service: Service) -> "FastAPI":
    from slipway.serve.routes import other_routes

    return other_routes(service)
