"""A server that is killed loses nothing that it acknowledged; one that is stopped answers, ships and ends well."""

import http.client
import json
import random
import resource
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from contextlib import closing, suppress
from typing import ClassVar
from urllib.parse import urlsplit

import pytest

from slipway.journal import read_spool
from slipway.journal.segment import segments

KILLS = 20
AT_ONCE = 2
"""Servers that run side by side over one spool, and are killed one after the other."""


class Server:
    """`slipway serve` in a process of its own; what it logs goes to a file, which never makes it wait."""

    started: ClassVar[list["Server"]] = []

    def __init__(self, root):
        command = [sys.executable, "-m", "slipway", "-C", str(root), "serve", "--port", "0"]
        self._log = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed when the server has ended
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self._log, text=True)
        self.started.append(self)

    def ready(self):
        line = self.process.stdout.readline()
        assert line.startswith("http://"), self.said()
        return urlsplit(line.strip()).netloc

    def end(self, number):
        self.process.send_signal(number)
        self.process.communicate(timeout=60)
        self.started.remove(self)
        said = self.said()
        self._log.close()
        return self.process.returncode, said

    def said(self):
        self._log.seek(0)
        return self._log.read()


@pytest.fixture(autouse=True)
def none_is_left():
    """A test that fails leaves no server behind."""
    yield
    for server in list(Server.started):
        server.end(signal.SIGKILL)


class Load:
    """Threads that ask until the server is gone, and remember what they were told."""

    def __init__(self, address, row, threads=4):
        self.acknowledged = {}
        self._row = row
        self._threads = [threading.Thread(target=self._ask, args=(address, n)) for n in range(threads)]
        for thread in self._threads:
            thread.start()

    def wait_for(self, count):
        deadline = time.monotonic() + 60
        while len(self.acknowledged) < count:
            assert time.monotonic() < deadline, "the server answers no more"
            time.sleep(0.002)

    def join(self):
        for thread in self._threads:
            thread.join()

    def _ask(self, address, seed):
        rng = random.Random(seed)
        connection = http.client.HTTPConnection(address, timeout=30)
        with suppress(OSError, http.client.HTTPException):  # killed in the middle of it
            while True:
                rows = [
                    {**self._row, "area": f"{rng.uniform(20, 200):.6f} m2"} for _ in range(rng.choice((1, 1, 1, 5)))
                ]
                connection.request("POST", "/predict", json.dumps(rows))
                told = json.loads(connection.getresponse().read())
                for row, answer in zip(rows, told["predictions"], strict=True):
                    self.acknowledged[answer["id"]] = (row, answer["prediction"])
        connection.close()


def test_twenty_kills_under_load_lose_no_acknowledged_prediction(flats):
    flats.release(1)
    rng = random.Random(7)
    acknowledged = {}
    for _ in range(KILLS // AT_ONCE):
        servers = [Server(flats.root) for _ in range(AT_ONCE)]
        loads = [Load(server.ready(), flats.row) for server in servers]
        for server, load in zip(servers, loads, strict=True):
            load.wait_for(rng.randint(1, 150))
            code, _ = server.end(signal.SIGKILL)
            assert code == -signal.SIGKILL
        for load in loads:
            load.join()
            acknowledged |= load.acknowledged

    last = Server(flats.root)
    last.ready()  # what was left over is shipped by whoever comes next
    code, said = last.end(signal.SIGTERM)
    assert code == 0, said
    assert read_spool(flats.settings.spool) == []
    assert segments(flats.settings.spool) == []
    found = flats.storage.journal.find(list(acknowledged))
    assert {key: (p.row, p.prediction) for key, p in found.items()} == acknowledged
    assert len(acknowledged) > KILLS
    assert len(flats.storage.journal.last(10**6)) == flats.storage.journal.count()[0] >= len(acknowledged)


def ask(address, row, *, area="50 m2"):
    """The status of one prediction, and what was told."""
    connection = http.client.HTTPConnection(address, timeout=30)
    connection.request("POST", "/predict", json.dumps({**row, "area": area, "street": "x" * 500}))
    reply = connection.getresponse()
    told = json.loads(reply.read())
    connection.close()
    return reply.status, told


def health_of(address):
    with urllib.request.urlopen(f"http://{address}/health") as health:
        return json.loads(health.read())


def test_on_a_full_disk_nothing_is_acknowledged_that_is_not_kept_and_room_is_all_it_takes(flats):
    flats.release(1)
    server = Server(flats.root)
    address = server.ready()
    kept = [ask(address, flats.row)[1]["id"]]
    # A limit on the size of a process's files stands for the full disk: the system then writes a part of a record.
    _, hard = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (100, hard))
    status, told = ask(address, flats.row)
    assert status == 503
    assert "The journal can't be used now" in told["detail"]
    told = health_of(address)
    assert told["status"] == "degraded"
    assert "the spool can't be written" in told["dependencies"]["journal"]["reason"]

    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (hard, hard))
    assert health_of(address)["status"] == "ok", "asked, it sees that there is room again"
    kept.append(ask(address, flats.row)[1]["id"])
    code, said = server.end(signal.SIGTERM)
    assert code == 0, said
    assert [p.id for p in flats.storage.journal.last(10)] == kept


def test_while_the_database_is_locked_predictions_go_on_and_wait_in_the_spool(flats):
    flats.release(1)
    server = Server(flats.root)
    address = server.ready()
    with closing(sqlite3.connect(flats.settings.state_db, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        told = [ask(address, flats.row, area=f"{area} m2") for area in range(30, 40)]
        assert {status for status, _ in told} == {200}
        assert len(read_spool(flats.settings.spool)) == 10
        other.execute("ROLLBACK")
    code, said = server.end(signal.SIGTERM)
    assert code == 0, said
    assert read_spool(flats.settings.spool) == []
    assert set(flats.storage.journal.find([answer["id"] for _, answer in told])) == {a["id"] for _, a in told}


def test_what_is_in_flight_is_answered_and_shipped_before_the_end(flats):
    flats.release(1)
    server = Server(flats.root)
    address = server.ready()
    connection = http.client.HTTPConnection(address, timeout=60)
    connection.request("POST", "/predict", json.dumps([flats.row] * 60_000))
    with urllib.request.urlopen(f"http://{address}/health") as health:  # by now it has begun with the request before
        assert health.status == 200
    server.process.send_signal(signal.SIGTERM)
    reply = connection.getresponse()
    assert reply.status == 200
    told = json.loads(reply.read())["predictions"]
    connection.close()
    code, said = server.end(signal.SIGTERM)
    assert code == 0, said
    assert len(told) == 60_000
    assert flats.storage.journal.count()[0] == 60_000
    assert segments(flats.settings.spool) == []
