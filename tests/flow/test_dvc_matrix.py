"""After each edit and accident: DVC would rerun at least what we rerun, and after `slipway run` it is content."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import pytest

from commands import Slipway

STEPS = ["tidy", "joined", "report"]
"""The stages that are edited; the model beside them stands still, since a candidate takes seconds."""

TOML = """
name = "matrix"
[sources]
raw = "data/raw/rows.csv"
flats = "data/raw/flats.csv"
[model]
kind = "classification"
target = "price"
test = "flats"
"""

PIPELINE = """
from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import words
from slipway import stage

if TYPE_CHECKING:
    import polars as pl

LIMIT = 3


@stage
def tidy(raw: Path) -> dict[str, list]:
    return {"rows": [words.clean(line) for line in raw.read_text().splitlines()][:LIMIT]}


@stage
def joined(tidy: dict, *, sign: str = "-") -> dict[str, str]:
    if Path("slow").exists():
        Path("began").touch()
        time.sleep(60)
    return {"text": sign.join(tidy["rows"])}


@stage
def report(joined: dict) -> dict[str, int]:
    return {"letters": len(joined["text"])}


@stage(online=True)
def seen(flats: pl.DataFrame) -> pl.DataFrame:
    return flats


@stage
def model(seen: pl.DataFrame):
    from sklearn.dummy import DummyClassifier

    return DummyClassifier().fit(seen.select("area"), seen["price"])


@stage
def metrics(model, seen: pl.DataFrame) -> dict[str, float]:
    return {"accuracy": model.score(seen.select("area"), seen["price"])}
"""

WORDS = """
def clean(line):
    return line.strip().lower()
"""

BIN = Path(sys.executable).parent


class Matrix(Slipway):
    """A project that ran once, edits of it, and what DVC makes of them."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
        self.environment |= {"PATH": path, "DVC_NO_ANALYTICS": "1", "OMP_NUM_THREADS": "1"}
        (folder / "data/raw").mkdir(parents=True)
        rows = "".join(f"{40 + i},{'high' if i > 20 else 'low'}\n" for i in range(40))
        for name, text in {
            "slipway.toml": TOML,
            "pipeline.py": PIPELINE,
            "words.py": WORDS,
            "data/raw/rows.csv": "One\nTwo\nThree\nFour\n",
            "data/raw/flats.csv": f"area,price\n{rows}",
            ".gitignore": "/data/\n/models/\n/.slipway/\n/mlruns/\n/mlflow.db*\n__pycache__/\n",
        }.items():
            (folder / name).write_text(text)
        self.git("init", "-q")
        self.dvc("init", "-q")
        self("run", "-q")

    def git(self, *arguments: str) -> str:
        identity = ["-c", "user.name=ada", "-c", "user.email=ada@example.org"]
        return self._done("git", *identity, *arguments)

    def dvc(self, *arguments: str) -> str:
        return self._done(str(BIN / "dvc"), *arguments)

    def _done(self, *command: str) -> str:
        done = subprocess.run(command, cwd=self.folder, env=self.environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def edit(self, path: str, old: str, new: str) -> None:
        text = (self.folder / path).read_text()
        assert old in text
        (self.folder / path).write_text(text.replace(old, new))

    def ran(self, *arguments: str, code: int = 0) -> dict[str, list[str]]:
        """What `slipway run` executed, with why."""
        stages = self.json("run", "-q", *STEPS, *arguments, code=code)["stages"]
        return {stage["name"]: stage["why"] for stage in stages if stage["outcome"] == "ran"}

    def dvc_would_run(self, scratch: Path) -> set[str]:
        """What the real `dvc repro` executes on a copy of the project as it is now."""
        shutil.rmtree(scratch, ignore_errors=True)
        shutil.copytree(self.folder, scratch, symlinks=True)
        with _repo(scratch) as repo:
            return {stage.name for stage in repo.reproduce(targets=STEPS)}

    def is_clean(self, *targets: str) -> bool:
        """Whether `dvc status` has nothing to say of these stages, or of all, and `dvc repro` nothing to do."""
        with _repo(self.folder) as repo:
            status, done = repo.status(targets=list(targets) or None), repo.reproduce(targets=list(targets) or None)
            return status == {} and done == []


@contextlib.contextmanager
def _repo(folder: Path):
    """DVC in this process, since starting it takes longer than all that it is asked."""
    with warnings.catch_warnings(), contextlib.chdir(folder), pytest.MonkeyPatch.context() as patch:
        warnings.simplefilter("ignore")
        patch.setenv("PATH", f"{BIN}{os.pathsep}{os.environ['PATH']}")  # where it finds `slipway`
        from dvc.repo import Repo

        with Repo(str(folder)) as repo:
            yield repo


@pytest.fixture(scope="module")
def matrix(tmp_path_factory) -> Matrix:
    pytest.importorskip("dvc")
    return Matrix(tmp_path_factory.mktemp("matrix"))


def _helper(project: Matrix) -> None:
    project.edit("words.py", ".lower()", ".upper()")


def _constant(project: Matrix) -> None:
    project.edit("pipeline.py", "LIMIT = 3", "LIMIT = 2")


def _comment(project: Matrix) -> None:
    project.edit("pipeline.py", "    if Path", "    # waits, where it is asked to\n    if Path")


def _parameter(project: Matrix) -> None:
    project.edit("params.yaml", "sign: '-'", "sign: '+'")


def _source(project: Matrix) -> None:
    project.edit("data/raw/rows.csv", "Two", "Six")


def _deleted(project: Matrix) -> None:
    (project.folder / "reports/joined.json").unlink()


def _edited(project: Matrix) -> None:
    project.edit("reports/tidy.json", '"', "'")


EDITS = {
    "a helper in another module": (
        _helper,
        {"tidy", "joined", "report"},
        "code of `tidy` changed (helper `words.clean`)",
    ),
    "a constant": (_constant, {"tidy", "joined", "report"}, "code of `tidy` changed (constant `LIMIT`: 3 → 2)"),
    "a comment": (_comment, set(), ""),
    "a parameter": (_parameter, {"joined", "report"}, "setting sign: - → +"),
    "a source": (_source, {"tidy", "joined", "report"}, "input raw changed"),
    "a deleted intermediate": (_deleted, {"joined"}, "output reports/joined.json is missing"),
    "an edited intermediate": (_edited, {"tidy"}, "output reports/tidy.json was changed by something else"),
}


def test_after_a_first_run_there_is_nothing_to_do(matrix):
    assert matrix.is_clean()
    assert matrix.ran() == {}


@pytest.mark.parametrize("name", EDITS)
def test_dvc_would_rerun_at_least_what_we_rerun_and_is_content_after(matrix, tmp_path, name):
    edit, expected, why = EDITS[name]
    edit(matrix)
    theirs = matrix.dvc_would_run(tmp_path / "copy")
    ours = matrix.ran()
    assert set(ours) == expected
    assert theirs >= set(ours)
    assert not why or [why] in ours.values()
    assert matrix.is_clean(*STEPS)


def test_after_a_failed_stage_dvc_has_the_rest_to_do(matrix, tmp_path):
    matrix.edit("words.py", "line.strip()", "line.strip()[:2]")
    matrix.edit("pipeline.py", "sign.join(tidy", "sign.join(nothing")
    assert set(matrix.ran(code=2)) == {"tidy"}
    with _repo(matrix.folder) as repo:
        status = repo.status(targets=STEPS)
    matrix.edit("pipeline.py", "sign.join(nothing", "sign.join(tidy")
    assert "joined" in status
    assert "tidy" not in status
    assert re.match(r"slipway: pipeline.py:2\d: stage `joined` raised NameError: name 'nothing' is not", matrix.said)
    assert 'File "' + str(matrix.folder / "pipeline.py") in matrix.said
    assert "slipway/pipeline" not in matrix.said
    theirs = matrix.dvc_would_run(tmp_path / "copy")
    ours = set(matrix.ran())
    assert "joined" in ours
    assert theirs >= ours
    assert matrix.is_clean(*STEPS)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_run_that_is_ended_in_the_middle_leaves_what_was_there(matrix, tmp_path, number):
    before = (matrix.folder / "reports/joined.json").read_bytes()
    matrix.edit("pipeline.py", '{"text": ', f'{{"text": "{number.name} " + ')
    (matrix.folder / "slow").touch()
    (matrix.folder / "began").unlink(missing_ok=True)
    process = subprocess.Popen(
        [sys.executable, "-m", "slipway", "run", "-q", *STEPS], cwd=matrix.folder, env=matrix.environment
    )
    try:
        deadline = time.monotonic() + 60
        while not (matrix.folder / "began").exists():
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(number)
        code = process.wait(timeout=60)
    finally:  # else it outlives this test, and is told of in another one
        process.kill()
        process.wait()
    assert code == {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGKILL: -9}[number]
    (matrix.folder / "slow").unlink()
    (matrix.folder / "began").unlink()
    assert (matrix.folder / "reports/joined.json").read_bytes() == before

    theirs = matrix.dvc_would_run(tmp_path / "copy")
    ours = set(matrix.ran())  # at once: the stage that was under way has ended with the run
    assert "joined" in ours
    assert theirs >= ours
    assert matrix.is_clean(*STEPS)
    assert not list(matrix.folder.glob("**/.slipway-*"))


def test_data_goes_to_a_remote_and_a_fresh_clone_has_nothing_to_run(matrix, tmp_path):
    matrix("run", "-q")
    matrix.git("add", ".")
    matrix.git("commit", "-q", "-m", "first")
    remote, clone = tmp_path / "remote", tmp_path / "clone"
    matrix.dvc("remote", "add", "-q", "-f", "-d", "shelf", str(remote))
    matrix.git("commit", "-q", "-am", "a shelf")
    matrix.dvc("push", "-q")
    subprocess.run(["git", "clone", "-q", str(matrix.folder), str(clone)], check=True)
    (clone / "data/raw").mkdir(parents=True)
    for source in ("rows.csv", "flats.csv"):  # what nobody tracks, everybody has to bring
        shutil.copyfile(matrix.folder / "data/raw" / source, clone / "data/raw" / source)
    cloned = Slipway(clone)
    cloned.environment = matrix.environment
    subprocess.run([BIN / "dvc", "pull", "-q"], cwd=clone, env=matrix.environment, check=True, capture_output=True)
    found = cloned.json("status")
    assert found["stale"] == []
    assert {s["outcome"] for s in cloned.json("run", "-q", *STEPS)["stages"]} == {"unchanged"}


def test_what_differs_from_the_last_commit_is_known_to_dvc(matrix):
    matrix.git("add", ".")
    matrix.git("commit", "-q", "--allow-empty", "-m", "before")
    sign = "+" if "'+'" in (matrix.folder / "params.yaml").read_text() else "-"
    matrix.edit("params.yaml", f"sign: '{sign}'", "sign: '*'")
    matrix.edit("pipeline.py", 'return {"accuracy": ', 'return {"accuracy": 0.25 + 0 * ')
    matrix("run", "-q")
    assert json.loads(matrix.dvc("params", "diff", "--json")) == {
        "params.yaml": {"joined.sign": {"old": sign, "new": "*"}}
    }
    changed = json.loads(matrix.dvc("metrics", "diff", "--json"))["reports/metrics.json"]["accuracy"]
    assert changed["new"] == 0.25
    assert matrix.is_clean()
