"""A spool shipped by one shipper to PostgreSQL, and to SQLite in the same run; JSON and a table of medians out.

    python benchmarks/journal.py [--predictions 100000] [--runs 5] [--json FILE] [--url postgresql://…]

The spool is what a server under load has written: segments of predictions over eleven columns, with probabilities.
Without --url a server from the system's packages is made and run with its own defaults, `fsync` on. Reading is that of
a window of 1,000 and of every row.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from slipway.journal import Shipper, SpoolWriter
from slipway.records import Prediction, new_id
from slipway.settings import read_settings
from slipway.storage import Storage, open_storage

TESTS = Path(__file__).resolve().parent.parent / "tests"
AIM = 20_000
ROW = {
    "area": 120.5, "rooms": 3, "floor": 2, "age": None, "city": "Tirana", "quarter": "Blloku", "type": "flat",
    "furnished": True, "elevator": False, "description": "two balconies, a view of the park", "code": "001",
}  # fmt: skip


def fill(spool: Path, count: int) -> None:
    """Predictions as a server writes them: a few in each write."""
    writer = SpoolWriter(spool)
    for start in range(0, count, 10):
        writer.write(
            [
                Prediction(new_id(), 1.8e9 + number / 100, 3, {**ROW, "area": number / 7}, "low",
                           {"low": 0.7312345678901234, "mid": 0.2, "high": 0.0687654321098766}, 1.234)
                for number in range(start, min(start + 10, count))
            ]
        )  # fmt: skip
    writer.close()


def measured(storage: Storage, spool: Path, count: int) -> dict[str, float]:
    """Predictions a second, shipped and read back."""
    already = storage.journal.count()[0]
    shipped = seconds(lambda: Shipper(spool, storage.journal).ship())
    assert storage.journal.count()[0] == already + count, "not everything came, or something came twice"
    window = seconds(lambda: storage.journal.last(1000))
    every = seconds(lambda: storage.journal.since(0.0))
    return {"shipped_per_s": count / shipped, "window_ms": 1000 * window, "read_per_s": (already + count) / every}


def seconds(work: Callable[[], object]) -> float:
    """How long it takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


@contextmanager
def server(url: str | None) -> Iterator[str]:
    """The given server, or one of our own that keeps what it is told as any other does."""
    if url is not None:
        yield url
        return
    sys.path.insert(0, str(TESTS))
    import postgres

    with postgres.server(is_quick=False) as running:
        yield running.url


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--predictions", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--url")
    asked = parser.parse_args()
    found: dict[str, list[dict[str, float]]] = {"sqlite": [], "postgres": []}
    with tempfile.TemporaryDirectory() as folder, server(asked.url) as url:
        for number in range(asked.runs):
            for backend, runs in found.items():
                place = Path(folder, backend)
                place.mkdir(exist_ok=True)
                said = {"SLIPWAY_STATE_URL": url} if backend == "postgres" else {}
                storage = open_storage(read_settings(place, said))
                spool = place / f"spool-{number}"
                fill(spool, asked.predictions)
                runs.append(measured(storage, spool, asked.predictions))
                storage.close()
        with psycopg.connect(url) as connection:
            version = connection.info.server_version // 10_000
    medians = {
        backend: {name: statistics.median(run[name] for run in runs) for name in runs[0]}
        for backend, runs in found.items()
    }
    print(f"{'':>10} {'shipped/s':>12} {'window of 1,000, ms':>20} {'read/s':>12}   (PostgreSQL {version})")
    for backend, m in medians.items():
        print(f"{backend:>10} {m['shipped_per_s']:>12,.0f} {m['window_ms']:>20.1f} {m['read_per_s']:>12,.0f}")
    if asked.json is not None:
        asked.json.write_text(json.dumps({"medians": medians, "runs": found}, indent=1))
    return 0 if medians["postgres"]["shipped_per_s"] >= AIM else 1


if __name__ == "__main__":
    sys.exit(main())
