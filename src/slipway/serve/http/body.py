"""A request whose body is still coming in, the whole body out; what is too large or too slow is refused."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from slipway.serve.http.refusal import Refusal

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

MAX_BODY_BYTES = 16 * 1024 * 1024
PART_SECONDS = 10.0
"""How long the next part of a body may take."""
BODY_SECONDS = 60.0
"""How long the whole of it may take: 16 MB at two megabits a second."""
HURRY_SECONDS = 2.0
"""How long it may still take once the service was told to stop."""


class Disconnected(Exception):
    """The caller has gone before its body was whole."""


class Bodies:
    """Reads bodies, and knows those that are not whole yet. Belongs to one event loop."""

    def __init__(self) -> None:
        self._coming: set[asyncio.Timeout] = set()
        self._is_hurried = False

    async def read(self, scope: Scope, receive: Receive) -> bytes:
        """The body of a request.

        Raises:
            Refusal: 413, larger than 16 MB, of which no more is read; 408, it did not come in time.
            Disconnected: the caller has gone.
        """
        for name, value in scope["headers"]:
            if name == b"content-length" and value.isdigit() and (len(value) > 18 or int(value) > MAX_BODY_BYTES):
                raise _too_large()
        loop = asyncio.get_running_loop()
        until = loop.time() + (HURRY_SECONDS if self._is_hurried else BODY_SECONDS)
        timeout = asyncio.timeout_at(min(until, loop.time() + PART_SECONDS))
        try:
            async with timeout:
                self._coming.add(timeout)
                return await self._parts(receive, timeout, until)
        except TimeoutError:
            raise Refusal(408, "The body did not come in time. Send it again.") from None
        finally:
            self._coming.discard(timeout)

    def hurry(self) -> None:
        """The service stops: a body that is not whole in two seconds is given up."""
        self._is_hurried = True
        until = asyncio.get_running_loop().time() + HURRY_SECONDS
        for timeout in self._coming:
            timeout.reschedule(until)

    async def _parts(self, receive: Receive, timeout: asyncio.Timeout, until: float) -> bytes:
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
            if not self._is_hurried:
                timeout.reschedule(min(until, asyncio.get_running_loop().time() + PART_SECONDS))


def _too_large() -> Refusal:
    return Refusal(413, f"The body is larger than {MAX_BODY_BYTES // 1024**2} MB. Send the rows in several requests.")
