"""Over a real socket: heads and bodies that are too slow or too long end, and what is right is answered."""

import asyncio
import contextlib
import re

import pytest
import uvicorn
from uvicorn.server import ServerState

from slipway.serve.http.body import MAX_BODY_BYTES, Bodies, Disconnected
from slipway.serve.http.connection import MAX_HEAD_BYTES, Connection
from slipway.serve.http.limits import ConnectionLimit
from slipway.serve.http.refusal import Refusal

SOON = 0.15


def answering(bodies, answer=b""):
    """An application that says how long a body was, or what it is to answer."""

    async def app(scope, receive, send):
        try:
            body = await bodies.read(scope, receive)
            status, said = 200, answer or b"%d bytes" % len(body)
        except Refusal as refusal:
            status, said = refusal.status, b"refused"
        except Disconnected:
            return
        headers = [(b"content-length", b"%d" % len(said))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": said})

    return app


def talk(parts, *, bodies=None, pause=0.0, hurry=False, answer=b"", app=None, to_its_end=False):
    """What comes back for bytes that are sent part by part, until the connection ends or an answer is whole."""
    bodies = bodies or Bodies()

    app = app or answering(bodies, answer)

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
            if not more or (not to_its_end and said.endswith((b"bytes", b"refused"))):
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


GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
LONG = {
    "one field": lambda n: b"GET / HTTP/1.1\r\nX: " + b"a" * n + b"\r\n\r\n",
    "many fields": lambda n: b"GET / HTTP/1.1\r\n" + b"X-Some: thing\r\n" * (n // 15 + 1) + b"\r\n",
    "the address": lambda n: b"GET /" + b"a" * n + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "the name of a field": lambda n: b"GET / HTTP/1.1\r\n" + b"a" * n + b": 1\r\n\r\n",
    "before a body": lambda n: b"POST / HTTP/1.1\r\nContent-Length: 2\r\nX: " + b"a" * n + b"\r\n\r\n{}",
}


def statuses(said):
    return re.findall(rb"HTTP/1.1 (\d{3})", said)


@pytest.mark.parametrize("size", [70_000, 100_000, 1_000_000])
@pytest.mark.parametrize("head", LONG.values(), ids=LONG)
def test_a_head_that_is_too_long_is_refused_however_it_comes(head, size):
    whole = head(size)
    for parts in (
        [whole],
        [whole[:40_000], whole[40_000:]],
        [whole[:-4], whole[-4:]],
        [GET + whole],
        [GET * 20, whole],
    ):
        found = statuses(talk(parts, pause=0.005, to_its_end=True))
        before = b"".join(parts).count(GET)
        assert found == [b"200"] * before + [b"431"], (len(parts), found)


def test_a_head_of_nearly_the_limit_is_answered_however_it_comes():
    for head in LONG.values():
        whole = head(MAX_HEAD_BYTES - 200)
        for parts in ([whole], [whole[:40_000], whole[40_000:]], [GET + whole, GET]):
            found = statuses(talk(parts, pause=0.005))
            assert found == [b"200"] * len(found)
            assert len(found) == 1 + b"".join(parts).count(GET)


def test_what_came_before_a_head_does_not_count_as_part_of_it():
    body = b"a" * 200_000
    fields = b"X: " + b"a" * 30_000
    parts = [post(len(body), body[:-1]), body[-1:] + b"POST / HTTP/1.1\r\n" + fields, b"\r\n" + fields, b"\r\n\r\n"]
    assert statuses(talk(parts, pause=0.01)) == [b"200", b"200"]


def test_a_head_without_end_is_refused():
    for parts in (
        [b"GET / HTTP/1.1\r\nX-Long: " + b"a" * 200_000] * 2,
        [GET + b"GET / HTTP/1.1\r\nX: ", *[b"a" * 30_000] * 4],
    ):
        assert statuses(talk(parts, pause=0.01))[-1] == b"431"


def test_fields_behind_a_body_are_no_part_of_the_request_and_have_an_end():
    seen = []

    async def app(scope, receive, send):
        seen.append([name for name, _ in scope["headers"]])
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    head = b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n"
    assert statuses(talk([head + b"Authorization: Bearer slw_1\r\nHost: other\r\n\r\n"], app=app)) == [b"204"]
    assert seen == [[b"host", b"transfer-encoding"]]
    endless = talk([head, *[b"X-Long: " + b"a" * 30_000 + b"\r\n"] * 4], pause=0.01)
    assert b"431" in statuses(endless)


def test_an_answer_that_nobody_reads_ends_the_connection(monkeypatch):
    monkeypatch.setattr("slipway.serve.http.connection.SEND_SECONDS", SOON)
    monkeypatch.setattr("slipway.serve.http.connection.CLOSE_SECONDS", SOON)
    for request in (GET, GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"), GET.replace(b"1.1", b"1.0")):
        said = talk([request], answer=b"a" * 30_000_000, pause=6 * SOON)
        assert len(said) < 30_000_000


def test_beyond_the_cap_whoever_waits_longest_gives_way():
    async def crowd():
        config = uvicorn.Config(answering(Bodies()), log_config=None, lifespan="off", ws="none")
        config.load()
        state, limit = ServerState(), ConnectionLimit(20)
        server = await asyncio.get_running_loop().create_server(
            lambda: Connection(config, state, {}, limit=limit), "127.0.0.1", 0
        )
        address = server.sockets[0].getsockname()
        beginnings = [b"", b"GET /he", GET, post(4, b"1"), b"\r\n"]
        opened = []
        for n in range(60):
            opened.append(await asyncio.open_connection(*address))
            opened[-1][1].write(beginnings[n % len(beginnings)])
        reader, writer = await asyncio.open_connection(*address)
        writer.write(GET)
        told = await asyncio.wait_for(reader.readuntil(b"bytes"), 5)
        await asyncio.sleep(0.05)
        left = len(state.connections)
        for _, each in [*opened, (None, writer)]:
            each.transport.abort()
        server.close()
        await asyncio.sleep(0.05)
        return told, left, len(limit)

    told, left, after = asyncio.run(crowd())
    assert b" 200 " in told
    assert left <= 10  # one address has half of the places
    assert after == 0


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
