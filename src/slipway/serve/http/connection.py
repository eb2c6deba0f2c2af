"""One connection's bytes in, whole requests out: a head that is too long or too slow ends the connection."""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

HEAD_SECONDS = 10.0
"""How long a connection may take to say what it wants, or to send what is left of a body that was refused."""
MAX_HEAD_BYTES = 64 * 1024


class Connection(HttpToolsProtocol):
    """Uvicorn's connection, which by itself waits for a request's head for ever and takes one of any length."""

    _timer: asyncio.TimerHandle | None = None
    _is_in_head = False
    _head_bytes = 0

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._arm()

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._is_in_head:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self._end(431, b"The request's head is larger than 64 KB.")
                return
        if self._timer is None and (self._is_in_head or self.cycle is None or self.cycle.response_complete):
            self._arm()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._is_in_head, self._head_bytes = True, 0

    def on_headers_complete(self) -> None:
        self._is_in_head = False
        self._disarm()
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        self._end(400, b"This is no request that HTTP/1.1 knows.")

    def _unsupported_upgrade_warning(self) -> None:
        """Nothing: the request is answered as if it asked for no other protocol, and uvicorn would advise libraries."""

    def _arm(self) -> None:
        self._timer = self.loop.call_later(HEAD_SECONDS, self._too_slow)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _too_slow(self) -> None:
        self._timer = None
        if self._is_in_head:
            self._end(408, b"The request's head did not come in time.")
        elif self.transport is not None:
            self.transport.close()

    def _end(self, status: int, detail: bytes) -> None:
        self._disarm()
        if self.transport.is_closing():
            return
        body = b'{"detail":"%s"}' % detail
        head = b"content-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(body)
        self.transport.write(STATUS_LINE[status] + head + body)
        self.transport.close()
