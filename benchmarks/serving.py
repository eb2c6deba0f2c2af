"""A table of listings in, a comparison out: how an API of it starts and answers, beside MLflow's of the same model.

    python benchmarks/serving.py LISTINGS.csv [--seconds 8] [--runs 3] [--mlflow-python PYTHON]
    python benchmarks/serving.py LISTINGS.csv --batches [--before PYTHON]

The load generator is `wrk` (`apt-get install wrk`). Without --mlflow-python a virtual environment with the full mlflow
is made in a temporary folder; `--mlflow-python none` leaves the peer out.

With --batches it measures instead how long single rows take beside a request of 100,000, in each form that there is;
--before takes the Python of another version of Slipway to compare with, in turns.
"""

import argparse
import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

TARGET = "price_category_name"
CONNECTIONS = (1, 32)
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": ""}
SCRIPT = 'wrk.method="POST"; wrk.headers["Content-Type"]="application/json"; wrk.body=io.open("{body}"):read("*a")'


@dataclass(frozen=True, slots=True)
class Measured:
    """One run of one server."""

    start: float
    """Seconds from the command to its first answer."""
    idle_mb: float
    """Resident memory of its processes, before any load."""
    rates: dict[int, tuple[float, str, str, int]]
    """By connections: requests a second, median, 99th percentile, answers that were no 200."""


BATCH_ROWS = 100_000
MAX_BODY_BYTES = 16 * 1024 * 1024 - 1_000
OWN_ROUTE = """

def from_flats(body):
    return body["flats"]


def to_flats(rows, predictions, model):
    return {"answers": [each.prediction for each in predictions]}
"""


@dataclass(frozen=True, slots=True)
class Beside:
    """Single rows beside one batch."""

    alone: float
    """99th percentile in seconds before the batch."""
    beside: float
    """The same while it ran."""
    slowest: float
    health: float
    """The slowest answer of /health meanwhile."""
    batch: float
    """Seconds of the batch itself."""
    status: int


def main() -> None:
    given = _arguments()
    if given.batches:
        _measure_batches(given)
        return
    wrk = shutil.which("wrk")
    if wrk is None:
        sys.exit("wrk is not installed: apt-get install wrk")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        project, row = _project(folder, given.listings)
        servers = {"slipway": _slipway(project)}
        peer = _mlflow_python(folder, given.mlflow_python)
        bodies = {"slipway": _body(folder, "slipway", row)}
        if peer is not None:
            servers["mlflow models serve"] = _mlflow(project, peer)
            bodies["mlflow models serve"] = _body(folder, "mlflow", {"dataframe_records": [row]})
        found: dict[str, list[Measured]] = {name: [] for name in servers}
        for _ in range(given.runs):  # in turns, so that all meet the same machine
            for name, (command, path) in servers.items():
                found[name].append(_measure(command, path, bodies[name], wrk, given.seconds))
    print(_table(found))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("listings", type=Path, help="the housing table, 25,155 rows")
    parser.add_argument("--seconds", type=int, default=8)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--mlflow-python", default="")
    parser.add_argument("--batches", action="store_true", help="single rows beside a batch, and nothing else")
    parser.add_argument("--before", default="", help="the Python of another version, to compare with")
    return parser.parse_args()


def _project(
    folder: Path, listings: Path, more: str = "", python: str = sys.executable
) -> tuple[Path, dict[str, object]]:
    """A project made and released from the table, with `more` as its own route, and a row that its API takes."""
    folder.mkdir(exist_ok=True)
    project = folder / "flats"
    slipway = [python, "-m", "slipway"]
    _run([*slipway, "new", "flats", "--from", str(listings.resolve()), "--target", TARGET], folder)
    if more:
        for name, text in (
            ("pipeline.py", more),
            ("slipway.toml", '\n[api.routes]\n"/own" = { request = "from_flats", response = "to_flats" }\n'),
        ):
            with (project / name).open("a") as file:
                file.write(text)
    _run([*slipway, "run"], project)
    _run([*slipway, "release"], project)
    bundle = next((project / ".slipway" / "bundles").iterdir())
    columns = json.loads((bundle / "bundle.json").read_text())["schema"]["columns"]
    sample = json.loads((bundle / "sample.json").read_text())[0]
    return project, {column["name"]: sample[column["name"]] for column in columns}


def _slipway(project: Path, python: str = sys.executable) -> tuple[list[str], str]:
    return [python, "-m", "slipway", "-C", str(project), "serve", "--port", "8931"], "/predict"


def _mlflow(project: Path, python: str) -> tuple[list[str], str]:
    ENVIRONMENT["MLFLOW_TRACKING_URI"] = f"sqlite:///{project / 'mlflow.db'}"
    ENVIRONMENT["PATH"] = f"{Path(python).parent}:{ENVIRONMENT['PATH']}"  # it looks for its uvicorn there
    command = [python, "-m", "mlflow", "models", "serve", "-m", "models:/flats@production", "-p", "8931"]
    return [*command, "--env-manager", "local", "--workers", "1"], "/invocations"


def _mlflow_python(folder: Path, given: str) -> str | None:
    if given == "none":
        return None
    if given:
        return given
    python = folder / "peer" / "bin" / "python"
    _run([sys.executable, "-m", "venv", str(folder / "peer")], folder)
    here = str(Path(__file__).resolve().parents[1])
    _run([str(python), "-m", "pip", "install", "-q", "mlflow>=3.17,<4", here], folder)
    return str(python)


def _body(folder: Path, name: str, content: object) -> Path:
    path = folder / f"{name}.json"
    path.write_text(json.dumps(content))
    return path


def _measure(command: list[str], path: str, body: Path, wrk: str, seconds: int) -> Measured:
    url = f"http://127.0.0.1:8931{path}"
    began = time.monotonic()
    with _serving(command) as process:
        _first_answer(process, url, body)
        start = time.monotonic() - began
        time.sleep(2)
        idle = _resident_mb(process.pid)
        script = body.with_suffix(".lua")
        script.write_text(SCRIPT.format(body=body))
        rates = {}
        for connections in CONNECTIONS:
            asked = [wrk, "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", str(script), url]
            rates[connections] = _read(subprocess.run(asked, capture_output=True, text=True, check=True).stdout)
    return Measured(start, idle, rates)


@contextlib.contextmanager
def _serving(command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        command, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):  # it ended by itself
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=60)


def _first_answer(process: subprocess.Popen[bytes], url: str, body: Path) -> None:
    """Wait for it; a server that refuses what is sent is no server to compare with."""
    request = urllib.request.Request(url, body.read_bytes(), {"Content-Type": "application/json"})
    while True:
        if process.poll() is not None:
            sys.exit(f"{process.args} ended with {process.returncode}")
        with contextlib.suppress(OSError), urllib.request.urlopen(request, timeout=60):
            return
        time.sleep(0.01)


def _resident_mb(parent: int) -> float:
    """Of a process and all that it began."""
    total, waiting = 0, [parent]
    while waiting:
        pid = waiting.pop()
        status = Path(f"/proc/{pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+)", status)
        total += int(found[1]) if found else 0
        waiting += [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return total / 1024


def _measure_batches(given: argparse.Namespace) -> None:
    """Print how long single rows take beside a batch, for this version and for another."""
    pythons = {"before": given.before, "now": sys.executable} if given.before else {"now": sys.executable}
    found: dict[tuple[str, str], list[Beside]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        made = {  # each by the version that serves it: no version reads what a newer one wrote
            name: _project(Path(scratch) / name, given.listings, OWN_ROUTE, python) for name, python in pythons.items()
        }
        _, row = made["now"]
        bodies = _batches(row)
        for _ in range(given.runs):
            for name, python in pythons.items():
                with _serving(_slipway(made[name][0], python)[0]) as process:
                    url = "http://127.0.0.1:8931/predict"
                    _first_answer(process, url, _body(Path(scratch), "one", row))
                    for form, (path, body) in bodies.items():
                        found.setdefault((form, name), []).append(_beside(row, path, body))
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n")
    print("| batch | version | p99 alone ms | p99 beside ms | slowest ms | /health, slowest ms | batch s | status |")
    print("|---" * 8 + "|")
    for (form, name), runs in found.items():
        cells = [
            f"{statistics.median(getattr(run, key) for run in runs) * 1000:,.0f}"
            for key in ("alone", "beside", "slowest", "health")
        ]
        seconds = statistics.median(run.batch for run in runs)
        print(f"| {form} | {name} | {' | '.join(cells)} | {seconds:.1f} | {runs[0].status} |")


def _batches(row: dict[str, object]) -> dict[str, tuple[str, bytes]]:
    columns = json.dumps({name: [value] * BATCH_ROWS for name, value in row.items()}).encode()
    fitting = min(BATCH_ROWS, MAX_BODY_BYTES // (len(json.dumps(row)) + 2))
    rows = [row] * fitting
    return {
        "columns": ("/predict", columns),
        "columns, /predict/batch": ("/predict/batch", columns),
        f"list of {fitting:,}": ("/predict", json.dumps(rows).encode()),
        f"own route, {fitting:,}": ("/own", json.dumps({"flats": rows}).encode()),
        "4 million empty lists": ("/predict", b"[" + b",".join([b"[]"] * 4_000_000) + b"]"),
    }


def _beside(row: dict[str, object], path: str, body: bytes) -> Beside:
    """Ask for single rows and for health, each on a connection of its own, before and while a batch is answered."""
    kept: dict[str, list[float]] = {"row": [], "health": []}
    stopped = threading.Event()

    def ask(name: str, method: str, where: str, content: bytes | None) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", 8931, timeout=120)
        while not stopped.is_set():
            began = time.perf_counter()
            connection.request(method, where, content, {"Content-Type": "application/json"})
            connection.getresponse().read()
            kept[name].append(time.perf_counter() - began)
            time.sleep(0.005)

    threads = [
        threading.Thread(target=ask, args=("row", "POST", "/predict", json.dumps(row).encode())),
        threading.Thread(target=ask, args=("health", "GET", "/health", None)),
    ]
    for thread in threads:
        thread.start()
    time.sleep(3)
    alone, kept["row"], kept["health"] = kept["row"][20:], [], []
    connection = http.client.HTTPConnection("127.0.0.1", 8931, timeout=300)
    began = time.perf_counter()
    connection.request("POST", path, body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    answer.read()
    took = time.perf_counter() - began
    stopped.set()
    for thread in threads:
        thread.join()
    return Beside(_p99(alone), _p99(kept["row"]), max(kept["row"]), max(kept["health"]), took, answer.status)


def _p99(seconds: list[float]) -> float:
    return statistics.quantiles(seconds, n=100, method="inclusive")[-1] if len(seconds) > 1 else seconds[0]


def _read(said: str) -> tuple[float, str, str, int]:
    def one(pattern: str) -> str:
        found = re.search(pattern, said)
        return found[1] if found else "0"

    return float(one(r"Requests/sec:\s+(\S+)")), one(r"50%\s+(\S+)"), one(r"99%\s+(\S+)"), int(one(r"Non-2xx.*: (\d+)"))


def _table(found: dict[str, list[Measured]]) -> str:
    heads = [f"{c} connections req/s (min–max; p50 / p99; failed)" for c in CONNECTIONS]
    lines = [
        f"| server | start to first answer s | idle RSS MB | {' | '.join(heads)} |",
        "|---" * (3 + len(heads)) + "|",
    ]
    for name, runs in found.items():
        cells = []
        for connections in CONNECTIONS:
            rates = [run.rates[connections] for run in runs]
            each = [rate[0] for rate in rates]
            middle = rates[each.index(statistics.median_low(each))]
            failed = sum(rate[3] for rate in rates)
            cells.append(f"{middle[0]:,.0f} ({min(each):,.0f}–{max(each):,.0f}; {middle[1]} / {middle[2]}; {failed})")
        start = statistics.median(run.start for run in runs)
        idle = statistics.median(run.idle_mb for run in runs)
        lines.append(f"| {name} | {start:.1f} | {idle:.0f} | {' | '.join(cells)} |")
    return "\n".join([f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}", "", *lines])


def _run(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")


if __name__ == "__main__":
    main()
