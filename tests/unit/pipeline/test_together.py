import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from slipway.errors import OutsideError, StageError
from slipway.pipeline.run import run, run_lock

SLIPWAY_TOML = """\
name = "sides"
[sources]
raw = "data/raw/flats.csv"
[model]
kind = "classification"
target = "price"
test = "both"
"""

PIPELINE = '''\
import os
import signal
import time
from pathlib import Path

import polars as pl
from sklearn.tree import DecisionTreeClassifier

from slipway import stage


def meet(me, other):
    """Come back when the other is here too."""
    Path(me).touch()
    end = time.monotonic() + 60
    while not Path(other).exists():
        if time.monotonic() > end:
            raise RuntimeError("the other never came")
        time.sleep(0.01)


@stage
def left(raw: pl.DataFrame, *, n: int = 1) -> pl.DataFrame:
    print("said by left")
    meet("left.here", "right.here")
    return raw.head(20)


@stage
def right(raw: pl.DataFrame) -> pl.DataFrame:
    meet("right.here", "left.here")
    time.sleep(0.3)
    return raw.tail(20)


@stage
def both(left: pl.DataFrame, right: pl.DataFrame) -> pl.DataFrame:
    return pl.concat([left, right])


@stage
def model(both: pl.DataFrame):
    return DecisionTreeClassifier(random_state=7).fit(both.select("rooms"), both["price"])
'''


@pytest.fixture
def sides(flats):
    flats.write("slipway.toml", SLIPWAY_TOML)
    flats.write("pipeline.py", PIPELINE)
    return flats


def run_two(flats, tables=None, **options):
    with run_lock(flats.settings):
        return run(flats.project, flats.settings, tables, jobs=2, **options)


def edit_left(sides, line):
    sides.edit("pipeline.py", '    print("said by left")\n', f'    meet("left.here", "right.here")\n    {line}\n')


def forget(sides):
    for name in ("left.here", "right.here"):
        (sides.root / name).unlink(missing_ok=True)


def test_stages_that_do_not_need_each_other_run_at_the_same_time(sides, outcomes):
    report = run_two(sides)  # each waits for the other: one after the other they would fail
    assert [(s.name, s.outcome) for s in report.stages] == [(n, "ran") for n in ("left", "right", "both", "model")]
    assert report.error is None
    assert outcomes(run_two(sides)) == dict.fromkeys(("left", "right", "both", "model"), "unchanged")
    assert outcomes(sides.run()) == outcomes(run_two(sides))


def test_what_is_written_down_is_what_one_at_a_time_writes(sides):
    run_two(sides)
    files = ("dvc.yaml", "dvc.lock", "params.yaml", "data/both.parquet")
    before = [(sides.root / name).read_bytes() for name in files]
    sides.run(force=True)  # those who meet find that the other was there
    assert [(sides.root / name).read_bytes() for name in files] == before


def test_settings_reach_the_other_process(sides):
    sides.edit("pipeline.py", "raw.head(20)", "raw.head(n)")
    assert run_two(sides, sets=["left.n=3"]).error is None
    from slipway.tables.files import read_table

    assert read_table(sides.project.path("left")).height == 3


def test_after_a_failure_those_under_way_finish_and_no_other_begins(sides, outcomes):
    run_two(sides)
    before = sides.project.path("left").read_bytes()
    forget(sides)
    edit_left(sides, 'raise RuntimeError("no")')
    sides.edit("pipeline.py", "raw.tail(20)", "raw.tail(19)")
    report = run_two(sides)
    assert outcomes(report) == {"left": "failed", "right": "ran", "both": "not reached", "model": "not reached"}
    assert isinstance(report.error, StageError)
    assert "stage `left` raised RuntimeError: no" in str(report.error)
    assert report.stages[2].why == ("`left` failed",)
    assert sides.project.path("left").read_bytes() == before
    assert not list(sides.root.rglob(".slipway-*"))
    sides.edit("pipeline.py", '    raise RuntimeError("no")\n', "")
    assert outcomes(sides.run())["right"] == "unchanged"  # what finished beside the failure is known


def test_two_failures_are_both_told(sides, outcomes):
    edit_left(sides, 'raise RuntimeError("left is wrong")')
    sides.edit("pipeline.py", "    time.sleep(0.3)\n", '    raise RuntimeError("right is wrong")\n')
    report = run_two(sides)
    assert outcomes(report) == {"left": "failed", "right": "failed", "both": "not reached", "model": "not reached"}
    assert "left is wrong" in str(report.error)
    assert "right is wrong" in str(report.error)


@pytest.mark.parametrize(
    ("line", "kind", "told"),
    [
        ("os._exit(3)", StageError, r"pipeline.py:\d+: stage `left`: its process ended with code 3"),
        ("os.kill(os.getpid(), signal.SIGKILL)", OutsideError, r"stage `left`: .* ended by SIGKILL. Is memory short\?"),
    ],
)
def test_a_process_that_dies_is_a_stage_that_failed(sides, outcomes, line, kind, told):
    edit_left(sides, line)
    report = run_two(sides)
    assert outcomes(report)["left"] == "failed"
    assert outcomes(report)["right"] == "ran"
    with pytest.raises(kind, match=told):
        raise report.error


def test_what_a_stage_prints_is_no_result(sides, capfd):
    run_two(sides)
    printed = capfd.readouterr()
    assert printed.out == ""
    assert "said by left" in printed.err


def test_those_that_use_the_database_keep_their_order(flats):
    from slipway.storage.sqlite_tables import SqliteTables

    publishing = (
        "    began = time.time()\n    time.sleep(0.5)\n    return pl.DataFrame({{'{0}': [began, time.time()]}})\n"
    )
    flats.write("slipway.toml", SLIPWAY_TOML.replace('raw = "data/raw/flats.csv"', "").replace('"price"', '"b"'))
    flats.write(
        "pipeline.py",
        "import time\nimport polars as pl\nfrom sklearn.linear_model import LinearRegression\n"
        "from slipway import stage\n"
        f"@stage(publish='first')\ndef first() -> pl.DataFrame:\n{publishing.format('a')}"
        f"@stage(publish='second')\ndef second() -> pl.DataFrame:\n{publishing.format('b')}"
        f"@stage\ndef third() -> pl.DataFrame:\n{publishing.format('c')}"
        "@stage\ndef both(first: pl.DataFrame, second: pl.DataFrame, third: pl.DataFrame) -> pl.DataFrame:\n"
        "    return pl.concat([first, second, third], how='horizontal')\n"
        "@stage\ndef model(both: pl.DataFrame):\n    return LinearRegression().fit(both.select('a'), both['b'])\n",
    )
    report = run_two(flats, SqliteTables(flats.settings.database_url, flats.root))
    assert report.error is None
    from slipway.tables.files import read_table

    times = read_table(flats.project.path("both"))
    assert times["a"][1] <= times["b"][0]  # one after the other
    assert times["c"][0] < times["b"][0]  # and the third had company meanwhile


def test_stages_end_with_a_run_that_is_killed(sides):
    edit_left(sides, "Path('left.pid').write_text(str(os.getpid())); time.sleep(120)")
    run_it = subprocess.Popen(
        [sys.executable, "-m", "slipway", "run", "--jobs", "2", "-C", str(sides.root)], stderr=subprocess.DEVNULL
    )
    try:
        pid = _read_pid(sides.root / "left.pid")
    finally:
        run_it.send_signal(signal.SIGKILL)
        run_it.wait()
    end = time.monotonic() + 20
    with suppress(ProcessLookupError):
        while _lives(pid):
            assert time.monotonic() < end, "the stage outlived its run"
            time.sleep(0.05)
    assert not sides.project.path("left").exists()


def _read_pid(path):
    end = time.monotonic() + 60
    while not (path.exists() and path.read_text()):
        assert time.monotonic() < end, "the stage never began"
        time.sleep(0.05)
    return int(path.read_text())


def _lives(pid):
    """Whether the process runs; one that nobody has waited for yet does not."""
    os.kill(pid, 0)
    status = Path(f"/proc/{pid}/stat")
    try:
        return not Path("/proc").exists() or status.read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
