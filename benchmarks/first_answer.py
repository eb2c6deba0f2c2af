"""A table in; the seconds from `slipway new` on it to the first answer of its API over HTTP out, with what they go to.

    python benchmarks/first_answer.py LISTINGS.csv [--target price_category_name] [--runs 5]

Both commands are whole processes, with packages installed and their bytecode compiled. `up` runs, gates, releases and
serves; its first answer is that to a request with a real row, which it prints.
"""

import argparse
import json
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path, help="such as the housing table, 25,155 rows")
    parser.add_argument("--target", default="price_category_name")
    parser.add_argument("--runs", type=int, default=5)
    asked = parser.parse_args()
    found = [measure(asked.table.resolve(), asked.target) for _ in range(asked.runs)]
    figures = {name: [round(each[name], 2) for each in found] for name in found[0]}
    for name, seconds in figures.items():
        print(f"{name:<14} {statistics.median(seconds):6.2f} s  ({min(seconds)}–{max(seconds)})", file=sys.stderr)
    print(json.dumps(figures))
    return 0


def measure(table: Path, target: str) -> dict[str, float]:
    slipway = [sys.executable, "-m", "slipway"]
    with tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        subprocess.run(
            [*slipway, "new", "flats", "--from", str(table), "--target", target, "--quiet"], cwd=folder, check=True
        )
        made = time.monotonic()
        up = subprocess.Popen(
            [*slipway, "-C", "flats", "up", "--port", "0", "--quiet"],
            cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        try:
            assert up.stdout is not None
            lines = iter(up.stdout.readline, "")
            next(line for line in lines if line.startswith("curl"))
            serving = time.monotonic()
            answer = json.loads(next(lines))
            answered = time.monotonic()
        finally:
            up.send_signal(signal.SIGTERM)
            up.wait(60)
        assert "prediction" in answer, answer
    return {
        "new": made - began,
        "up to serving": serving - made,
        "answer": answered - serving,
        "whole": answered - began,
    }


if __name__ == "__main__":
    sys.exit(main())
