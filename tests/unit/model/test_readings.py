"""Values that an online stage can't read are refused with field and value, or scored and named where training had
such, row by row; and nulls, and numbers beyond the width of training's file, get the same in each way in."""

import numpy as np
import polars as pl
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor

from slipway.model.batch import answer_table
from slipway.model.candidate import build_bundle
from slipway.model.score import load_scorer
from slipway.monitor.window import monitor_file
from slipway.pipeline.estimators import write_estimator
from slipway.pipeline.execute import execute
from slipway.project import read_project

TOML = """
name = "flats"
[sources]
raw = "data/raw/flats.parquet"
[model]
kind = "regression"
target = "rent"
"""

PIPELINE = '''
import polars as pl
from slipway import stage

DISTRICTS = {"north": 1, "south": 2}

@stage(online=True)
def read(raw: pl.DataFrame) -> pl.DataFrame:
    """Areas and fees as numbers, districts as codes."""
    return raw.with_columns(
        pl.col("area").str.extract(r"(\\d+)").cast(pl.Float64),
        pl.col("fee").str.strip_suffix(" EUR").cast(pl.Float64, strict=False),
        pl.col("district").replace_strict(DISTRICTS, default=None, return_dtype=pl.Int64),
    )

@stage(online=True)
def flats(read: pl.DataFrame) -> pl.DataFrame:
    """What a square metre costs beside the rent; a stage that fills hides nothing."""
    per_metre = pl.col("fee") / pl.col("area")
    return read.with_columns(per_metre.alias("fee_per_m2"), pl.col("area").fill_null(0.0)).drop("fee")

@stage(outputs=("train", "test"))
def split(flats: pl.DataFrame):
    return flats, flats

@stage
def model(train: pl.DataFrame):
    from sklearn.ensemble import HistGradientBoostingRegressor
    return HistGradientBoostingRegressor(max_iter=5).fit(train.drop("rent").cast(pl.Float64).to_numpy(), train["rent"])

@stage
def metrics(model, test: pl.DataFrame) -> dict[str, float]:
    return {}
'''.replace("}}", "}").replace("\\\\\\\\", "\\\\")

READ = "expected a value that the online stage `read` can read, got"
ROW = {"area": "50 m2", "fee": "100 EUR", "district": "north", "floor": 3, "is_new": True}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    root = tmp_path_factory.mktemp("readings")
    (root / "data/raw").mkdir(parents=True)
    (root / "slipway.toml").write_text(TOML)
    (root / "pipeline.py").write_text(PIPELINE)
    rng = np.random.default_rng(4)
    rows = 200
    pl.DataFrame(
        {
            "area": [f"{n} m2" for n in rng.integers(20, 150, rows)],
            "fee": ["unknown" if n % 10 == 0 else f"{n} EUR" for n in range(rows)],
            "district": rng.choice(["north", "south"], rows),
            "floor": pl.Series(rng.integers(0, 9, rows), dtype=pl.Int8),
            "is_new": rng.random(rows) < 0.5,
            "rent": rng.uniform(500, 2_000, rows),
        }
    ).write_parquet(root / "data/raw/flats.parquet")
    project = read_project(root)
    for name in ("raw", "read", "flats", "split", "model"):
        if name not in project.sources:
            execute(project, name, {})
    return project


@pytest.fixture(scope="module")
def scorer(project, tmp_path_factory):
    return load_scorer(build_bundle(project, None, {}, tmp_path_factory.mktemp("bundle") / "bundle"))


def test_what_each_column_becomes_is_recorded_with_what_training_lost(scorer):
    readings = scorer.bundle.manifest.readings
    assert readings.stages == ("read", "flats")
    assert {name: each.lost for name, each in readings.columns.items()} == {
        "area": 0, "fee": 20, "district": 0, "floor": 0, "is_new": 0,
    }  # fmt: skip
    assert (0, "area") in readings.columns["area"].makes
    assert (1, "area") not in readings.columns["area"].makes  # it is filled there
    assert readings.lossy == {"fee"}


@pytest.mark.parametrize(
    ("change", "lost", "said"),
    [
        ({}, (), None),
        ({"area": "a lot"}, ("area",), f'`area`: {READ} "a lot"'),
        ({"district": "east"}, ("district",), f'`district`: {READ} "east"'),
        ({"fee": "much"}, ("fee",), None),
        ({"fee": "much", "area": "a lot"}, ("area",), f'`area`: {READ} "a lot"'),
        ({"fee": None}, (), None),
        ({"area": " ? ", "district": "NA"}, (), None),
        ({"area": None}, (), None),
        ({"district": None, "is_new": None, "floor": None}, (), None),
        ({"floor": 130}, (), None),
    ],
)  # fmt: skip
def test_a_row_gets_the_same_alone_among_others_and_in_a_file(scorer, change, lost, said):
    row, schema = {**ROW, **change}, scorer.bundle.schema
    assert schema.problems([row]) == []
    alone = scorer.score_rows([row])
    assert (alone.errors, alone.lost.get(0, ())) == ([said], lost)
    among = scorer.score_rows([ROW, row, ROW])
    assert among.errors == [None, said, None]
    assert among.predictions[1] == alone.predictions[0]
    assert among.lost.get(1, ()) == lost
    file = pl.DataFrame([ROW, row], schema_overrides={"floor": pl.Int64}).with_columns(pl.col("district"))
    answered = answer_table(scorer, file)
    assert answered["error"].to_list() == [None, said]
    assert answered["prediction"].to_list() == [among.predictions[0], alone.predictions[0]]
    assert answered["unread"].to_list() == [None, ", ".join(lost) or None]


def test_which_of_several_columns_is_to_blame_is_found_by_asking_with_another(scorer):
    """`fee_per_m2` of an area that is no number by itself: nothing else is made of it that would tell."""
    from dataclasses import replace

    from slipway.model.readings import Reading, Readings

    both = {"area": Reading(((1, "fee_per_m2"),), 0), "fee": Reading(((1, "fee_per_m2"),), 0)}
    manifest = replace(scorer.bundle.manifest, readings=Readings(both, ("read", "flats"), 200))
    doubtful = replace(scorer, bundle=replace(scorer.bundle, manifest=manifest))
    rows = [{**ROW, "area": "a lot"}, {**ROW, "fee": "much"}, {**ROW, "area": "a lot", "fee": "much"}, ROW]
    assert doubtful.lost(scorer.bundle.schema.table(rows)) == {0: ("area",), 1: ("fee",), 2: ("area", "fee")}
    assert doubtful.lost(scorer.bundle.schema.table(rows[:1])) == {0: ("area",)}


def test_the_monitor_names_columns_with_values_that_are_not_read(project, scorer):
    rows = [{**ROW, "fee": "much"}] * 30 + [{**ROW, "area": "a lot"}] * 5 + [ROW] * 89 + [{**ROW, "floor": 1_000}]
    found = monitor_file(project, scorer, 1, pl.DataFrame(rows))
    assert found.to_json()["unread"] == {"fee": {"window": 30 / 120, "reference": 0.1}}
    assert "In 25.0% of the rows `fee` has a value that the online stages can't read (10.0% in training)." in (
        found.sentence()
    )
    assert found.report.rows == 120  # those that are refused are not scored
    range_of_floor = next(r for r in found.report.columns["floor"].readings if r.measure == "out_of_range")
    assert range_of_floor.value == pytest.approx(1 / 120)


def test_a_model_that_takes_no_nulls_lets_such_a_row_fail_alone(project, scorer, tmp_path):
    from sklearn.linear_model import LinearRegression

    train = pl.read_parquet(project.path("train")).drop_nulls()
    x = train.drop("rent").cast(pl.Float64).to_numpy()
    write_estimator(LinearRegression().fit(x, train["rent"].to_numpy()), project.path("model"))
    try:
        strict = load_scorer(build_bundle(project, None, {}, tmp_path / "bundle"))
    finally:
        write_estimator(
            HistGradientBoostingRegressor(max_iter=5).fit(x, train["rent"].to_numpy()), project.path("model")
        )
    said = "`floor`: expected a whole number, got null, which the model does not take."
    assert [p.expected for p in strict.bundle.schema.problems([{**ROW, "floor": None}])] == ["a whole number"]
    scores = strict.score_rows([ROW, {**ROW, "floor": None}])
    assert (scores.errors, scores.predictions[1]) == ([None, said], None)
    answered = answer_table(strict, pl.DataFrame([ROW, {**ROW, "floor": None}]))
    assert answered["error"].to_list() == [None, said]
    assert answered["prediction"].to_list() == scores.predictions
    assert strict.score_rows([{**ROW, "area": None}]).errors[0] is not None  # fee_per_m2 is null then


def test_training_has_a_null_where_a_file_has_no_number_as_a_request_has(tmp_path):
    """A stage that fills nulls fills them in training, too; a Parquet file may say NaN."""
    (tmp_path / "data/raw").mkdir(parents=True)
    (tmp_path / "slipway.toml").write_text(TOML)
    stage = "@stage(online=True)\ndef flats(raw: pl.DataFrame) -> pl.DataFrame:\n    return raw.fill_null(7.0)\n"
    (tmp_path / "pipeline.py").write_text(PIPELINE[: PIPELINE.index("DISTRICTS")] + stage)
    table = pl.DataFrame({"area": [50.0, float("nan"), None], "rent": [1.0, 2.0, 3.0]})
    table.write_parquet(tmp_path / "data/raw/flats.parquet")
    (tmp_path / "pipeline.py").write_text(
        (tmp_path / "pipeline.py").read_text() + PIPELINE[PIPELINE.index('@stage(outputs=("train"') :]
    )
    project = read_project(tmp_path)
    execute(project, "flats", {})
    assert pl.read_parquet(project.path("flats"))["area"].to_list() == [50.0, 7.0, 7.0]
