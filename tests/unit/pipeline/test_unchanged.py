import os
import subprocess
import sys
import time

import pytest

from slipway.pipeline.proposed import lock_digest, mark_proposed
from slipway.pipeline.unchanged import unchanged


@pytest.fixture
def quiet(flats):
    """A project whose files nobody has touched for a while."""
    flats.run()
    mark_proposed(flats.settings, lock_digest(flats.settings))
    past = time.time_ns() - 60_000_000_000
    for path in flats.root.rglob("*"):
        if path.is_file() and path.name != "pipeline.json":
            os.utime(path, ns=(past, past))
    flats.run()
    return flats


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


@pytest.mark.parametrize("path", ["data/labelled/raw.parquet", ".dvc/config"])
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
