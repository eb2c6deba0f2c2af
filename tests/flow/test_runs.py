"""The runner as a user meets it: stages that end their process, two runs at once, runs compared, what is imported."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

from commands import Slipway

TOML = """
name = "small"
[sources]
flats = "data/flats.csv"
[model]
kind = "classification"
target = "price"
test = "flats"
[commands.counted]
cmd = "wc -l < data/flats.csv > counted.txt"
reads = ["data/flats.csv"]
writes = ["counted.txt"]
"""

PIPELINE = """
import os, signal, time
from pathlib import Path
from slipway import stage

SHARE = 0.5

@stage
def early(*, how: str = "well") -> dict:
    if how == "exit":
        os._exit(0)
    if how == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "child":
        if os.fork() == 0:
            os._exit(3)  # a process of the stage's own may end as it likes
        os.wait()
    return {"how": how}

@stage
def slow(early: dict) -> dict:
    while Path("wait").exists():
        Path("waiting").touch()
        time.sleep(0.02)
    return {}

@stage(online=True)
def seen(flats: "polars.DataFrame") -> "polars.DataFrame":
    return flats

@stage
def model(seen: "polars.DataFrame", *, depth: int = 1):
    from sklearn.tree import DecisionTreeClassifier
    return DecisionTreeClassifier(max_depth=depth).fit(seen.select("area"), seen["price"])

@stage
def metrics(model, seen: "polars.DataFrame") -> dict[str, float]:
    return {"accuracy": SHARE * model.score(seen.select("area"), seen["price"])}
"""


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> Slipway:
    folder = tmp_path_factory.mktemp("small")
    (folder / "data").mkdir()
    rows = "".join(f"{40 + i},{'high' if 10 < i < 30 else 'low'}\n" for i in range(40))
    (folder / "data/flats.csv").write_text(f"area,price\n{rows}")
    (folder / "slipway.toml").write_text(TOML)
    (folder / "pipeline.py").write_text(PIPELINE)
    slipway = Slipway(folder)
    slipway("run", "-q")
    return slipway


@pytest.mark.parametrize(
    ("how", "code", "said"),
    [
        ("exit", 2, "stage `early` ended the process with code 0 before it was done"),
        ("kill", 3, "stage `early`: its process was ended by SIGKILL. Is memory short?"),
    ],
)
def test_a_stage_that_ends_its_process_is_an_error_and_the_next_run_is_fine(small, how, code, said):
    before = (small.folder / "reports/early.json").read_bytes()
    assert small("run", "-q", "--set", f"early.how={how}", "early", code=code) == ""
    assert f"slipway: pipeline.py:9: {said}" in small.said
    assert (small.folder / "reports/early.json").read_bytes() == before
    small("run", "-q", "--set", "early.how=child", "early")
    assert json.loads((small.folder / "reports/early.json").read_text()) == {"how": "child"}
    small("run", "-q", "--set", "early.how=well", "early")


def in_its_stage(small):
    """A run in another process whose stage has begun, and waits until `wait` is removed."""
    (small.folder / "wait").touch()
    process = subprocess.Popen(
        [sys.executable, "-m", "slipway", "run", "-q", "--force", "slow"], cwd=small.folder, env=small.environment
    )
    while not (small.folder / "waiting").exists():
        assert process.poll() is None
        time.sleep(0.02)
    return process


def test_a_second_run_waits_ten_seconds_and_says_who_is_busy(small):
    first = in_its_stage(small)
    started = time.monotonic()
    small("run", "-q", "--force", "slow", code=4)
    assert time.monotonic() - started >= 10
    assert "runs this project and was not done after 10 s" in small.said
    (small.folder / "wait").unlink()
    assert first.wait(timeout=60) == 0
    (small.folder / "waiting").unlink()


def test_a_run_that_is_killed_takes_its_stage_with_it(small):
    process = in_its_stage(small)
    process.send_signal(signal.SIGKILL)
    assert process.wait(timeout=60) == -signal.SIGKILL
    started = time.monotonic()
    (small.folder / "wait").unlink()
    (small.folder / "waiting").unlink()
    small("run", "-q", "slow")
    assert time.monotonic() - started < 10  # nobody held the lock


def test_runs_are_compared_also_when_an_old_bundle_is_gone(small):
    small("run", "-q", "--set", "model.depth=2")
    found = small.json("runs")["versions"]
    assert [version["version"] for version in found] == [1, 2]
    assert [version["settings"]["model.depth"] for version in found] == [1, 2]
    assert found[0]["metrics"]["accuracy"] < found[1]["metrics"]["accuracy"] == 0.5
    assert found[0]["sources"] == found[1]["sources"] != {}
    assert found[0]["differs"] is None
    assert found[1]["differs"] == ["setting model.depth: 1 → 2"]
    assert [version["tested_on"]["rows"] for version in found] == [40, 40]
    assert found[1]["tested_on"]["same_as_version_before"] is True
    shutil.rmtree(small.folder / ".slipway/bundles")
    gone = [{**version, "tested_on": None} for version in found]  # the rows themselves went with the bundles
    assert small.json("runs")["versions"] == gone
    shown = small("runs")
    assert "model.depth" in shown
    assert "Version 2 differs from the one before: setting model.depth: 1 → 2." in shown
    shutil.rmtree(small.folder / ".slipway/runs")
    assert [version["metrics"] for version in small.json("runs")["versions"]] == [{}, {}]


LOADED = """
import sys
from slipway.__main__ import main
try:
    main(sys.argv[1:])
except SystemExit as end:
    assert not end.code, end.code
print(*sorted({name.split(".")[0] for name in sys.modules} - set(sys.stdlib_module_names)), file=sys.stderr)
print(*sorted(name for name in sys.modules if name.startswith("slipway")), file=sys.stderr)
print(*sorted(set(sys.modules) & {"ast", "tomllib", "inspect", "dataclasses", "sqlite3", "asyncio"}), file=sys.stderr)
"""


def loaded(slipway, *arguments):
    """What a command imports: libraries, our own modules, and the heavier of the standard library's."""
    done = subprocess.run(
        [sys.executable, "-I", "-c", LOADED, *arguments],
        cwd=slipway.folder,
        env=slipway.environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return [set(line.split()) for line in done.stderr.splitlines()[-3:]]


def test_a_run_without_changes_imports_nothing_that_it_does_not_need(small):
    small("run", "-q")
    past = time.time() - 60
    for path in small.folder.rglob("*"):
        if path.is_file() and path.name != "pipeline.json":
            os.utime(path, (past, past))
    small("run", "-q")  # writes down that nothing changed
    libraries, ours, standard = loaded(small, "run", "-q")
    assert {name for name in libraries if not name.startswith("_")} <= {"slipway", "sitecustomize"}
    assert ours == {
        "slipway",
        "slipway.__main__",
        "slipway.errors",
        "slipway.garbage",
        "slipway.pipeline",
        "slipway.pipeline.dvcignore",
        "slipway.pipeline.folders",
        "slipway.pipeline.unchanged",
        "slipway.quick",
        "slipway.stages",
    }
    assert standard == set()


def test_help_imports_the_command_line_alone(small):
    libraries, ours, standard = loaded(small, "--help")
    assert {name for name in libraries if not name.startswith("_")} <= {
        "slipway", "typer", "annotated_doc", "shellingham", "typing_extensions", "sitecustomize", "colorama",
    }  # fmt: skip
    assert {name for name in ours if not name.startswith("slipway.cli")} == {
        "slipway", "slipway.__main__", "slipway.errors", "slipway.garbage", "slipway.quick", "slipway.stages",
    }  # fmt: skip
    assert standard <= {"ast", "inspect", "dataclasses"}
