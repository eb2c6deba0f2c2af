"""A client's connection: limits on the size of its requests' heads, and on how long the client may be silent."""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from slipway.serve.http.limits import ConnectionLimit

HEAD_SECONDS = 10.0
"""How long a connection may take to say what it wants, or to send what is left of a body that was refused."""
SEND_SECONDS = 60.0
"""How long a client may leave an answer unread."""
CLOSE_SECONDS = 5.0
"""How long the last bytes may take once a connection is being closed."""
MAX_HEAD_BYTES = 64 * 1024

_TOO_LONG = b"The request's head is larger than 64 KB."


class Connection(HttpToolsProtocol):
    """Uvicorn's connection with limits, of which it has none by itself: on heads, on silence, on their number.

    Args:
        limit: the connections of this server; without a cap of their own if not given.
    """

    def __init__(self, *args: Any, limit: ConnectionLimit | None = None, **options: Any) -> None:
        super().__init__(*args, **options)
        self._limit = ConnectionLimit() if limit is None else limit
        self._timer: asyncio.TimerHandle | None = None
        self._abort_timer: asyncio.TimerHandle | None = None
        self._is_in_message = False
        self._is_in_head = False
        self._heads = 0
        self._parsed_bytes = 0
        """Of the head's parts that are whole: its address, its fields."""
        self._fed_bytes = 0
        """Of the reads that brought nothing but this head."""
        self._last_words: tuple[int, bytes] | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        if self._limit.admit(self, self.client[0] if self.client else ""):
            self._arm()
        else:
            self._end(503, b"Too many connections are open. Try again in a second.")

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        self._cancel_abort()
        self._limit.leave(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._has_ended():
            return
        heads, is_whole_head = self._heads, self._is_in_head or not self._is_in_message
        was_in_head = self._is_in_head
        super().data_received(data)
        if self._has_ended():
            return
        if self._is_in_head:
            if is_whole_head and self._heads - heads == (0 if was_in_head else 1):
                self._fed_bytes += len(data)
            if max(self._fed_bytes, self._parsed_bytes) > MAX_HEAD_BYTES:
                self._end(431, _TOO_LONG)
                return
        if self._timer is None and (self._is_in_head or self.cycle is None or self.cycle.response_complete):
            self._arm()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._is_in_message = self._is_in_head = True
        self._heads += 1
        self._parsed_bytes = self._fed_bytes = 0

    def on_url(self, url: bytes) -> None:
        self._parsed_bytes += len(url)
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._parsed_bytes += len(name) + len(value) + 4  # the colon, a blank, the line's end
        if not self._is_in_head:
            # Behind a body, where fields say nothing that the answer depends on: they are no part of the head.
            if self._parsed_bytes > MAX_HEAD_BYTES:
                self._end(431, _TOO_LONG)
                raise ValueError(_TOO_LONG.decode())  # so that the parser stops
            return
        if self._parsed_bytes <= MAX_HEAD_BYTES:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._is_in_head = False
        self._disarm()
        is_too_long, self._parsed_bytes = self._parsed_bytes > MAX_HEAD_BYTES, 0
        app = self.app
        if is_too_long:
            self.app = _refuse_head  # in its turn: requests before it on this connection are answered first
            self.url = b"/"
        super().on_headers_complete()
        self.app = app

    def on_message_complete(self) -> None:
        self._is_in_message = False
        if not self.cycle.response_complete:
            self._limit.work(self)
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.transport.is_closing():
            self._abort_after(CLOSE_SECONDS)
        elif self.cycle.response_complete:
            self._limit.wait(self)
            if self._last_words is not None:
                self._say_last_words(*self._last_words)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._limit.wait(self)
        self._abort_after(SEND_SECONDS)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._cancel_abort()
        if self.transport.is_closing():
            self._abort_after(CLOSE_SECONDS)
        elif self.cycle is not None and not self.cycle.response_complete:
            self._limit.work(self)

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self._abort_after(CLOSE_SECONDS)

    def shutdown(self) -> None:
        super().shutdown()
        if self.transport.is_closing():
            self._abort_after(CLOSE_SECONDS)

    def give_way(self) -> None:
        """Close at once, for another connection."""
        self._disarm()
        self.transport.abort()

    def send_400_response(self, msg: str) -> None:
        self._end(400, b"This is no request that HTTP/1.1 knows.")

    def _unsupported_upgrade_warning(self) -> None:
        """Nothing: the request is answered as if it asked for no other protocol, and uvicorn would advise libraries."""

    def _has_ended(self) -> bool:
        return self._last_words is not None

    def _arm(self) -> None:
        self._timer = self.loop.call_later(HEAD_SECONDS, self._too_slow)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _abort_after(self, seconds: float) -> None:
        if self._abort_timer is None:
            self._abort_timer = self.loop.call_later(seconds, self.transport.abort)

    def _cancel_abort(self) -> None:
        if self._abort_timer is not None:
            self._abort_timer.cancel()
            self._abort_timer = None

    def _too_slow(self) -> None:
        self._timer = None
        if self._is_in_head:
            self._end(408, b"The request's head did not come in time.")
        elif self.transport is not None:
            self.transport.close()
            self._abort_after(CLOSE_SECONDS)

    def _end(self, status: int, detail: bytes) -> None:
        """Answer once more, behind the answers to what came before, and take nothing from then on."""
        self._disarm()
        if self._has_ended() or self.transport.is_closing():
            return
        self._last_words = status, detail
        is_answering = self.cycle is not None and not self.cycle.response_complete
        if is_answering and (self.pipeline or not self.cycle.more_body):
            self.flow.pause_reading()
        else:
            self._say_last_words(status, detail)

    def _say_last_words(self, status: int, detail: bytes) -> None:
        body = _detail(detail)
        head = b"".join(b"%s: %s\r\n" % header for header in _headers(body))
        self.transport.write(b"%s%s\r\n%s" % (STATUS_LINE[status], head, body))
        # Closed while bytes still come, a connection is reset, and the client may never see the answer.
        self.transport.write_eof()
        self.flow.resume_reading()
        self._abort_after(CLOSE_SECONDS)


async def _refuse_head(scope: Any, receive: Any, send: Any) -> None:
    """Answer as an ASGI application that a request's head is too long."""
    body = _detail(_TOO_LONG)
    await send({"type": "http.response.start", "status": 431, "headers": _headers(body)})
    await send({"type": "http.response.body", "body": body})


def _detail(text: bytes) -> bytes:
    return b'{"detail":"%s"}' % text


def _headers(body: bytes) -> list[tuple[bytes, bytes]]:
    length = str(len(body)).encode()
    return [(b"content-type", b"application/json"), (b"connection", b"close"), (b"content-length", length)]
