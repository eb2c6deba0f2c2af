"""Drift of 1,000,000 rows × 20 columns against a saved profile, beside Evidently's, in one run: seconds and memory.

    python benchmarks/drift.py [--rows 1000000] [--times 5] [--no-peer]

Each is measured as a whole process that reads a Parquet file and prints JSON. Evidently gets a virtual environment of
its own in a temporary folder; without a way to the package registry it is left out, with a word.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

OURS = """
import json, sys
import polars as pl
from slipway.monitor.check import check
from slipway.profile.count import Profile
from slipway.project import Monitor
profile = Profile.from_json(json.load(open("profile.json")))
window = pl.read_parquet("window.parquet")
print(json.dumps(check(Monitor(), profile, window, [], window).to_json()))
"""

PEER = """
import pandas as pd
from evidently import Dataset, DataDefinition, Report
from evidently.presets import DataDriftPreset
reference, window = (pd.read_parquet(name) for name in ("reference.parquet", "window.parquet"))
numbers = [name for name in reference if name.startswith("n")]
texts = [name for name in reference if name.startswith("t")]
definition = DataDefinition(numerical_columns=numbers, categorical_columns=texts)
sides = [Dataset.from_pandas(side, data_definition=definition) for side in (window, reference)]
print(Report([DataDriftPreset(method="psi")]).run(*sides).json())
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--no-peer", action="store_true")
    asked = parser.parse_args()
    place = Path(tempfile.mkdtemp(prefix="slipway-drift-"))
    try:
        write_tables(place, asked.rows)
        results = {"slipway": measure(place, Path(sys.executable), OURS, asked.times)}
        peer = None if asked.no_peer else peer_python(place)
        if peer is not None:
            results["evidently"] = measure(place, peer, PEER, max(1, min(asked.times, 3)))
        show(results, asked.rows)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    return 0


def write_tables(place: Path, rows: int) -> None:
    """A reference, its profile, and a window of the same kind: 15 columns of numbers, 5 of categories."""
    import numpy as np
    import polars as pl

    from slipway.profile.count import build_profile

    def table(seed: int) -> pl.DataFrame:
        random = np.random.default_rng(seed)
        columns: dict[str, object] = {}
        for i in range(12):
            columns[f"n{i}"] = random.normal(size=rows) if i % 2 else random.gamma(2.0, 50.0, rows)
        for i in range(3):
            columns[f"n{12 + i}"] = random.poisson(20, rows)
        for i, many in enumerate((5, 20, 50, 200, 1_000)):
            names = np.array([f"category {code}" for code in range(many)])
            columns[f"t{i}"] = names[random.zipf(1.3, rows) % many]
        return pl.DataFrame(columns)

    reference = table(1)
    reference.write_parquet(place / "reference.parquet")
    table(2).write_parquet(place / "window.parquet")
    profile = build_profile(reference, [0.0, 1.0], reference, kind="regression")
    (place / "profile.json").write_text(json.dumps(profile.to_json()))


def peer_python(place: Path) -> Path | None:
    """The interpreter of an environment that has Evidently, compiled; None where it can't be had."""
    python = place / "peer/bin/python"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    for command in (
        [sys.executable, "-m", "venv", str(place / "peer")],
        [str(python), "-m", "pip", "install", "--quiet", "--compile", "evidently>=0.7,<0.8", "pandas<3", "pyarrow"],
    ):
        done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
        if done.returncode != 0:
            print(f"Evidently is left out: {(done.stderr or done.stdout).strip().splitlines()[-1:]}", file=sys.stderr)
            return None
    return python


def measure(place: Path, python: Path, script: str, times: int) -> dict[str, object]:
    """Wall seconds of each run after a first one that warms the disk's cache, and the largest resident size in MB."""
    seconds, sizes = [], []
    for turn in range(times + 1):
        started = time.perf_counter()
        process = subprocess.Popen([str(python), "-c", script], cwd=place, stdout=subprocess.PIPE)
        assert process.stdout is not None
        said = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0 or not json.loads(said):
            raise SystemExit(f"the run ended with {process.returncode}")
        if turn:
            seconds.append(time.perf_counter() - started)
            sizes.append(usage.ru_maxrss / 1024)
    return {"seconds": seconds, "megabytes": max(sizes)}


def show(results: dict[str, dict[str, object]], rows: int) -> None:
    print(f"Drift of {rows:,} × 20, whole process with reading Parquet, JSON out; {os.cpu_count()} cores")
    for name, found in results.items():
        seconds = found["seconds"]
        assert isinstance(seconds, list)
        spread = f"{min(seconds):.2f} to {max(seconds):.2f}"
        print(f"  {name:<10} {statistics.median(seconds):7.2f} s  ({spread})  {found['megabytes']:,.0f} MB")


if __name__ == "__main__":
    sys.exit(main())
