import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing

import pytest

from slipway.pipeline.proposed import lock_digest, mark_proposed
from slipway.pipeline.unchanged import unchanged


def settle(flats):
    """Run a project, and let its files be ones that nobody has touched for a while."""
    flats.run()
    mark_proposed(flats.settings, lock_digest(flats.settings))
    past = time.time_ns() - 60_000_000_000
    for path in flats.root.rglob("*"):
        if path.is_file() and path.name != "pipeline.json":
            os.utime(path, ns=(past, past))
    flats.run()


@pytest.fixture
def quiet(flats):
    settle(flats)
    return flats


def test_a_new_file_of_a_pattern_is_noticed(flats):
    flats.edit("slipway.toml", "data/raw/flats.csv", "data/raw/*.csv")
    settle(flats)
    assert unchanged(str(flats.root)) is not None
    flats.write("data/raw/more.csv", "area,rooms,price\n")
    assert unchanged(str(flats.root)) is None


@pytest.mark.parametrize(("max_age", "is_spared"), [(', max_age = "1h"', True), ("", False)])
def test_a_source_that_is_due_is_not_passed_over(flats, monkeypatch, max_age, is_spared):
    flats.write("slipway.toml", ASKED.format(max_age))
    with closing(sqlite3.connect(flats.root / "shop.db")) as connection, connection:
        connection.execute("CREATE TABLE flats (area TEXT, rooms INTEGER, price TEXT)")
        rows = [(f"{40 + i} m2", 1 + i % 4, "high" if i > 20 else "low") for i in range(40)]
        connection.executemany("INSERT INTO flats VALUES (?, ?, ?)", rows)
    settle(flats)
    assert (unchanged(str(flats.root)) is not None) == is_spared
    in_an_hour = time.time() + 3601
    monkeypatch.setattr(time, "time", lambda: in_an_hour)
    assert unchanged(str(flats.root)) is None


ASKED = """
name = "flats"
[sources]
raw = {{ sql = "select * from flats", database = "sqlite:///shop.db"{} }}
[model]
kind = "classification"
target = "price"
"""


def test_what_stands_still_is_unchanged(quiet):
    assert unchanged(str(quiet.root)) == (
        ["flats", "split", "model", "metrics"],
        str(quiet.root / "reports/metrics.json"),
    )


def test_while_a_candidate_is_still_to_be_registered_there_is_something_to_do(quiet):
    (quiet.root / ".slipway/proposed.json").unlink()
    assert unchanged(str(quiet.root)) is None
    quiet.run()
    assert unchanged(str(quiet.root)) is None


def test_a_run_that_changed_something_is_not_trusted_yet(flats):
    flats.run()
    assert unchanged(str(flats.root)) is None
    flats.run()  # its files are seconds old
    assert unchanged(str(flats.root)) is None


@pytest.mark.parametrize(
    "path",
    ["pipeline.py", "tidy.py", "slipway.toml", "params.yaml", "data/raw/flats.csv", "data/train.parquet", "dvc.lock"],
)
def test_a_touch_is_noticed(quiet, path):
    (quiet.root / path).touch()
    assert unchanged(str(quiet.root)) is None


@pytest.mark.parametrize("path", ["data/labelled/raw.parquet", ".dvc/config", ".dvcignore", "data/.dvcignore"])
def test_what_was_not_there_is_noticed(quiet, path):
    quiet.write(path, "")
    assert unchanged(str(quiet.root)) is None


def test_a_deleted_artifact_is_noticed(quiet):
    quiet.project.path("test").unlink()
    assert unchanged(str(quiet.root)) is None


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"format": 2}'])
def test_what_cannot_be_read_is_not_trusted(quiet, text):
    (quiet.root / ".slipway/unchanged.json").write_text(text)
    assert unchanged(str(quiet.root)) is None


def test_nothing_heavy_is_imported(quiet):
    program = (
        "import sys\nfrom slipway.pipeline.unchanged import unchanged\nassert unchanged(sys.argv[1])\n"
        "print([name for name in ('pathlib', 'tomllib', 'ast', 'dataclasses', 'inspect') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program, str(quiet.root)], capture_output=True, text=True)
    assert done.stderr == ""
    assert done.stdout in ("[]\n", "['pathlib']\n")
