"""A window of 1,000 predictions held against the reference beside many labels, by this build and by another in one run.

    python benchmarks/labels.py [--labels 200000] [--peer SRC] [--runs 5] [--json FILE]

SRC is the folder `src` of another commit's working tree (`git worktree add ../base COMMIT`, then `../base/src`); both
builds run in this environment, on copies of one project whose journal the peer has filled. Each build is asked for the
window in a process of its own, as the server's page, the monitor and an open watch ask for it; then a server of it
answers single rows while its page at `/` is opened.
"""

import argparse
import http.client
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

OURS = Path(__file__).resolve().parent.parent / "src"
ALONE_SECONDS, BESIDE_SECONDS = 5.0, 20.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--labels", type=int, default=200_000)
    parser.add_argument("--peer", type=Path)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--step", choices=("fill", "window"), help=argparse.SUPPRESS)
    parser.add_argument("--project", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.step is not None:
        print(json.dumps(fill(asked.project, asked.labels) if asked.step == "fill" else window(asked.project)))
        return 0
    builds = {"ours": OURS} | ({"peer": asked.peer.resolve()} if asked.peer else {})
    first = builds.get("peer", OURS)
    found: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as folder:
        project = make_project(Path(folder), first)
        step(first, "fill", project, labels=asked.labels)
        for name, source in builds.items():
            copy = Path(folder, name)
            shutil.copytree(project, copy)
            runs = [step(source, "window", copy) for _ in range(asked.runs if name == "ours" else 1)]
            found[name] = {key: statistics.median(run[key] for run in runs) for key in runs[0]}
            found[name] |= served(source, copy)
    shown = ("seconds", "cpu_seconds", "megabytes", "alone_p99_ms", "beside_p99_ms", "beside_longest_ms")
    print(" ".join([f"{'':>6}", *(f"{name:>18}" for name in shown)]))
    for name, figures in found.items():
        print(" ".join([f"{name:>6}", *(f"{figures[key]:>18.4f}" for key in shown)]))
    if asked.json is not None:
        asked.json.write_text(json.dumps(found, indent=1))
    if "peer" not in found:
        return 0
    # Of the processor's time: what else the machine does at the moment is no build's.
    times = found["peer"]["cpu_seconds"] / found["ours"]["cpu_seconds"]
    print(f"{times:,.0f} times as fast")
    return 0 if times >= 100 and found["ours"]["megabytes"] <= 150 else 1


def make_project(folder: Path, source: Path) -> Path:
    """A project of a table of ten columns, whose first version is live."""
    import numpy as np
    import polars as pl

    draw = np.random.default_rng(1)
    columns: dict[str, Any] = {f"n{i}": np.round(draw.normal(10 * i, 1 + i, 1_500), 3) for i in range(7)}
    columns |= {"count": draw.poisson(3, 1_500), "pair": draw.choice(["a", "b"], 1_500)}
    columns |= {"five": draw.choice(list("vwxyz"), 1_500)}
    columns["y"] = np.where(columns["n0"] + draw.normal(0, 0.5, 1_500) > 0, "yes", "no")
    pl.DataFrame(columns).write_csv(folder / "table.csv")
    slipway(source, folder, "new", "kept", "--from", "table.csv", "--target", "y", "--no-git", "--no-dvc", "-q")
    slipway(source, folder / "kept", "run", "-q")
    slipway(source, folder / "kept", "release", "-q", "--override", "to be measured")
    return folder / "kept"


def slipway(source: Path, folder: Path, *arguments: str) -> None:
    """One command of a build."""
    command = [sys.executable, "-m", "slipway", *arguments]
    subprocess.run(command, cwd=folder, env=environment(source), check=True, capture_output=True)


def step(source: Path, name: str, project: Path, labels: int = 0) -> dict[str, float]:
    """One step of this script by a build, in a process of its own."""
    command = [sys.executable, __file__, "--step", name, "--project", str(project), "--labels", str(labels)]
    done = subprocess.run(command, env=environment(source), check=True, stdout=subprocess.PIPE)
    measured: dict[str, float] = json.loads(done.stdout)
    return measured


def environment(source: Path) -> dict[str, str]:
    """What makes Python import that build, with one thread, so that a busy machine disturbs both alike."""
    return {**os.environ, "PYTHONPATH": str(source), "OMP_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1"}


def fill(folder: Path, labels: int) -> dict[str, float]:
    """Journal so many predictions with a truth each."""
    import polars as pl

    from slipway import open_project
    from slipway.records import Prediction, Truth, new_id

    rows = pl.read_csv(folder.parent / "table.csv").drop("y").to_dicts()
    with open_project(folder) as project:
        at = time.time() - labels / 100
        for start in range(0, labels, 5_000):
            keys = [new_id() for _ in range(start, min(start + 5_000, labels))]
            made = [
                Prediction(key, at + (start + n) / 100, 1, rows[(start + n) % 1_500], "yes", {"no": 0.25, "yes": 0.75})
                for n, key in enumerate(keys)
            ]
            project.storage.journal.append(made)
            project.storage.journal.append([Truth(new_id(), p.id, p.at + 1, "yes", "user:ada") for p in made])
    return {}


def window(folder: Path) -> dict[str, float]:
    """Seconds and memory that the latest window takes, in a process that has all else loaded."""
    from slipway import open_project
    from slipway.workspace import latest_drift

    with open_project(folder) as project:
        version = project.require_live()
        scorer, journal = project.scorer(version), project.storage.journal

        def look() -> tuple[float, float]:
            began, worked = time.perf_counter(), time.process_time()
            latest_drift(project.project, scorer, version, journal)
            return time.perf_counter() - began, time.process_time() - worked

        journal.last(1)  # the file is open, and of this build's format
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        first = look()
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        looks = [look() for _ in range(9)] if first[0] < 1 else [first]
    took, worked = (statistics.median(each) for each in zip(*looks, strict=True))
    return {"seconds": took, "cpu_seconds": worked, "megabytes": (after - before) / 1024, "first_seconds": first[0]}


def served(source: Path, folder: Path) -> dict[str, float]:
    """Latency of single rows of a server, alone and while its page is opened."""
    command = [sys.executable, "-m", "slipway", "-C", str(folder), "serve", "--port", "0", "--quiet"]
    process = subprocess.Popen(command, env=environment(source), stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        with urllib.request.urlopen(f"{url}/data/sample", timeout=60) as answer:
            sample = json.loads(answer.read())["rows"][0]
        body = json.dumps({key: value for key, value in sample.items() if key != "y"})
        host = url.removeprefix("http://").rstrip("/")
        ask(host, body, 1.0)
        alone = ask(host, body, ALONE_SECONDS)
        page: list[float] = []
        opening = threading.Thread(target=lambda: page.append(seconds(lambda: open_page(url))))
        opening.start()
        beside = ask(host, body, BESIDE_SECONDS, until=lambda: not opening.is_alive())
        opening.join()
    finally:
        process.terminate()
        process.wait()
    return {
        "alone_p99_ms": percentile(alone, 99), "beside_p99_ms": percentile(beside, 99),
        "beside_longest_ms": max(beside), "page_seconds": page[0],
    }  # fmt: skip


def ask(host: str, body: str, length: float, until: Callable[[], bool] = lambda: False) -> list[float]:
    """Milliseconds of one request after the other over a connection, for at least a second."""
    connection = http.client.HTTPConnection(host, timeout=120)
    found: list[float] = []
    began = time.perf_counter()
    while (passed := time.perf_counter() - began) < 1 or (passed < length and not until()):
        found.append(1_000 * seconds(lambda: post(connection, body)))
    connection.close()
    return found


def post(connection: http.client.HTTPConnection, body: str) -> None:
    """One prediction."""
    connection.request("POST", "/predict", body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    answer.read()
    assert answer.status == 200, answer.status


def open_page(url: str) -> None:
    """The page that shows the latest window."""
    request = urllib.request.Request(f"{url}/", headers={"Accept": "text/html"})
    with urllib.request.urlopen(request, timeout=300) as answer:
        answer.read()


def seconds(work: Callable[[], object]) -> float:
    """How long it takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def percentile(found: list[float], percent: int) -> float:
    """One of the values, below which so many of a hundred are."""
    return sorted(found)[min(len(found) - 1, len(found) * percent // 100)]


if __name__ == "__main__":
    sys.exit(main())
