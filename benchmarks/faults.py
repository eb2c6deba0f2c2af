"""Kill a server under load, and release under load, many times: what was lost, and what failed.

`python benchmarks/faults.py [--kills 200] [--swaps 200]` prints one JSON object on standard output and a table on
standard error, and ends with 1 where anything was lost or failed. The drivers are those of tests/flow.
"""

import argparse
import importlib.util
import itertools
import json
import random
import signal
import statistics
import sys
import tempfile
import time
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
    from slipway.journal import read_spool

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
    journal = flats.storage.journal
    found = {key: (p.row, p.prediction) for key, p in journal.find(list(acknowledged)).items()}
    kept = journal.count()[0]
    return {
        "kills": count // AT_ONCE * AT_ONCE,
        "acknowledged": len(acknowledged),
        "lost": len(acknowledged.keys() - found.keys()),
        "changed": sum(found[key] != acknowledged[key] for key in found),
        "kept_twice": kept - len({p.id for p in journal.last(10**9)}),
        "kept_unacknowledged": kept - len(found),
        "left_in_spool": len(read_spool(flats.settings.spool)),
        "last_exit_code": code,
    }


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


BAD = ("lost", "changed", "kept_twice", "left_in_spool", "last_exit_code", "failed", "mixed", "went_back", "exit_code")


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    asked.add_argument("--kills", type=int, default=200)
    asked.add_argument("--swaps", type=int, default=200)
    options = asked.parse_args()
    sys.path.insert(0, str(TESTS))
    flats = driver("conftest.py").Flats
    found: dict[str, dict[str, Any]] = {}
    for name, work, count in (("kill", kill, options.kills), ("swap", swap, options.swaps)):
        with tempfile.TemporaryDirectory(prefix="slipway-") as folder:
            project = flats(Path(folder) / "flats")
            began = time.monotonic()
            found[name] = work(count, project)
            found[name]["seconds"] = round(time.monotonic() - began, 1)
            project.storage.close()
    print(json.dumps(found))
    for name, figures in found.items():
        for key, value in figures.items():
            print(f"  {name:<6} {key:<24} {value:>12,}", file=sys.stderr)
    return int(any(figures.get(key) for figures in found.values() for key in BAD))


if __name__ == "__main__":
    sys.exit(main())
