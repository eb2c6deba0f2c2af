"""What goes wrong with servers under load, many times: what was lost, and what failed.

`python benchmarks/faults.py [PART…] [--kills 200] [--swaps 200] [--bodies 30000] [--seconds 75] [--locked 60]` prints
one JSON object on standard output and a table on standard error, and ends with 1 where anything was lost or failed.
The parts, all of them if none is named:

    kill    servers killed under load            swap    releases under load
    mutate  bodies changed by chance             pair    two servers with kills, purges and corrections
    full    a disk that is full now and then     locked  a database that is locked for a minute
    crowd   idle, slow and half-sent connections, more than there are descriptors

The drivers are those of tests/.
"""

import argparse
import http.client
import importlib.util
import itertools
import json
import random
import resource
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from types import ModuleType
from typing import Any

TESTS = Path(__file__).resolve().parent.parent / "tests"
AT_ONCE = 2
"""Servers that run side by side over one spool, and are killed one after the other."""
CALLERS = 4


def driver(path: str) -> ModuleType:
    """A module of the tests, by its file."""
    spec = importlib.util.spec_from_file_location(Path(path).stem, TESTS / path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def kill(count: int, flats: Any) -> dict[str, Any]:
    """Servers killed by SIGKILL while four threads each ask: is all that was acknowledged in the journal, once?"""
    killing = driver("flow/test_kill.py")
    flats.release(1)
    rng = random.Random(7)
    acknowledged: dict[str, Any] = {}
    for _ in range(count // AT_ONCE):
        servers = [killing.Server(flats.root) for _ in range(AT_ONCE)]
        loads = [killing.Load(server.ready(), flats.row) for server in servers]
        for server, load in zip(servers, loads, strict=True):
            load.wait_for(rng.randint(1, 150))
            server.end(signal.SIGKILL)
        for load in loads:
            load.join()
            acknowledged |= load.acknowledged
    last = killing.Server(flats.root)
    last.ready()
    code, _ = last.end(signal.SIGTERM)
    return {"kills": count // AT_ONCE * AT_ONCE, **held(flats, acknowledged), "last_exit_code": code}


def swap(count: int, flats: Any) -> dict[str, Any]:
    """Releases while four callers ask without a pause: does any request fail, or mix two versions?"""
    killing, swapping = driver("flow/test_kill.py"), driver("flow/test_swap.py")
    flats.release(1)
    server = killing.Server(flats.root)
    address = server.ready()
    callers = [swapping.Caller(address, flats.row) for _ in range(CALLERS)]
    for caller in callers:
        caller.start()
    seconds = []
    for version in range(2, count + 2):
        flats.release(version)
        began = time.monotonic()
        swapping.wait_for(address, lambda told, version=version: told["version"] == version)
        seconds.append(time.monotonic() - began)
    for caller in callers:
        caller.stopped.set()
        caller.join()
    code, _ = server.end(signal.SIGTERM)
    told = [each for caller in callers for each in caller.told]
    answered = [answer for status, answer in told if status == 200]
    mixed = sum(answer["prediction"] != flats.labels(answer["version"])[0] for answer in answered)
    went_back = 0
    for caller in callers:
        versions = [answer["version"] for status, answer in caller.told if status == 200]
        went_back += sum(later < earlier for earlier, later in itertools.pairwise(versions))
    return {
        "swaps": count,
        "requests": len(told),
        "failed": len(told) - len(answered),
        "mixed": mixed,
        "went_back": went_back,
        "versions_that_answered": len({answer["version"] for answer in answered}),
        "seconds_to_use_median": round(statistics.median(seconds), 3),
        "seconds_to_use_worst": round(max(seconds), 3),
        "exit_code": code,
    }


class Caller(threading.Thread):
    """Asks one server for single rows and small lists until it is told to stop."""

    @classmethod
    def several(cls, address: str, row: dict[str, Any]) -> "list[Caller]":
        """As many as a part has, which ask already."""
        callers = [cls(address, row, seed) for seed in range(CALLERS)]
        for caller in callers:
            caller.start()
        return callers

    def __init__(self, address: str, row: dict[str, Any], seed: int = 0) -> None:
        super().__init__(daemon=True)
        self.acknowledged: dict[str, tuple[Any, Any]] = {}
        """Row and prediction by id."""
        self.statuses: Counter[int] = Counter()
        self.stopped = threading.Event()
        self._address, self._row, self._rng = address, row, random.Random(seed)

    def run(self) -> None:
        with suppress(OSError, http.client.HTTPException), closing(http.client.HTTPConnection(self._address)) as server:
            while not self.stopped.is_set():
                area = f"{self._rng.uniform(20, 200):.6f} m2"
                rows = [{**self._row, "area": area}] * self._rng.choice((1, 1, 1, 5))
                status, told = ask(server, "/predict", rows)
                self.statuses[status] += 1
                for row, answer in zip(rows, told.get("predictions", ()), strict=False):
                    self.acknowledged[answer["id"]] = (row, answer["prediction"])

    def end(self) -> dict[str, tuple[Any, Any]]:
        """Stop; what was acknowledged."""
        self.stopped.set()
        self.join()
        return self.acknowledged


def ask(server: http.client.HTTPConnection, path: str, body: Any) -> tuple[int, Any]:
    """The status, and the answer."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    server.request("POST", path, content, {"Content-Type": "application/json"})
    reply = server.getresponse()
    told = json.loads(reply.read())
    return reply.status, told if isinstance(told, dict) else {}


def held(flats: Any, acknowledged: dict[str, Any]) -> dict[str, int]:
    """What the journal has of what was acknowledged, once every server has ended."""
    from slipway.journal import read_spool

    journal = flats.storage.journal
    found = {key: (p.row, p.prediction) for key, p in journal.find(list(acknowledged)).items()}
    ids = [p.id for p in journal.last(10**9)]
    return {
        "acknowledged": len(acknowledged),
        "lost": len(acknowledged.keys() - found.keys()),
        "changed": sum(found[key] != acknowledged[key] for key in found),
        "kept_twice": len(ids) - len(set(ids)),
        "left_in_spool": len(read_spool(flats.settings.spool)),
    }


def mutate(count: int, flats: Any) -> dict[str, Any]:
    """Bodies changed by chance: is each answered without a 5xx, and can what was accepted be read?"""
    killing, mutations = driver("flow/test_kill.py"), driver("mutations.py")
    flats.release(1)
    server = killing.Server(flats.root)
    address, row = server.ready(), flats.row
    with closing(http.client.HTTPConnection(address)) as connection:
        key = ask(connection, "/predict", row)[1]["id"]
        columns, truth = {name: [value] * 3 for name, value in row.items()}, {"id": key, "truth": "dear1"}
        right = [
            ("/predict", row), ("/predict", [row, row]), ("/predict", columns), ("/predict/batch", [row] * 20),
            ("/price", {"flat": {"area": "50 m2"}}), ("/predict_area", {"areas": ["5 m2"]}),
            ("/feedback", truth), ("/feedback", [{**truth, "correct": True}]),
        ]  # fmt: skip
        rng, statuses, bad = random.Random(7), Counter[int](), []
        for _ in range(count):
            path, body = mutations.mutated(rng, right)
            try:
                status, _ = ask(connection, path, body)
            except (OSError, http.client.HTTPException):
                status = 599
                connection.close()
            statuses[status] += 1
            if status >= 500:
                bad.append((path, body[:200].decode(errors="replace")))
    code, _ = server.end(signal.SIGTERM)
    from slipway.workspace import open_project

    with open_project(flats.root) as project:
        exported = project.journalled().height
    print(*bad[:5], sep="\n", file=sys.stderr)
    told = {f"status_{status}": number for status, number in sorted(statuses.items())}
    return {**told, "exported": exported, "failed": len(bad), **held(flats, {}), "exit_code": code}


def pair(seconds: float, flats: Any) -> dict[str, Any]:
    """Two servers over one project, killed in turn, while rows are purged and truths corrected."""
    from slipway.workspace import open_project

    killing = driver("flow/test_kill.py")
    flats.release(1)
    rng, kills, until = random.Random(7), 0, time.monotonic() + seconds
    kept: dict[str, Any] = {}
    purged: set[str] = set()
    truths: dict[str, str] = {}

    def begin() -> tuple[Any, str, list[Caller]]:
        server = killing.Server(flats.root)
        address = server.ready()
        return server, address, Caller.several(address, flats.row)

    def some(count: int) -> list[str]:
        known = [key for _, _, callers in list(running) for each in callers for key in list(each.acknowledged)]
        return [key for key in rng.sample(known, min(count, len(known))) if key not in purged]

    def purge() -> None:
        with open_project(flats.root) as project:
            while time.monotonic() < until:
                ids = some(10)
                purged.update(ids)
                project.purge(ids)

    running = [begin() for _ in range(AT_ONCE)]
    purging = threading.Thread(target=purge)
    purging.start()
    while time.monotonic() < until:
        time.sleep(rng.uniform(0.5, 2))
        _correct(running[0][1], some(30), truths, rng)
        if rng.random() < 0.4:
            server, _, callers = running.pop(0)
            server.end(signal.SIGKILL)
            kills += 1
            for caller in callers:
                kept |= caller.end()
            running.append(begin())
    purging.join()
    codes = []
    for server, _, callers in running:
        for caller in callers:
            kept |= caller.end()
        codes.append(server.end(signal.SIGTERM)[0])
    journal = flats.storage.journal
    left = {key: value for key, value in kept.items() if key not in purged}
    wanted = {key: truth for key, truth in truths.items() if key not in purged}
    latest = {truth.prediction_id: truth.truth for truth in sorted(journal.truths(list(wanted)), key=lambda t: t.at)}
    return {
        "kills": kills,
        "purged": len(purged),
        "corrected": len(wanted),
        **held(flats, left),
        "came_back": len(journal.find(list(purged))),
        "truths_lost": sum(latest.get(key) != truth for key, truth in wanted.items()),
        "exit_code": max(codes),
    }


def _correct(address: str, ids: list[str], truths: dict[str, str], rng: random.Random) -> None:
    """Give a truth of each, and then another; what was acknowledged last is kept in `truths`."""
    with closing(http.client.HTTPConnection(address)) as server:
        for key in ids:
            for truth in rng.sample(("cheap1", "dear1"), 2):
                status, _ = ask(server, "/feedback", {"id": key, "truth": truth, "correct": True})
                if status == 200:
                    truths[key] = truth


def full(flats: Any) -> dict[str, Any]:
    """A disk that is full now and then: a limit on the size of files stands for it, so that a part of a record fits."""
    killing = driver("flow/test_kill.py")
    flats.release(1)
    server = killing.Server(flats.root)
    address = server.ready()
    callers = Caller.several(address, flats.row)
    _, hard = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
    for n in range(40):
        time.sleep(0.25)
        soft = hard if n % 2 else 1_000 * (n + 1)
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (soft, hard))
    kept = {key: value for caller in callers for key, value in caller.end().items()}
    statuses = sum((caller.statuses for caller in callers), Counter[int]())
    until = time.monotonic() + 30  # the journal is tried again after some seconds
    while not (is_well := killing.health_of(address)["status"] == "ok") and time.monotonic() < until:
        time.sleep(0.5)
    code, _ = server.end(signal.SIGTERM)
    failed = sum(number for status, number in statuses.items() if status not in (200, 503))
    return {"refused": statuses[503], **held(flats, kept), "failed": failed + (not is_well), "exit_code": code}


def locked(seconds: float, flats: Any) -> dict[str, Any]:
    """The database locked by somebody else: predictions go on, wait in the spool, and are shipped afterwards."""
    killing = driver("flow/test_kill.py")
    flats.release(1)
    server = killing.Server(flats.root)
    address = server.ready()
    with closing(sqlite3.connect(flats.settings.state_db, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        callers = Caller.several(address, flats.row)
        time.sleep(seconds)
        health = killing.health_of(address)
        kept = {key: value for caller in callers for key, value in caller.end().items()}
        other.execute("ROLLBACK")
    failed = sum(number for caller in callers for status, number in caller.statuses.items() if status != 200)
    code, _ = server.end(signal.SIGTERM)
    said = int(health["status"] == "degraded")
    return {"said_so": said, **held(flats, kept), "failed": failed, "exit_code": code}


def crowd(flats: Any) -> dict[str, Any]:
    """Three times as many connections as the server has descriptors, and single rows beside them."""
    flats.release(1)
    files = 1_024
    command = [
        "bash",
        "-c",
        f"ulimit -n {files}; exec {sys.executable} -m slipway -C {flats.root} serve --port 0 --quiet",
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    address = process.stdout.readline().strip().removeprefix("http://")
    host, port = address.split(":")
    head = b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50\r\n"
    beginnings = (b"", b"GET /he", head, head + b"\r\n{", b"\r\n")
    opened, kept, failed = [], {}, 0
    for n in range(3 * files):
        with suppress(OSError):
            opened.append(socket.create_connection((host, int(port)), timeout=5))
            opened[-1].sendall(beginnings[n % len(beginnings)])
        if n % 50 == 0:
            try:
                with closing(http.client.HTTPConnection(address, timeout=10)) as connection:
                    answer = ask(connection, "/predict", flats.row)[1]
                    kept[answer["id"]] = (flats.row, answer["prediction"])
            except (OSError, http.client.HTTPException, KeyError):
                failed += 1
    process.send_signal(signal.SIGTERM)
    code = process.wait(timeout=60)
    for each in opened:
        each.close()
    return {"connections": len(opened), "failed": failed, **held(flats, kept), "exit_code": code}


BAD = (
    "lost", "changed", "kept_twice", "left_in_spool", "last_exit_code", "failed", "mixed", "went_back", "exit_code",
    "came_back", "truths_lost",
)  # fmt: skip


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("parts", nargs="*", metavar="PART")
    asked.add_argument("--kills", type=int, default=200)
    asked.add_argument("--swaps", type=int, default=200)
    asked.add_argument("--bodies", type=int, default=30_000)
    asked.add_argument("--seconds", type=float, default=75.0, help="of the two servers")
    asked.add_argument("--locked", type=float, default=60.0, help="seconds for which the database is locked")
    options = asked.parse_args()
    works: dict[str, Callable[[Any], dict[str, Any]]] = {
        "kill": lambda flats: kill(options.kills, flats),
        "swap": lambda flats: swap(options.swaps, flats),
        "mutate": lambda flats: mutate(options.bodies, flats),
        "pair": lambda flats: pair(options.seconds, flats),
        "full": full,
        "locked": lambda flats: locked(options.locked, flats),
        "crowd": crowd,
    }
    if unknown := set(options.parts) - set(works):
        asked.error(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(works)}")
    sys.path.insert(0, str(TESTS))
    flats = driver("conftest.py").Flats
    found: dict[str, dict[str, Any]] = {}
    for name in options.parts or works:
        with tempfile.TemporaryDirectory(prefix="slipway-") as folder:
            project = flats(Path(folder) / "flats")
            began = time.monotonic()
            found[name] = works[name](project)
            found[name]["seconds"] = round(time.monotonic() - began, 1)
            project.storage.close()
    print(json.dumps(found))
    for name, figures in found.items():
        for key, value in figures.items():
            print(f"  {name:<6} {key:<24} {value:>12,}", file=sys.stderr)
    return int(any(figures.get(key) for figures in found.values() for key in BAD))


if __name__ == "__main__":
    sys.exit(main())
