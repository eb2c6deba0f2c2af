"""Over a real socket: heads and bodies that are too slow or too long end, and what is right is answered."""

import asyncio
import contextlib

import pytest
import uvicorn
from uvicorn.server import ServerState

from slipway.serve.http.body import MAX_BODY_BYTES, Bodies, Disconnected
from slipway.serve.http.connection import MAX_HEAD_BYTES, Connection
from slipway.serve.http.refusal import Refusal

SOON = 0.15


def talk(parts, *, bodies=None, pause=0.0, hurry=False):
    """What comes back for bytes that are sent part by part, until the connection ends or nothing more comes."""
    bodies = bodies or Bodies()

    async def app(scope, receive, send):
        try:
            body = await bodies.read(scope, receive)
            status, said = 200, b"%d bytes" % len(body)
        except Refusal as refusal:
            status, said = refusal.status, b"refused"
        except Disconnected:
            return
        headers = [(b"content-length", b"%d" % len(said))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": said})

    async def conversation():
        config = uvicorn.Config(app, log_config=None, lifespan="off", ws="none")
        config.load()
        loop, state = asyncio.get_running_loop(), ServerState()
        server = await loop.create_server(lambda: Connection(config, state, {}), "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        for part in parts:
            writer.write(part)
            await asyncio.sleep(pause)
        if hurry:
            bodies.hurry()
        said = b""
        while True:
            try:
                more = await asyncio.wait_for(reader.read(65_536), 20 * SOON)
            except OSError:
                break
            said += more
            if not more or said.endswith((b"bytes", b"refused")):
                break
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
        for connection in list(state.connections):
            connection.transport.abort()
        server.close()
        await server.wait_closed()
        await asyncio.gather(*state.tasks, return_exceptions=True)
        await asyncio.sleep(0.01)  # so that what was aborted is closed
        return said

    return asyncio.run(conversation())


def post(length, body=b""):
    return b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % length + body


def test_what_is_whole_is_answered_also_in_parts():
    assert b"4 bytes" in talk([post(4, b"1234")])
    assert b"4 bytes" in talk([b"POST / HT", b"TP/1.1\r\nContent-Le", b"ngth: 4\r\n\r\n1", b"234"], pause=0.01)


@pytest.mark.parametrize("said", [b"", b"\r\n", b"POST /pre", b"POST / HTTP/1.1\r\nHost: a\r\n"])
def test_a_head_that_does_not_come_ends_the_connection(monkeypatch, said):
    monkeypatch.setattr("slipway.serve.http.connection.HEAD_SECONDS", SOON)
    answer = talk([said])
    assert (b"408" in answer) == said.startswith(b"POST")


def test_a_head_that_drips_has_no_more_time_than_any_other(monkeypatch):
    monkeypatch.setattr("slipway.serve.http.connection.HEAD_SECONDS", SOON)
    answer = talk([b"POST / HTTP/1.1\r\n", *(b"X-%d: a\r\n" % n for n in range(2))], pause=SOON / 3)
    assert b"408 Request Timeout" in answer


def test_a_head_without_end_is_refused():
    answer = talk([b"GET / HTTP/1.1\r\nX-Long: " + b"a" * (MAX_HEAD_BYTES + 1)])
    assert answer.startswith(b"HTTP/1.1 431")


def test_a_body_that_stops_coming_is_given_up(monkeypatch):
    monkeypatch.setattr("slipway.serve.http.body.PART_SECONDS", SOON)
    assert b"408" in talk([post(4, b"1")])


def test_a_body_that_drips_is_given_up_in_the_end(monkeypatch):
    monkeypatch.setattr("slipway.serve.http.body.BODY_SECONDS", 2 * SOON)
    assert b"408" in talk([post(100, b"1"), *[b"2"] * 12], pause=SOON / 3)


def test_a_service_that_stops_waits_little_for_bodies(monkeypatch):
    monkeypatch.setattr("slipway.serve.http.body.HURRY_SECONDS", SOON)
    assert b"408" in talk([post(4, b"1")], pause=0.05, hurry=True)


@pytest.mark.parametrize("length", [MAX_BODY_BYTES + 1, 100 * 1024**2, 2**63])
def test_a_body_that_says_it_is_too_large_is_not_read(length):
    assert b"413" in talk([post(length, b"1")])


@pytest.mark.parametrize("said", [b"GET", b"\x16\x03\x01 tls?", post(10**30), b"GET / HTTP/9.9\r\n\r\n"])
def test_what_is_no_http_is_refused_in_json(monkeypatch, said):
    monkeypatch.setattr("slipway.serve.http.connection.HEAD_SECONDS", SOON)
    answer = talk([said])
    assert answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 408"))
    assert b'{"detail":"' in answer


def test_a_body_that_turns_out_too_large_is_refused():
    chunk = b"100000\r\n" + b"a" * 2**20 + b"\r\n"
    head = b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert b"413" in talk([head, *[chunk] * 17])
