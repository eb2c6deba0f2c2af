"""A served API as its operator meets it: the log, the signal that ends it, several processes, and files of rows."""

import http.client
import json
import os
import signal
import socket
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from commands import Slipway

ROW = {"values": [5]}


@pytest.fixture(scope="module")
def line(released: Callable[[str, Path], Slipway], tmp_path_factory: pytest.TempPathFactory) -> Slipway:
    """The line of the document, released once for all that is asked here."""
    return released("linear", tmp_path_factory.mktemp("api"))


def test_the_log_the_limits_and_the_end(line: Slipway) -> None:
    with line.serving("-C", "linear", "serve", "--port", "0") as server:
        server.url = server.line()
        place = urlsplit(server.url)
        headers = {"X-Request-Id": "shop-1", "Content-Type": "application/json"}
        request = urllib.request.Request(server.url + "/predict", json.dumps(ROW).encode(), headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            assert answer.headers["x-request-id"] == "shop-1"
        assert server.ask("/helth", code=404)["detail"].startswith("There is no /helth here. Did you mean `/health`?")

        large = http.client.HTTPConnection(place.hostname or "", place.port, timeout=30)
        large.request("POST", "/predict", headers={"Content-Length": str(100 * 1024**2)})
        assert large.getresponse().status == 413
        large.close()

        # Somebody has sent half a body when the service is told to stop.
        with socket.create_connection((place.hostname, place.port)) as half:
            half.sendall(b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 14\r\n\r\n{")
            time.sleep(0.5)
            told = time.monotonic()
            server.process.send_signal(signal.SIGTERM)
            assert b"408" in half.recv(4096)
            said = server.process.stderr.read() if server.process.stderr else ""
            server.process.wait(timeout=30)
            assert time.monotonic() - told < 15
    lines = [json.loads(text) for text in said.splitlines()]
    requests = [entry for entry in lines if entry["event"] == "request"]
    assert [entry["status"] for entry in requests] == [200, 404, 413, 408]
    first = requests[0]
    assert (first["id"], first["route"], first["rows"], first["version"]) == ("shop-1", "/predict", 1, 1)
    assert any("serving on" in entry["message"] for entry in lines if entry["event"] == "log")


def test_a_connection_that_is_open_is_answered_once_more_after_the_end_was_told(line: Slipway) -> None:
    with line.serving("-C", "linear", "serve", "--port", "0", "--quiet") as server:
        place = urlsplit(server.line())
        kept = http.client.HTTPConnection(place.hostname or "", place.port, timeout=30)
        for told in (None, "close"):
            kept.request("POST", "/predict", json.dumps(ROW))
            answer = kept.getresponse()
            assert (answer.status, answer.headers["connection"]) == (200, told)
            answer.read()
            if told is None:
                server.process.send_signal(signal.SIGTERM)
                until = time.monotonic() + 10
                while _is_listening(place.hostname, place.port):
                    assert time.monotonic() < until, "it takes connections after it was told to stop"
        server.process.wait(timeout=30)


def _is_listening(host: str | None, port: int | None) -> bool:
    try:
        socket.create_connection((host, port)).close()
    except (ConnectionRefusedError, ConnectionResetError):  # the latter while the socket is being closed
        return False
    return True


def test_several_processes_answer_and_one_that_ends_is_replaced(line: Slipway) -> None:
    before = line.json("-C", "linear", "journal")["predictions"]
    with line.serving("-C", "linear", "serve", "--port", "0", "--workers", "2", "--quiet") as server:
        server.url = server.line()
        first = _workers(server.process.pid)
        assert len(first) == 2
        for _ in range(20):
            assert server.ask("/predict", ROW)["predictions"] == [[pytest.approx(10.925, abs=5e-4)]]
        os.kill(min(first), signal.SIGKILL)
        until = time.monotonic() + 60
        while len(alive := _workers(server.process.pid)) < 2 or alive == first:
            assert time.monotonic() < until, "nobody took the place of the one that ended"
            time.sleep(0.2)
        server.ask("/predict", ROW)
    assert line.json("-C", "linear", "journal")["predictions"] == before + 21


def test_a_file_is_scored_into_a_file(line: Slipway) -> None:
    rows = line.folder / "rows.csv"
    rows.write_text("x\n" + "\n".join(str(n / 10) for n in range(5000)) + "\n")
    line("-C", "linear", "predict", str(rows), "-o", str(line.folder / "answers.csv"))
    header, *answers = (line.folder / "answers.csv").read_text().splitlines()
    assert header == "x,prediction,error"
    assert len(answers) == 5000
    rows.write_text("x\n1\n2\nmany\n")
    line("-C", "linear", "predict", str(rows), "-o", str(line.folder / "more.csv"), code=2)
    assert "rows.csv: row 3 (`many`)" in line.said
    assert not (line.folder / "more.csv").exists()


def _workers(parent: int) -> set[int]:
    """The processes that a server began to answer, by their ids."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="ascii").split()
    return {int(pid) for pid in children if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()}
