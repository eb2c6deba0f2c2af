import sys
from pathlib import Path

import polars as pl
import pytest

from slipway.errors import DataError, StageError
from slipway.pipeline.artifacts import read_artifact
from slipway.pipeline.execute import execute


def files(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


def test_an_online_stage_never_sees_the_target_and_gets_it_back(flats):
    execute(flats.project, "flats", {})  # it raises when it sees the target
    made = read_artifact(flats.project, "flats")
    assert made.columns == ["area", "rooms", "price"]
    assert made.row(0) == (40, 1, "low")


def test_an_online_stage_that_leaves_rows_out_is_refused(flats):
    flats.edit("pipeline.py", 'area=clean(raw["area"]))', 'area=clean(raw["area"])).filter(pl.col("area") > 50)')
    with pytest.raises(StageError, match=r"pipeline\.py:\d+: online stage `flats` was given 40 rows and gave 29"):
        execute(flats.project, "flats", {})
    assert not flats.project.path("flats").exists()


def test_an_online_stage_that_makes_a_target_is_refused(flats):
    flats.edit("pipeline.py", 'area=clean(raw["area"]))', 'price=pl.lit("low"))')
    with pytest.raises(StageError, match="makes a column `price`, which is the target"):
        execute(flats.project, "flats", {})


def test_pandas_is_given_where_it_is_asked_for_and_its_order_is_checked(flats):
    flats.edit("pipeline.py", "import polars as pl", "import pandas as pd\nimport polars as pl")
    flats.edit("pipeline.py", "def flats(raw: pl.DataFrame)", "def flats(raw: pd.DataFrame)")
    flats.edit("pipeline.py", 'raw.with_columns(area=clean(raw["area"]))', "raw.assign(area=raw.rooms * 2)")
    execute(flats.project, "flats", {})
    assert read_artifact(flats.project, "flats")["area"].to_list()[:4] == [2, 4, 6, 8]
    flats.edit("pipeline.py", "raw.assign(area=raw.rooms * 2)", 'raw.sort_values("rooms")')
    with pytest.raises(StageError, match="gave the rows in another order"):
        execute(flats.project, "flats", {})


def test_a_stage_that_raises_shows_its_own_traceback_alone(flats):
    flats.edit("tidy.py", "return area", 'raise KeyError("rooms")\n    return area')
    with pytest.raises(StageError) as failed:
        execute(flats.project, "flats", {})
    message = str(failed.value)
    assert message.startswith("tidy.py:6: stage `flats` raised KeyError: 'rooms'")
    assert 'pipeline.py", line 15, in flats' in message
    assert 'tidy.py", line 6, in clean' in message
    assert "execute.py" not in message


def test_a_module_that_is_not_python_is_named_with_its_line(flats):
    project = flats.project
    flats.write("tidy.py", "\ndef clean(:\n")
    with pytest.raises(StageError, match=r"stage `flats` raised SyntaxError.*tidy.py, line 2"):
        execute(project, "flats", {})


def test_a_stage_that_fails_at_its_second_artifact_leaves_everything_as_it_was(flats):
    execute(flats.project, "flats", {})
    execute(flats.project, "split", {})
    before = files(flats.root)
    flats.edit("pipeline.py", "return flats.slice(tested), flats.head(tested)", "return flats.head(3), 7")
    before["pipeline.py"] = (flats.root / "pipeline.py").read_bytes()
    with pytest.raises(StageError, match="artifact `test` is promised as a table, but an int came"):
        execute(flats.project, "split", {})
    assert files(flats.root) == before


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        ("flats", "promises train, test and returned one DataFrame"),
        ("flats, flats, flats", "promises train, test and returned 3 values"),
        ("None", "promises train, test and returned one NoneType"),
    ],
)
def test_other_than_the_promised_artifacts_are_refused(flats, returned, message):
    flats.edit("pipeline.py", "return flats.slice(tested), flats.head(tested)", f"return {returned}")
    execute(flats.project, "flats", {})
    with pytest.raises(StageError, match=message):
        execute(flats.project, "split", {})


def test_a_stage_that_returns_nothing_is_refused(flats):
    flats.edit("pipeline.py", "return raw.with", "raw.with")
    flats.edit("pipeline.py", "@stage(online=True)", "@stage")
    flats.edit("pipeline.py", 'if "price" in raw.columns', "if False")
    with pytest.raises(StageError, match="stage `flats` returned nothing: return `flats`"):
        execute(flats.project, "flats", {})


def test_settings_come_over_the_defaults(flats):
    execute(flats.project, "flats", {})
    execute(flats.project, "split", {"split": {"test_share": 0.5}})
    assert read_artifact(flats.project, "test").height == 20


def test_a_missing_input_is_named_with_who_makes_it(flats):
    with pytest.raises(DataError, match=r"data/flats\.parquet is missing: `slipway run flats`"):
        execute(flats.project, "split", {})


def test_an_edit_of_the_same_length_within_the_same_second_is_seen(flats):
    execute(flats.project, "flats", {})
    flats.edit("pipeline.py", "area=clean", "aria=clean")
    execute(flats.project, "flats", {})
    assert "aria" in read_artifact(flats.project, "flats").columns


def test_nothing_of_the_projects_modules_is_left_behind(flats):
    before, path = set(sys.modules), list(sys.path)
    execute(flats.project, "flats", {})
    assert {"pipeline", "tidy"} & (set(sys.modules) - before) == set()
    assert sys.path == path


def test_what_a_stage_prints_is_not_a_result(flats, capsys):
    flats.edit("pipeline.py", "    tested = int", '    print("splitting")\n    tested = int')
    execute(flats.project, "flats", {})
    execute(flats.project, "split", {})
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "splitting\n")


def test_a_published_table_goes_to_the_database_before_the_file_is_there(flats):
    from slipway.storage.sqlite_tables import SqliteTables

    flats.edit("pipeline.py", "@stage(online=True)", '@stage(publish="flats", key=["area"])')
    flats.edit("pipeline.py", 'if "price" in raw.columns', "if False")
    tables = SqliteTables(flats.settings.database_url, flats.root)
    execute(flats.project, "flats", {}, tables)
    assert tables.query("select max(area) as largest from flats")["largest"].to_list() == [79]
    flats.edit("pipeline.py", 'key=["area"]', 'key=["areas"]')
    with pytest.raises(StageError, match="publishes with key 'areas', which is not a column"):
        execute(flats.project, "flats", {}, tables)
    with pytest.raises(DataError, match="publishes `flats`, and no database is open"):
        execute(flats.project, "flats", {}, None)


def test_lazy_tables_are_given_and_taken(flats):
    flats.edit("pipeline.py", "def flats(raw: pl.DataFrame)", "def flats(raw: pl.LazyFrame)")
    flats.edit("pipeline.py", 'if "price" in raw.columns', "if False")
    flats.edit("pipeline.py", 'raw.with_columns(area=clean(raw["area"]))', 'raw.with_columns(area=pl.col("rooms"))')
    execute(flats.project, "flats", {})
    assert isinstance(read_artifact(flats.project, "flats"), pl.DataFrame)


def test_what_a_process_started_by_a_stage_prints_goes_to_standard_error(flats, capfd):
    flats.edit(
        "tidy.py", "return area", 'import subprocess\n    subprocess.run(["echo", "from outside"])\n    return area'
    )
    execute(flats.project, "flats", {})
    print("a result")
    said = capfd.readouterr()
    assert said.out == "a result\n"
    assert "from outside" in said.err


def test_a_panic_that_is_no_exception_is_the_stages_error_too(flats):
    flats.edit("tidy.py", "return area", 'raise BaseException("panic")\n    return area')
    with pytest.raises(StageError, match="stage `flats` raised BaseException: panic"):
        execute(flats.project, "flats", {})


def test_frames_of_ours_that_the_stage_calls_are_left_out(flats):
    flats.edit(
        "tidy.py",
        "return area",
        "import slipway\n    slipway.split_rows(area.to_frame(), test_share=2)\n    return area",
    )
    with pytest.raises(StageError, match="expected a number between 0 and 1") as failed:
        execute(flats.project, "flats", {})
    assert "in clean" in str(failed.value)
    assert "in split_rows" not in str(failed.value)


def test_a_value_of_the_wrong_type_names_the_line_of_its_stage(flats):
    execute(flats.project, "flats", {})
    flats.edit("pipeline.py", "return flats.slice(tested), flats.head(tested)", "return flats, 7")
    with pytest.raises(StageError, match=r"pipeline\.py:\d+: stage `split`: artifact `test` is promised as a table"):
        execute(flats.project, "split", {})
