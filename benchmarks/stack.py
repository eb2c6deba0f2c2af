"""The examples in, figures of their stacks out: rendering, start to first prediction, idle memory, the API's rate.

    python benchmarks/stack.py [--runs 3] [--seconds 8]

Images are built before anything is timed. The load generator is `wrk` (`apt-get install wrk`); without it the rate is
that of four Python threads, which is theirs more than the API's, and the table says so.
"""

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Rows = list[tuple[str, str, str]]
ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from commands import Slipway  # noqa: E402
from documents import HOUSING_REQUEST, OBESITY_REQUEST  # noqa: E402
from engine import Stack, asked, docker, has_engine  # noqa: E402
from load import Load  # noqa: E402

LUA = 'wrk.method="POST"; wrk.headers["Content-Type"]="application/json"; {token}wrk.body=io.open("{body}"):read("*a")'
IDLE_SECONDS = 45
"""After the last container is well, until its memory is read: start-up's garbage is gone by then."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=8)
    given = parser.parse_args()
    if not has_engine():
        sys.exit("there is no Docker engine that answers `docker info`")
    rows: Rows = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        rows += _linear(folder, given.runs)
        rows += _housing(folder, given.runs, given.seconds)
        rows += _obesity(folder, given.runs)
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n")
    print("| what | asked | measured |\n|---|---|---|")
    for what, wanted, found in rows:
        print(f"| {what} | {wanted} | {found} |")


def _linear(folder: Path, runs: int) -> Rows:
    def predict(stack: Stack) -> Any:
        return stack.ask("model-serve", "/predict", {"values": [5]})

    with _started(folder, "linear", runs, predict) as (stack, seconds):
        rendered = [_timed(lambda: stack.slipway("stack", "render")) for _ in range(max(runs, 5))]
        return [
            ("`slipway stack render`", "0.3 s", _spread(rendered, 2)),
            ("linear, `up --wait` → first prediction", "30 s", _spread(seconds)),
        ]


def _housing(folder: Path, runs: int, seconds: int) -> Rows:
    def predict(stack: Stack) -> Any:
        return stack.ask("api", "/predict", HOUSING_REQUEST)

    with _started(folder, "housing", runs, predict) as (stack, started):
        time.sleep(IDLE_SECONDS)
        memory = _memory_mb(stack)
        listed = ", ".join(f"{name} {size:.0f}" for name, size in sorted(memory.items(), key=lambda one: -one[1]))
        passed_on, inside, outside, by = _rates(stack, seconds, folder)
        return [
            ("housing, `up --wait` → first prediction", "90 s", _spread(started)),
            ("housing, idle memory of all containers", "1,500 MB", f"{sum(memory.values()):,.0f} MB ({listed})"),
            (
                "API in its container, of what it serves outside",
                "0.8 ×",
                f"{inside / outside:.2f} × ({inside:,.0f} against {outside:,.0f} req/s, {by})",
            ),
            (
                "the same, by the published port: docker-proxy passes each byte on",
                "",
                f"{passed_on / outside:.2f} × ({passed_on:,.0f} req/s)",
            ),
        ]


def _obesity(folder: Path, runs: int) -> Rows:
    def predict(stack: Stack) -> Any:
        return stack.ask("api", "/predict", OBESITY_REQUEST)

    with _started(folder, "obesity", runs, predict, "api") as (_, seconds):
        return [("obesity, `up api` → first prediction", "90 s", _spread(seconds))]


@contextmanager
def _started(
    folder: Path, example: str, runs: int, predict: Callable[[Stack], Any], *services: str
) -> Iterator[tuple[Stack, list[float]]]:
    """A stack that is up, and the seconds from the command to the first answer, each time of a project just made."""
    found: list[float] = []
    for run in range(runs):
        place = folder / f"{example}-{run}"
        place.mkdir()
        stack = Stack(place, example, f"bench-{example}")
        try:
            stack.down()
            stack.slipway("stack", "render")
            stack.slipway("stack", "secrets")
            stack.compose("--parallel", "1", "build", seconds=3600)
            began = time.monotonic()
            stack.compose("up", "-d", "--wait", *services)
            predict(stack)
            found.append(time.monotonic() - began)
            if run == runs - 1:
                yield stack, found
        finally:
            stack.down()


def _rates(stack: Stack, seconds: int, folder: Path) -> tuple[float, float, float, str]:
    """Requests a second of the API: in its container, by the port that the engine passes on; there, at its own address;
    and of the same project's outside. All in turns.
    """
    outside = folder / "outside"
    outside.mkdir()
    slipway = Slipway(outside)
    slipway("new", "housing", "--example", "housing")
    with slipway.serving("-C", "housing", "up", "--port", "0") as server:
        url = server.line().split()[3].removesuffix("/predict")
        networks = stack.inspected("api")["NetworkSettings"]["Networks"].values()
        own = f"http://{next(each['IPAddress'] for each in networks)}:{stack.services()['api']['ports'][0]['target']}"
        token = stack.secret("api_token")
        pairs = [(stack.url("api"), token), (own, token), (url, "")]
        found: list[list[float]] = [[], [], []]
        for _ in range(3):
            for place, (address, held) in enumerate(pairs):
                assert asked(address + "/predict", HOUSING_REQUEST, held)[0] == 200
                found[place].append(_rate(address, held, seconds, folder))
    by = "wrk, 32 connections" if shutil.which("wrk") else "four threads of Python"
    passed_on, inside, outside_rate = map(statistics.median, found)
    return passed_on, inside, outside_rate, by


def _rate(url: str, token: str, seconds: int, folder: Path) -> float:
    wrk = shutil.which("wrk")
    if wrk is None:
        with Load(url, token, "/predict", lambda _: HOUSING_REQUEST, pause=0.0) as load:
            time.sleep(seconds)
        return len(load.acknowledged) / seconds
    body, script = folder / "body.json", folder / "script.lua"
    body.write_text(json.dumps(HOUSING_REQUEST))
    header = f'wrk.headers["Authorization"]="Bearer {token}"; ' if token else ""
    script.write_text(LUA.format(token=header, body=body))
    asking = [wrk, "-t1", "-c32", f"-d{seconds}s", "-s", str(script), f"{url}/predict"]
    said = subprocess.run(asking, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in said:
        sys.exit(f"the API refused: {said}")
    found = re.search(r"Requests/sec:\s+(\S+)", said)
    assert found is not None
    return float(found[1])


def _memory_mb(stack: Stack) -> dict[str, float]:
    """Of each running container, without the kernel's cache of files that it could give back."""
    running = stack.stdout("ps", "--quiet", "--status", "running").split()
    shown = docker("stats", "--no-stream", "--format", "{{.Name}}\t{{.MemUsage}}", *running)
    found = {}
    for line in shown.splitlines():
        name, usage = line.split("\t")
        number, unit = re.match(r"([\d.]+)(\w+)", usage).groups()  # type: ignore[union-attr]
        size = float(number) * {"KiB": 1 / 1024, "MiB": 1, "GiB": 1024}[unit] * 1.048576
        found[name.removeprefix(f"{stack.name}-").removesuffix("-1")] = size
    return found


def _timed(work: Any) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


def _spread(seconds: list[float], digits: int = 1) -> str:
    return f"{statistics.median(seconds):.{digits}f} s ({min(seconds):.{digits}f}–{max(seconds):.{digits}f})"


if __name__ == "__main__":
    main()
