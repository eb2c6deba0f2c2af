"""Stages run by Slipway and by DVC on the same work, in turns, as whole processes; JSON and a table of medians out.

    python benchmarks/runner.py [--quick] [--json FILE]

Nothing changed (8 stages; and with a folder of 10,000 files), a first run of 8 × 50 MB, a first run that makes one
file of a gigabyte, and `--help`. Needs `slipway` and `dvc` beside the interpreter that runs this.
"""

import argparse
import json
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

BIN = Path(sys.executable).parent
STAGES = 8

TOML = """
name = "bench"
[sources]
{sources}
[model]
kind = "regression"
target = "y"
artifact = "model"
test = "rows"
"""

# What both do: a stage writes its file from the one before it.
WORK = """
def made(before, megabytes, number):
    block = (str(number) * 997 + before[:64].decode("latin1")).encode() * 64
    size = int(megabytes * 1_000_000)
    return (block * (size // len(block) + 1))[:size]
"""

SCRIPT = """
import sys
from work import made
number, megabytes, source, target = int(sys.argv[1]), float(sys.argv[2]), sys.argv[3], sys.argv[4]
with open(source, "rb") as file:
    before = file.read(64)
with open(target, "wb") as file:
    file.write(made(before, megabytes, number))
"""


@dataclass(frozen=True)
class Measured:
    """Seconds of several runs of one command."""

    seconds: list[float]
    megabytes: float

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    def to_json(self) -> dict[str, object]:
        spread = [min(self.seconds), max(self.seconds)]
        return {"median_s": self.median, "spread_s": spread, "runs": len(self.seconds), "peak_mb": self.megabytes}


class Bench:
    """Two folders with the same stages: one of functions for Slipway, one of plain commands for DVC."""

    def __init__(self, root: Path, megabytes: float, files: int = 0, stages: int = STAGES) -> None:
        self.ours, self.theirs = root / "ours", root / "theirs"
        for folder in (self.ours, self.theirs):
            (folder / "data").mkdir(parents=True)
            (folder / "data/start.txt").write_text("start")
            (folder / "data/rows.csv").write_text("x,y\n" + "".join(f"{n},{2 * n + n % 3}\n" for n in range(60)))
            (folder / "work.py").write_text(WORK)
            for number in range(files):
                place = folder / "many" / f"{number // 100:03}"
                place.mkdir(parents=True, exist_ok=True)
                (place / f"{number % 100}.txt").write_text(f"{number}\n" * 20)
            run("git", "init", "-q", cwd=folder)
            run("dvc", "init", "-q", cwd=folder)
        self._write_ours(megabytes, stages, bool(files))
        self._write_theirs(megabytes, stages, bool(files))
        self.last = f"s{stages - 1}"

    def _write_ours(self, megabytes: float, stages: int, has_folder: bool) -> None:
        sources = ['start = "data/start.txt"', 'rows = "data/rows.csv"', *(['many = "many/"'] if has_folder else [])]
        (self.ours / "slipway.toml").write_text(TOML.format(sources="\n".join(sources)))
        lines = ["from pathlib import Path", "from slipway import stage", "from work import made", ""]
        before = "start"
        for number in range(stages):
            also = "many: Path, " if has_folder and number == 0 else ""
            lines += [
                "@stage",
                f"def s{number}({before}: Path, {also}*, place: Path) -> Path:",
                f"    with {before}.open('rb') as file:",
                f"        place.write_bytes(made(file.read(64), {megabytes}, {number}))",
                "",
            ]
            before = f"s{number}"
        lines += [
            "@stage",
            "def model(rows: 'polars.DataFrame'):",
            "    from sklearn.linear_model import LinearRegression",
            "    return LinearRegression().fit(rows.select('x'), rows['y'])",
        ]
        (self.ours / "pipeline.py").write_text("\n".join(lines))

    def _write_theirs(self, megabytes: float, stages: int, has_folder: bool) -> None:
        (self.theirs / "script.py").write_text(SCRIPT)
        lines, before = ["stages:"], "data/start.txt"
        for number in range(stages):
            deps = [before, "script.py", "work.py", *(["many"] if has_folder and number == 0 else [])]
            lines += [
                f"  s{number}:",
                f"    cmd: {sys.executable} script.py {number} {megabytes} {before} data/s{number}",
                "    deps:",
                *(f"    - {dep}" for dep in deps),
                "    outs:",
                f"    - data/s{number}",
            ]
            before = f"data/s{number}"
        (self.theirs / "dvc.yaml").write_text("\n".join(lines) + "\n")

    def slipway(self) -> None:
        """All stages, and the model beside them."""
        run("slipway", "run", "-q", cwd=self.ours)

    def slipway_stages(self) -> None:
        """The stages that DVC has, too."""
        run("slipway", "run", "-q", self.last, cwd=self.ours)

    def dvc(self) -> None:
        run("dvc", "repro", "-q", cwd=self.theirs)

    def settle(self) -> None:
        """Both know that nothing changed, and no file is as young as a clock's grain."""
        self.slipway()
        self.dvc()
        past = time.time() - 60
        for folder in (self.ours, self.theirs):
            for path in folder.rglob("*"):
                if path.is_file() and ".dvc" not in path.parts and path.name != "pipeline.json":
                    os.utime(path, (past, past))
        self.slipway()

    def forget(self) -> None:
        """As before the first run."""
        for folder in (self.ours, self.theirs):
            shutil.rmtree(folder / ".slipway", ignore_errors=True)
            (folder / "dvc.lock").unlink(missing_ok=True)
            for path in folder.glob("data/s*"):
                if path.name != "start.txt":
                    path.unlink()
            for place in (".dvc/cache", ".dvc/tmp"):
                shutil.rmtree(folder / place, ignore_errors=True)
        (self.ours / "dvc.yaml").unlink(missing_ok=True)


def run(program: str, *arguments: str, cwd: Path) -> None:
    environment = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "DVC_NO_ANALYTICS": "1"}
    done = subprocess.run([program, *arguments], cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{program} {' '.join(arguments)} ended with {done.returncode}:\n{done.stderr}")


def alternately(rounds: int, before: Callable[[], None], *works: Callable[[], None]) -> list[Measured]:
    """Each work so many times, in turns, so that whatever else the machine does falls on all of them."""
    seconds: list[list[float]] = [[] for _ in works]
    peaks = [0.0 for _ in works]
    for _ in range(rounds):
        before()
        for at, work in enumerate(works):
            began = time.perf_counter()
            work()
            seconds[at].append(time.perf_counter() - began)
            peaks[at] = max(peaks[at], resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)
    return [Measured(found, peak) for found, peak in zip(seconds, peaks, strict=True)]


def nothing() -> None:
    pass


def main() -> None:
    parser = argparse.ArgumentParser(description="Slipway's runner beside DVC's.")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, smaller files")
    parser.add_argument("--json", type=Path, help="write the figures here, too")
    asked = parser.parse_args()
    rounds, megabytes, files = (3, 5, 2_000) if asked.quick else (9, 50, 10_000)
    rows: dict[str, tuple[Measured, Measured | None, float | None, float | None]] = {}
    with tempfile.TemporaryDirectory(prefix="slipway-bench-") as folder:
        root = Path(folder)
        small = Bench(root / "small", 0.001)
        small.settle()
        ours, theirs = alternately(rounds, nothing, small.slipway, small.dvc)
        rows["nothing changed, 8 stages"] = (ours, theirs, 0.10, 6.0)
        many = Bench(root / "many", 0.001, files)
        many.settle()
        ours, theirs = alternately(rounds, nothing, many.slipway, many.dvc)
        rows[f"nothing changed, {files:,} files as an input"] = (ours, theirs, None, 5.0)
        large = Bench(root / "large", megabytes)
        ours, theirs = alternately(max(3, rounds // 2), large.forget, large.slipway_stages, large.dvc)
        rows[f"first run, 8 × {megabytes} MB"] = (ours, theirs, None, 2.5)
        shutil.rmtree(root / "large")
        one = Bench(root / "one", megabytes * 20, stages=1)
        ours, theirs = alternately(3, one.forget, one.slipway_stages, one.dvc)
        rows[f"first run, one file of {megabytes * 20:,} MB"] = (ours, theirs, None, None)
        (helped,) = alternately(rounds, nothing, lambda: run("slipway", "--help", cwd=root))
        rows["slipway --help"] = (helped, None, 0.12, None)
    report(rows, asked.json)


def report(rows: dict[str, tuple[Measured, Measured | None, float | None, float | None]], file: Path | None) -> None:
    machine = f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}"
    figures: dict[str, object] = {"machine": machine}
    print(f"{machine}\n")
    print("| what | Slipway s (spread) | DVC s (spread) | ratio | asked |")
    print("|---|---|---|---|---|")
    for name, (ours, theirs, most, ratio) in rows.items():
        times = None if theirs is None else theirs.median / ours.median
        asked = [f"≤ {most:.2f} s"] if most is not None else []
        asked += [f"≥ {ratio:g} ×"] if ratio is not None else []
        cells = [name, shown(ours), shown(theirs), "" if times is None else f"{times:.1f} ×", ", ".join(asked)]
        print(f"| {' | '.join(cells)} |")
        figures[name] = {
            "slipway": ours.to_json(),
            "dvc": None if theirs is None else theirs.to_json(),
            "ratio": times,
            "asked_s": most,
            "asked_ratio": ratio,
        }
    print("\n" + json.dumps(figures, indent=2))
    if file is not None:
        file.write_text(json.dumps(figures, indent=2) + "\n")


def shown(measured: Measured | None) -> str:
    if measured is None:
        return ""
    return f"{measured.median:.3f} ({min(measured.seconds):.3f}–{max(measured.seconds):.3f})"


if __name__ == "__main__":
    main()
