import json
import subprocess
import sys
import threading
import time

import pytest

from slipway.errors import BusyError, ProjectError
from slipway.pipeline.run import run_lock
from slipway.tables.files import read_table

ALL = ["flats", "split", "model", "metrics"]


def ran(report):
    return [stage.name for stage in report.stages if stage.outcome == "ran"]


def why(report, name):
    return next(stage.why for stage in report.stages if stage.name == name)


def test_everything_runs_once_and_then_nothing(flats, outcomes):
    first = flats.run()
    assert outcomes(first) == dict.fromkeys(ALL, "ran")
    assert why(first, "flats") == ("never ran",)
    assert not first.failed
    assert json.loads((flats.root / "reports/metrics.json").read_text())["accuracy"] >= 0
    assert outcomes(flats.run()) == dict.fromkeys(ALL, "unchanged")
    assert flats.stale() == []


def test_a_comment_reruns_nothing(flats):
    flats.run()
    flats.edit("pipeline.py", "    tested = int", "    # rounded down\n    tested = int")
    assert ran(flats.run()) == []


def test_a_helper_in_another_file_reruns_what_reaches_it(flats):
    flats.run()
    flats.edit("tidy.py", r"(\d+)", r"(\d+) m2")
    report = flats.run()
    assert ran(report) == ["flats"]  # its table is the same as before, so what follows has nothing new
    assert why(report, "flats") == ("code of `flats` changed (helper `tidy.clean`)",)


def test_a_setting_reruns_its_stage_and_what_follows(flats):
    flats.run()
    report = flats.run("model.leaves=2")
    assert ran(report) == ["model", "metrics"]
    assert why(report, "model") == ("setting leaves: 3 → 2",)
    assert why(report, "metrics") == ("input model changed",)
    assert "leaves: 2" in (flats.root / "params.yaml").read_text()
    assert ran(flats.run()) == []


def test_an_input_edited_in_place_is_seen_though_its_size_is_the_same(flats):
    flats.run()
    flats.edit("data/raw/flats.csv", "40 m2,1,low", "41 m2,1,low")
    assert why(flats.run(), "flats") == ("input raw changed",)


def test_labelled_rows_are_an_input_of_who_reads_the_source(flats):
    from slipway.tables.files import read_table, write_table

    flats.run()
    rows = read_table(flats.root / "data/raw/flats.csv").head(3)
    write_table(rows, flats.project.labelled("raw"))
    report = flats.run()
    assert why(report, "flats") == ("input labelled rows of raw is new",)
    assert read_table(flats.project.path("flats")).height == 43


def test_a_deleted_intermediate_is_made_again(flats):
    flats.run()
    before = flats.project.path("train").read_bytes()
    flats.project.path("train").unlink()
    assert [stale.name for stale in flats.stale()] == ["split", "model", "metrics"]
    report = flats.run()
    assert ran(report) == ["split"]
    assert why(report, "split") == ("output data/train.parquet is missing",)
    assert flats.project.path("train").read_bytes() == before


def test_an_artifact_edited_by_hand_is_made_again(flats):
    flats.run()
    flats.edit("reports/metrics.json", "accuracy", "Accuracy")
    assert why(flats.run(), "metrics") == ("output reports/metrics.json was changed by something else",)
    assert "accuracy" in (flats.root / "reports/metrics.json").read_text()


def test_another_version_of_a_library_reruns_who_imports_it(flats):
    flats.run()
    state = flats.settings.state / "pipeline.json"
    values = json.loads(state.read_text())
    values["records"]["model"]["fingerprint"]["libraries"]["sklearn"] = "0.1"
    state.write_text(json.dumps(values))
    assert why(flats.run(), "model")[0].startswith("library sklearn: 0.1 → ")


def test_a_failure_stops_the_run_and_what_was_there_stays(flats, outcomes):
    flats.run()
    before = flats.project.path("model").read_bytes()
    flats.edit("pipeline.py", "    return DecisionTree", '    raise RuntimeError("no")\n    return DecisionTree')
    report = flats.run()
    assert outcomes(report) == {"flats": "unchanged", "split": "unchanged", "model": "failed", "metrics": "not reached"}
    assert report.failed
    assert str(report.error).startswith("pipeline.py:26: stage `model` raised RuntimeError: no")
    assert why(report, "metrics") == ("`model` failed",)
    assert flats.project.path("model").read_bytes() == before
    assert not list(flats.root.rglob(".slipway-*"))
    assert outcomes(flats.run())["model"] == "failed"


def test_a_part_can_be_asked_for_and_forced(flats, outcomes):
    assert outcomes(flats.run(wanted=["split"])) == {"flats": "ran", "split": "ran"}
    assert outcomes(flats.run(wanted=["split"], force=True)) == {"flats": "unchanged", "split": "ran"}
    assert ran(flats.run(force=True)) == ALL


def test_stale_says_what_a_run_would_do(flats):
    assert [(stale.name, stale.why) for stale in flats.stale()] == [(name, ("never ran",)) for name in ALL]
    assert not (flats.root / "params.yaml").exists()
    flats.run()
    flats.edit("pipeline.py", "leaves: int = 3", "leaves: int = 4")
    flats.write("params.yaml", "split:\n  test_share: 0.5\n")
    assert [(stale.name, stale.why) for stale in flats.stale()] == [
        ("split", ("setting test_share: 0.25 → 0.5",)),
        ("model", ("code of `model` changed", "setting leaves: 3 → 4", "input train will be made anew")),
        ("metrics", ("input model will be made anew", "input test will be made anew")),
    ]


def test_one_stage_alone_leaves_the_lock_to_dvc(flats):
    flats.run()
    lock = (flats.root / "dvc.lock").read_bytes()
    flats.edit("tidy.py", r"(\d+)", r"(\d)")
    flats.stage("flats")
    assert (flats.root / "dvc.lock").read_bytes() == lock
    assert ran(flats.run()) == ["split", "model", "metrics"]
    with pytest.raises(ProjectError, match=r"no stage is named `flat`.*Did you mean `flats`"):
        flats.stage("flat")


def test_a_query_is_a_snapshot_that_follows_what_is_published(flats):
    from slipway.storage.sqlite_tables import SqliteTables

    flats.write(
        "slipway.toml",
        '[sources]\nrows = { sql = "select area, price from kept order by area", after = "keep" }\n'
        '[model]\nkind = "regression"\ntarget = "price"\n',
    )
    flats.edit("slipway.toml", "[sources]", 'name = "flats"\n[sources]')
    flats.write(
        "pipeline.py",
        "import polars as pl\nfrom sklearn.linear_model import LinearRegression\nfrom slipway import stage\n"
        "@stage(publish='kept')\ndef keep(*, rows: int = 4) -> pl.DataFrame:\n"
        "    return pl.DataFrame({'area': range(rows), 'price': range(rows)})\n"
        "@stage\ndef test(rows: pl.DataFrame) -> pl.DataFrame:\n    return rows\n"
        "@stage\ndef model(test: pl.DataFrame):\n"
        "    return LinearRegression().fit(test.select('area'), test['price'])\n",
    )
    tables = SqliteTables(flats.settings.database_url, flats.root)
    assert ran(flats.run(tables=tables)) == ["keep", "rows", "test", "model"]
    assert ran(flats.run()) == []  # without a change no database is needed
    report = flats.run("keep.rows=5", tables=tables)
    assert why(report, "rows") == ("input keep changed",)
    flats.edit("slipway.toml", "order by area", "where area > 1")
    report = flats.run(tables=tables)
    assert why(report, "rows")[0].startswith("query of `rows` changed: select area, price from kept order by area →")


def test_a_second_run_waits_and_then_says_who_is_busy(flats):
    held, done = threading.Event(), threading.Event()

    def hold():
        with run_lock(flats.settings):
            held.set()
            done.wait(10)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(10)
    with pytest.raises(BusyError, match=r"process .* runs this project"), run_lock(flats.settings, wait_seconds=0.1):
        pass
    waiting = time.monotonic()
    threading.Timer(0.2, done.set).start()
    with run_lock(flats.settings):
        assert time.monotonic() - waiting >= 0.15
    holder.join()


def test_a_run_without_changes_imports_the_standard_library_alone(flats):
    flats.run()
    flats.run()  # files as young as the clock's grain are read once more
    time.sleep(0.1)
    flats.run()
    program = (
        "import sys\nfrom pathlib import Path\nfrom slipway.project import read_project\n"
        "from slipway.settings import read_settings\nfrom slipway.pipeline.run import run, run_lock\n"
        "root = Path(sys.argv[1])\nsettings = read_settings(root, {})\n"
        "with run_lock(settings):\n    report = run(read_project(root), settings, None)\n"
        "assert {s.outcome for s in report.stages} == {'unchanged'}, report\n"
    )
    modules = "import sys\nprint(sorted({name.split('.')[0] for name in sys.modules} - sys.stdlib_module_names))"

    def printed(program):
        done = subprocess.run([sys.executable, "-c", program, str(flats.root)], capture_output=True, text=True)
        assert done.stderr == ""
        return set(json.loads(done.stdout.replace("'", '"')))

    assert printed(program + modules) - printed(modules) == {"slipway"}


def test_a_look_before_the_first_run_does_not_keep_it_from_writing_the_settings(flats):
    assert flats.stale()
    assert not (flats.root / "params.yaml").exists()
    flats.run()
    assert "leaves: 3" in (flats.root / "params.yaml").read_text()


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ("data/first-part.parquet", "data/part.parquet"),
        ("data/part.parquet", "data/.part.parquet"),
        ("data/Part.parquet", "data/part.parquet"),
        ("data/part.parquet", "data/part.parquet.csv"),
        ("data/.aside-1-part.parquet", "data/part.parquet"),
        ("data/old-part.parquet", "data/part.parquet"),
        ("part.parquet", "slipway-part.parquet"),
    ],
)
def test_two_artifacts_in_one_folder_may_have_any_two_names(flats, train, test):
    flats.edit("slipway.toml", "[model]", f'[artifacts]\ntrain = "{train}"\ntest = "{test}"\n[model]')
    for _ in range(2):
        assert "split" in ran(flats.run(wanted=["split"], force=True))
        assert read_table(flats.root / train).height == 30
        assert read_table(flats.root / test).height == 10
    assert not list(flats.root.rglob(".slipway-*"))
