import asyncio
import io
import json
import logging

import pytest

from slipway.serve import log as service_log
from slipway.serve.http.exchange import Exchange
from slipway.serve.log import ServiceLog


class Out(io.StringIO):
    def __init__(self, is_terminal=False):
        super().__init__()
        self._is_terminal = is_terminal

    def isatty(self):
        return self._is_terminal


def exchange(*, headers=(), status=200, route="/predict"):
    async def send(message):
        sent.append(message)

    sent = []
    made = Exchange({"method": "POST", "headers": list(headers)}, send)
    asyncio.run(made.send({"type": "http.response.start", "status": status, "headers": []}))
    made.route, made.rows, made.version = route, 2, 7
    made.end()
    return made, dict(sent[0]["headers"])


def lines(form="auto", *, is_quiet=False, is_terminal=False, told=()):
    out = Out(is_terminal)
    log = ServiceLog(form, is_quiet=is_quiet, out=out)
    log.start()
    for each in told:
        if isinstance(each, Exchange):
            log.answered(each)
        else:
            logging.getLogger("slipway.serve.test").log(*each)
    log.stop()
    return out.getvalue().splitlines()


def test_a_request_is_one_object_with_what_was_asked_and_no_body():
    made, headers = exchange(headers=[(b"x-request-id", b"shop-17")])
    (line,) = map(json.loads, lines(told=[made]))
    assert {k: line[k] for k in ("level", "event", "id", "method", "route", "status", "rows", "version")} == {
        "level": "info", "event": "request", "id": "shop-17", "method": "POST", "route": "/predict", "status": 200,
        "rows": 2, "version": 7,
    }  # fmt: skip
    assert line["ms"] >= 0
    assert headers[b"x-request-id"] == b"shop-17"


@pytest.mark.parametrize("odd", [b"", b"a b", b'{"x":1}', b"\xff", b"a" * 129, b"a\x1b[31m"])
def test_an_id_that_could_break_out_of_a_line_is_not_taken(odd):
    made, headers = exchange(headers=[(b"x-request-id", odd)])
    assert headers[b"x-request-id"] == made.id != odd


def test_a_person_in_a_terminal_reads_sentences():
    made, _ = exchange(status=503)
    request, warning = lines(is_terminal=True, told=[made, (logging.WARNING, "the disk is full")])
    assert "POST /predict 503" in request
    assert "2 rows  version 7" in request
    assert warning.endswith("warning: the disk is full")


def test_quiet_leaves_warnings():
    made, _ = exchange()
    told = [made, (logging.INFO, "began"), (logging.WARNING, "look here")]
    assert [json.loads(line)["message"] for line in lines("json", is_quiet=True, told=told)] == ["look here"]


def test_lines_that_nobody_takes_are_dropped_and_counted(monkeypatch):
    monkeypatch.setattr(service_log, "MAX_WAITING", 3)
    monkeypatch.setattr(service_log, "WRITE_SECONDS", 60.0)
    made, _ = exchange()
    *kept, last = map(json.loads, lines(told=[made] * 5))
    assert [line["event"] for line in kept] == ["request"] * 3
    assert last["message"].startswith("2 lines were dropped")
