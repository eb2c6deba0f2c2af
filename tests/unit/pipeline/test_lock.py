"""The real DVC, as a subprocess, on what a run has written."""

import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from slipway.errors import ProjectError
from slipway.pipeline.locked import read_lock
from slipway.project.yaml_text import flow_text

BIN = Path(sys.executable).parent
UP_TO_DATE = "Data and pipelines are up to date.\n"


def dvc(flats, *arguments):
    program = shutil.which("dvc", path=f"{BIN}{os.pathsep}{os.environ['PATH']}")
    if program is None:
        pytest.skip("needs dvc")
    environment = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "DVC_NO_ANALYTICS": "1"}
    done = subprocess.run([program, *arguments], cwd=flats.root, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def tracked(flats):
    dvc(flats, "init", "--no-scm", "-q")
    return flats


def cached(flats):
    return sorted(p for p in (flats.root / ".dvc/cache/files/md5").rglob("*") if p.is_file())


def test_dvc_agrees_after_a_run_a_comment_and_a_setting(tracked):
    tracked.run()
    assert dvc(tracked, "status") == UP_TO_DATE
    tracked.edit("pipeline.py", "    tested = int", "    # rounded down\n    tested = int")
    assert dvc(tracked, "status") != UP_TO_DATE
    assert {s.outcome for s in tracked.run().stages} == {"unchanged"}
    assert dvc(tracked, "status") == UP_TO_DATE
    tracked.run("model.leaves=2")
    assert dvc(tracked, "status") == UP_TO_DATE
    assert "didn't change" in dvc(tracked, "repro")


def test_dvc_writes_the_same_files_as_we_do(tracked):
    tracked.run()
    lock = (tracked.root / "dvc.lock").read_text()
    stages = (tracked.root / "dvc.yaml").read_text()
    (tracked.root / "dvc.lock").unlink()
    dvc(tracked, "commit", "--force")  # DVC's own record of what is there
    assert (tracked.root / "dvc.lock").read_text() == lock
    assert (tracked.root / "dvc.yaml").read_text() == stages


def test_the_cache_is_dvcs_own(tracked):
    tracked.run()
    objects = cached(tracked)
    assert len(objects) == 4  # flats, train, test, model; metrics are for git
    assert {stat.S_IMODE(p.stat().st_mode) for p in objects} == {0o444}
    before = tracked.project.path("train").read_bytes()
    for name in ("flats", "train", "test", "model"):
        tracked.project.path(name).unlink()
    dvc(tracked, "checkout")
    assert tracked.project.path("train").read_bytes() == before
    assert tracked.stale() == []


def test_data_goes_to_a_remote_and_comes_back_and_nothing_is_run_again(tracked, tmp_path_factory):
    remote, clone = tmp_path_factory.mktemp("remote"), tmp_path_factory.mktemp("clone") / "flats"
    tracked.run()
    dvc(tracked, "remote", "add", "-d", "shelf", str(remote))
    dvc(tracked, "push")
    shutil.copytree(tracked.root, clone, ignore=shutil.ignore_patterns(".slipway", "cache", "*.parquet", "models"))
    tracked.root = clone
    dvc(tracked, "pull")
    assert dvc(tracked, "status") == UP_TO_DATE
    assert {s.outcome for s in tracked.run().stages} == {"unchanged"}
    tracked.edit("params.yaml", "leaves: 3", "leaves: 2")
    assert [s.why for s in tracked.run().stages if s.outcome == "ran"] == [
        ("setting leaves: 3 → 2",),
        ("input model changed",),
    ]


def test_a_failed_run_leaves_the_rest_for_dvc_to_see(tracked):
    tracked.run()
    tracked.edit("pipeline.py", "leaves, random_state=7", "leaves, random_state=nothing")
    assert tracked.run().failed
    status = dvc(tracked, "status")
    assert status.startswith("model:\n")
    assert "split:" not in status


def test_dvc_itself_runs_our_stages(tracked):
    pytest.importorskip("slipway.cli")
    tracked.run()
    tracked.edit("params.yaml", "leaves: 3", "leaves: 2")
    assert "slipway stage model" in dvc(tracked, "repro")
    assert dvc(tracked, "status") == UP_TO_DATE
    assert {s.outcome for s in tracked.run().stages} == {"unchanged"}


def git(flats, *arguments):
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run(["git", *identity, *arguments], cwd=flats.root, check=True, capture_output=True)


def test_what_differs_from_the_last_commit_is_known_to_dvc(flats):
    git(flats, "init", "-q")
    dvc(flats, "init", "-q")
    flats.write(".gitignore", "data/\nmodels/\n.slipway/\n__pycache__/\n")
    flats.run()
    git(flats, "add", ".")
    git(flats, "commit", "-q", "-m", "three leaves")
    flats.run("model.leaves=2")
    assert dvc(flats, "status") == UP_TO_DATE
    changed = json.loads(dvc(flats, "params", "diff", "--json"))
    assert changed == {"params.yaml": {"model.leaves": {"old": 3, "new": 2, "diff": -1}}}
    assert "accuracy" in dvc(flats, "metrics", "diff", "--all")


def test_labelled_rows_and_the_files_reached_are_dependencies(flats):
    from slipway.tables.files import read_table, write_table

    write_table(read_table(flats.root / "data/raw/flats.csv").head(2), flats.project.labelled("raw"))
    flats.run()
    stages = yaml.safe_load((flats.root / "dvc.yaml").read_text())["stages"]
    assert stages["flats"]["deps"] == ["data/labelled/raw.parquet", "data/raw/flats.csv", "pipeline.py", "tidy.py"]
    assert stages["split"]["deps"] == ["data/flats.parquet", "pipeline.py"]


def test_without_dvc_the_files_are_written_and_no_cache(flats):
    flats.run()
    assert yaml.safe_load((flats.root / "dvc.lock").read_text())["schema"] == "2.0"
    assert not (flats.root / ".dvc").exists()


def test_a_cache_that_came_later_is_filled(flats):
    flats.run()
    dvc(flats, "init", "--no-scm", "-q")
    flats.run()
    assert len(cached(flats)) == 4


def test_a_cache_elsewhere_is_used(tracked, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("cache")
    dvc(tracked, "cache", "dir", str(elsewhere))
    tracked.run()
    assert len([p for p in (elsewhere / "files/md5").rglob("*") if p.is_file()]) == 4
    assert cached(tracked) == []


def test_stages_that_somebody_else_wrote_stay(tracked):
    theirs = "stages:\n  own:\n    cmd: echo\n"
    tracked.write("dvc.yaml", theirs)
    report = tracked.run()
    assert not report.failed
    assert report.notes == ("dvc.yaml is not Slipway's, so it and dvc.lock stay as they are.",)
    assert (tracked.root / "dvc.yaml").read_text() == theirs
    assert not (tracked.root / "dvc.lock").exists()


@pytest.mark.parametrize(
    "value",
    ["yes", "1e5", ".5", "0o7", "a: b", "", "x y", "#", "~", "2024-01-01", None, True, [1, "no"], {"a": [1]}, 0.5, "é",
     float("inf"), -float("inf"), 1e-7, {0: 0.1, 1: "1"}, {True: "x", 1.5: []}, "1:30", "<<", "it's"],
)  # fmt: skip
def test_every_value_of_a_setting_comes_back_to_dvc_and_changes_nothing(flats, value):
    flats.edit("pipeline.py", "leaves: int = 3", "leaves: int = 3, other=None")
    flats.write("params.yaml", f"model:\n  other: {flow_text(value)}\n")
    flats.run(wanted=["model"])
    meant = {"model.leaves": 3, "model.other": value}
    assert read_by_dvc(flats, "dvc.lock")["stages"]["model"]["params"] == {"params.yaml": meant}
    assert read_by_dvc(flats, "params.yaml")["model"]["other"] == value
    assert {s.outcome for s in flats.run(wanted=["model"]).stages} == {"unchanged"}


def read_by_dvc(flats, file):
    from dvc.utils.serialize import load_yaml

    return load_yaml(str(flats.root / file))


@pytest.mark.parametrize(
    "text",
    [
        "stages:\n  split:\n    cmd: slipway stage split\n    deps: data/flats.parquet\n",
        "stages:\n  split:\n    cmd: slipway stage split\n    deps: [data/flats.parquet]\n",
        "stages:\n  split:\n    cmd: slipway stage split\n    outs:\n    - md5: abc\n",
        "stages:\n  split:\n    cmd: slipway stage split\n    params: [a]\n",
        "stages:\n  split:\n    cmd: slipway stage split\n    params:\n      params.yaml: 3\n",
    ],
)
def test_a_lock_whose_entries_are_of_another_shape_is_named(flats, text):
    flats.write("dvc.lock", text)
    with pytest.raises(ProjectError, match=r"dvc\.lock: stage `split`"):
        read_lock(flats.project)
