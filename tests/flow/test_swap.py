"""Releases that come while requests do: each is picked up, none fails a request, and a broken one changes nothing."""

import http.client
import json
import signal
import subprocess
import sys
import threading
import time
from urllib.parse import urlsplit

import pytest

SWAPS = 20
BROKEN = 12
"""The version whose bundle does not give the answers that it says."""


class Caller(threading.Thread):
    """Asks without a pause and remembers each status and answer."""

    def __init__(self, address, row):
        super().__init__()
        self._connection = http.client.HTTPConnection(address, timeout=30)
        self._row = row
        self.stopped = threading.Event()
        self.told = []

    def run(self):
        while not self.stopped.is_set():
            self._connection.request("POST", "/predict", json.dumps(self._row))
            reply = self._connection.getresponse()
            self.told.append((reply.status, json.loads(reply.read())))
        self._connection.close()


@pytest.fixture
def address(flats):
    flats.release(1)
    command = [sys.executable, "-m", "slipway", "-C", str(flats.root), "serve", "--port", "0"]
    # Nobody reads what it logs, as with a terminal that was suspended: it has to go on all the same.
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    line = process.stdout.readline()
    assert line.startswith("http://"), process.communicate()[1]
    yield urlsplit(line.strip()).netloc
    process.send_signal(signal.SIGTERM)
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 0, said


def health(address):
    connection = http.client.HTTPConnection(address, timeout=30)
    connection.request("GET", "/health")
    told = json.loads(connection.getresponse().read())
    connection.close()
    return told


def wait_for(address, is_so):
    deadline = time.monotonic() + 60
    while not is_so(told := health(address)):
        assert time.monotonic() < deadline, told
        time.sleep(0.1)
    return told


def test_swaps_under_load_fail_no_request_and_mix_no_versions(flats, address):
    callers = [Caller(address, flats.row) for _ in range(4)]
    for caller in callers:
        caller.start()
    try:
        for version in range(2, BROKEN):
            flats.release(version)
            wait_for(address, lambda told, version=version: told["version"] == version)
        flats.release(BROKEN, is_broken=True)
        told = wait_for(address, lambda told: told["dependencies"]["release"]["reason"])
        assert told["version"] == BROKEN - 1
        assert told["status"] == "degraded"
        assert told["ready"] is True
        assert f"version {BROKEN} can't be used" in told["dependencies"]["release"]["reason"]
        for version in range(BROKEN + 1, SWAPS + 3):
            flats.release(version)
            assert wait_for(address, lambda told, version=version: told["version"] == version)["status"] == "ok"
    finally:
        for caller in callers:
            caller.stopped.set()
            caller.join()

    told = [each for caller in callers for each in caller.told]
    assert {status for status, _ in told} == {200}
    assert {answer["version"] for _, answer in told} == {*range(1, SWAPS + 3)} - {BROKEN}
    for _, answer in told:
        cheap, dear = flats.labels(answer["version"])
        assert answer["prediction"] == cheap
        assert answer["probabilities"] == {cheap: 1.0, dear: 0.0}
    for caller in callers:
        versions = [answer["version"] for _, answer in caller.told]
        assert versions == sorted(versions), "once a version is in use, the one before answers no more"
