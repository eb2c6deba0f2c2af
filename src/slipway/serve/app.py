"""A service in, the whole ASGI application out: what predicts goes the short way, everything else through FastAPI."""

import asyncio
import logging
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

import msgspec

from slipway.serve.access.admit import READING
from slipway.serve.access.denied import Denied
from slipway.serve.http.body import Disconnected, Receive, Scope, Send
from slipway.serve.http.exchange import Exchange
from slipway.serve.http.refusal import Refusal
from slipway.serve.live.paths import STANDARD_FORM
from slipway.serve.live.route import LiveRoute
from slipway.serve.log import ServiceLog
from slipway.serve.pages.front import door, page_headers
from slipway.serve.predict import PredictRoutes
from slipway.serve.service import Service
from slipway.serve.tell import HEALTH, METRICS, state, tell

if TYPE_CHECKING:
    from fastapi import FastAPI

Header = tuple[bytes, bytes]

_JSON: Header = (b"content-type", b"application/json")

log = logging.getLogger(__name__)


class App:
    """The ASGI application.

    Args:
        requests: where answered requests are noted; nowhere, if not given.
    """

    def __init__(self, service: Service, requests: ServiceLog | None = None) -> None:
        self._service = service
        self._requests = requests
        self._predict = PredictRoutes(service)
        # FastAPI takes a third of a second and 13 MB to import, so it is there when somebody asks for its routes.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="other routes")
        self._others: Future[FastAPI] | None = None

    def close(self) -> None:
        """End what runs beside the event loop."""
        self._thread.shutdown(wait=True)
        self._predict.close()

    def hurry(self) -> None:
        """The service stops: bodies that are still coming have little time left."""
        self._service.bodies.hurry()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return  # no lifespan and no websockets here
        exchange = Exchange(scope, send)
        try:
            await self._respond(scope, receive, exchange)
        finally:
            exchange.end()
            if exchange.status is not None:
                self._service.metrics.request(exchange.route, exchange.status, exchange.seconds)
            if self._requests is not None:
                self._requests.answered(exchange)

    async def _respond(self, scope: Scope, receive: Receive, exchange: Exchange) -> None:
        try:
            answered = await self._answered(scope, receive, exchange)
        except Disconnected:
            return
        except Refusal as refusal:
            await _send(exchange, refusal.status, _encode(refusal), [_JSON, *_headers(refusal)])
            return
        except Exception:  # the edge of the request
            log.exception("%s failed", exchange.route)
            await _send(
                exchange, 500, _encode(Refusal(500, "Something failed that is not the request's fault.")), [_JSON]
            )
            return
        if answered is not None:
            await _send(exchange, *answered)

    async def _answered(
        self, scope: Scope, receive: Receive, exchange: Exchange
    ) -> tuple[int, bytes | bytearray, list[Header]] | None:
        """Status, body and headers; None where FastAPI has answered itself.

        Raises:
            Refusal, Disconnected.
        """
        _hold_to_one_host(scope)
        method, path = exchange.method, self._service.paths.meant(scope["path"])
        route = self._service.paths.find(path, is_standard=scope["query_string"] == STANDARD_FORM)
        if route is not None:
            exchange.route = path
        is_told = route is not None and route.get is not None and method in READING and not _wants_page(path, scope)
        predicts = route is not None and route.predicts and not is_told
        place = (scope.get("client") or ("an unknown address",))[0]
        try:
            caller = self._service.access.admit(method, path, scope["headers"], predicts=predicts, place=place)
        except Denied as denied:
            if denied.status != 401 or method not in READING or not _wants_page(path, scope) or _has_token(scope):
                raise
            html, policy = door()
            return 200, html.encode(), [(b"content-type", b"text/html; charset=utf-8"), *page_headers(policy)]
        exchange.caller = caller.name
        if is_told and path == HEALTH and "read" not in caller.scopes:
            route = None  # the project's own words are for who may read; the others hear whether it lives
        if route is not None and is_told:
            return *await tell(self._service, route, path), [_JSON]
        if route is not None and (route.predicts or route.get is not None) and not _wants_page(path, scope):
            if method != "POST" or not route.predicts:
                raise _takes(route, path)
            status, body, headers = await self._predict(route, scope, receive, exchange)
            return status, body, [_JSON, *headers]
        if route is not None and path != HEALTH and not _wants_page(path, scope):
            self._service.version()  # says that nothing is released: the project's functions come with a version
        if method in READING and (found := await state(self._service, path, caller)) is not None:
            exchange.route = path
            return *found[:2], [(b"content-type", found[2].encode())]
        if path in (HEALTH, METRICS):
            raise Refusal(405, f"{path} takes GET and HEAD.", [(b"allow", b"GET, HEAD")])
        scope["caller"] = caller
        scope["path"] = path
        await self._answer_by_fastapi(scope, receive, exchange)
        return None

    async def _answer_by_fastapi(self, scope: Scope, receive: Receive, exchange: Exchange) -> None:
        if exchange.method == "HEAD":  # answered as GET is; the server sends the headers alone
            scope = {**scope, "method": "GET"}
        if self._others is None:
            self._others = self._thread.submit(_other_routes, self._service)
        others = await asyncio.wrap_future(self._others)
        try:
            await others(scope, receive, exchange.send)
        finally:
            exchange.route = getattr(scope.get("route"), "path", "other")


def _takes(route: LiveRoute, path: str) -> Refusal:
    taken = [*(("GET", "HEAD") if route.get is not None else ()), *(("POST",) if route.predicts else ())]
    return Refusal(405, f"{path} takes {' and '.join(taken)}.", [(b"allow", ", ".join(taken).encode())])


def _hold_to_one_host(scope: Scope) -> None:
    """Refuse a request that a proxy and this service could take for requests to two different hosts."""
    if sum(name == b"host" for name, _ in scope["headers"]) > 1:
        raise Refusal(400, "The request has more than one Host header.", [(b"connection", b"close")])


def _wants_page(path: str, scope: Scope) -> bool:
    return path == "/" and any(name == b"accept" and b"text/html" in value for name, value in scope["headers"])


def _has_token(scope: Scope) -> bool:
    return any(name == b"authorization" for name, _ in scope["headers"])


def _headers(refusal: Refusal) -> list[Header]:
    headers = list(refusal.headers)
    if isinstance(refusal, Denied):
        headers.append((b"www-authenticate", refusal.challenge.encode()))
    if refusal.status == 503:
        headers.append((b"retry-after", b"1"))
    if refusal.status == 408:  # what may still come of the body is no request
        headers.append((b"connection", b"close"))
    return headers


def _encode(refusal: Refusal) -> bytes:
    return msgspec.json.encode({"detail": refusal.detail})


async def _send(exchange: Exchange, status: int, body: bytes | bytearray, headers: list[Header]) -> None:
    headers = [*headers, (b"content-length", str(len(body)).encode())]
    await exchange.send({"type": "http.response.start", "status": status, "headers": headers})
    await exchange.send({"type": "http.response.body", "body": body})


def _other_routes(service: Service) -> "FastAPI":
    from slipway.serve.routes import other_routes

    return other_routes(service)
