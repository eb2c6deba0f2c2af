"""One request in, what is noted of it and its answer out: id, route, status, time, rows. Never a body."""

import re
import time

from slipway.records import new_id
from slipway.serve.http.body import Message, Scope, Send

_ID = re.compile(rb"[A-Za-z0-9._:/+=-]{1,128}")


class Exchange:
    """A request that is being answered. Its `send` puts the request's id on the answer, and notes the status."""

    __slots__ = ("_send", "caller", "id", "method", "received", "route", "rows", "seconds", "status", "version")

    def __init__(self, scope: Scope, send: Send) -> None:
        self._send = send
        self.received = time.perf_counter()
        self.id = _request_id(scope)
        self.method: str = scope["method"]
        self.route = "other"
        """The pattern, not the path: a path holds ids, and whatever a scanner tries."""
        self.caller: str | None = None
        """The name of the token."""
        self.status: int | None = None
        """None until the answer begins."""
        self.rows: int | None = None
        self.version: int | None = None
        self.seconds = 0.0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message.get("headers", ()), (b"x-request-id", self.id)]
        await self._send(message)

    def end(self) -> None:
        """The answer is out."""
        self.seconds = time.perf_counter() - self.received


def _request_id(scope: Scope) -> bytes:
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            # What is taken stands in logs and in the answer's headers: nothing that could break out of either.
            return value if _ID.fullmatch(value) else new_id().encode()
    return new_id().encode()
