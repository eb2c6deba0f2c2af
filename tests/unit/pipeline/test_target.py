import polars as pl
import pytest

from slipway.errors import DataError, StageError
from slipway.pipeline.execute import execute
from slipway.project import read_project

TOML = """
name = "rents"
[sources]
raw = "raw.csv"
[model]
kind = "regression"
target = "rent"
"""
PIPELINE = """
from slipway import stage
import polars as pl
from sklearn.linear_model import LinearRegression


@stage(online=True)
def features(raw: pl.DataFrame) -> pl.DataFrame:
    return raw.select("area")


@stage(outputs=("train", "test"))
def split(features: pl.DataFrame):
    {split}
    return features.head(3), features.tail(1)


@stage
def model(train: pl.DataFrame) -> LinearRegression:
    return LinearRegression().fit(train.select("area"), train["rent"])


@stage
def metrics(model, test: pl.DataFrame) -> dict[str, float]:
    return {{"rows": float(test.height)}}
"""


def project(root, header, split="pass"):
    (root / "slipway.toml").write_text(TOML)
    (root / "pipeline.py").write_text(PIPELINE.format(split=split))
    (root / "raw.csv").write_text(f"{header}\n40,500\n50,610\n60,700\n70,820\n")
    return read_project(root)


def test_a_target_that_was_renamed_in_the_file_is_named_with_the_files_columns(tmp_path):
    rents = project(tmp_path, "area,Rent")
    execute(rents, "features", {})
    execute(rents, "split", {})
    with pytest.raises(
        DataError, match=r"target `rent` is not a column of `train`.*raw\.csv has: area, Rent\. Did you"
    ):
        execute(rents, "model", {})


def test_a_stage_before_the_model_that_fails_for_it_says_so_first_and_keeps_its_traceback(tmp_path):
    rents = project(tmp_path, "area,Rent", split='features = features.drop_nulls("rent")')
    execute(rents, "features", {})
    with pytest.raises(StageError, match=r"(?s)^target `rent` is not a column of `features`.*drop_nulls"):
        execute(rents, "split", {})


def test_a_stage_may_make_the_target_itself(tmp_path):
    rents = project(tmp_path, "area,Rent", split='features = features.with_columns(rent=pl.col("area") * 10)')
    for name in ("features", "split", "model"):
        execute(rents, name, {})
    assert rents.path("model").is_file()


def test_a_failure_of_another_kind_is_left_as_it_is(tmp_path):
    rents = project(tmp_path, "area,Rent", split='raise ValueError("something else")')
    execute(rents, "features", {})
    with pytest.raises(StageError) as failed:
        execute(rents, "split", {})
    assert "is not a column" not in str(failed.value)


def test_the_target_is_there_and_nothing_is_said(tmp_path):
    rents = project(tmp_path, "area,rent")
    for name in ("features", "split", "model"):
        execute(rents, name, {})
    assert pl.read_parquet(rents.path("train")).columns == ["area", "rent"]
