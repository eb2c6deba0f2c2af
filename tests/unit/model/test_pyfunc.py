"""What MLflow's users give as a table is answered as the same rows are by the API, whatever pandas makes of them."""

import datetime
from decimal import Decimal

import polars as pl
import pytest

from slipway.model.candidate import build_bundle
from slipway.model.pyfunc import _load_pyfunc
from slipway.model.score import load_scorer
from slipway.pipeline.execute import execute
from slipway.pipeline.graph import order
from slipway.project import read_project

TOML = """
name = "fees"
[sources]
raw = "data/raw/fees.parquet"
[model]
kind = "regression"
target = "fee"
retrain_into = "raw"
"""

PIPELINE = """
from slipway import split_rows, stage
import polars as pl
from sklearn.linear_model import LinearRegression

@stage(online=True)
def fees(raw: pl.DataFrame) -> pl.DataFrame:
    return raw.select(
        pl.col("day").dt.ordinal_day().cast(pl.Float64),
        pl.col("at").dt.hour().cast(pl.Float64),
        pl.col("amount").cast(pl.Float64),
        pl.col("serial").cast(pl.Float64) / 2**64,
        (pl.col("kind").cast(pl.String) == "new").cast(pl.Float64),
        pl.col("town").str.len_chars().cast(pl.Float64).fill_null(-1.0),
        *([pl.col("fee")] if "fee" in raw.columns else []),
    )

@stage(outputs=("train", "test"))
def split(fees: pl.DataFrame):
    return split_rows(fees)

@stage
def model(train: pl.DataFrame):
    return LinearRegression().fit(train.drop("fee"), train["fee"].to_numpy())
"""


@pytest.fixture(scope="module")
def table():
    return pl.DataFrame(
        {
            "day": [datetime.date(2026, 1, 1) + datetime.timedelta(days=i) for i in range(100)],
            "at": [datetime.datetime(2026, 1, 1) + datetime.timedelta(hours=i) for i in range(100)],
            "amount": pl.Series([Decimal(i * 25).scaleb(-2) for i in range(100)], dtype=pl.Decimal(10, 2)),
            "serial": pl.Series([2**64 - 1 - i * 7 for i in range(100)], dtype=pl.UInt64),
            "kind": pl.Series(["new", "old", "old", "new", "old"] * 20, dtype=pl.Categorical),
            "town": ["Aa", None, "Ulm", "Basel"] * 25,
            "fee": [float(i % 17) for i in range(100)],
        }
    )


@pytest.fixture(scope="module")
def bundle(tmp_path_factory, table):
    root = tmp_path_factory.mktemp("fees")
    (root / "data/raw").mkdir(parents=True)
    table.write_parquet(root / "data/raw/fees.parquet")
    (root / "slipway.toml").write_text(TOML)
    (root / "pipeline.py").write_text(PIPELINE)
    project = read_project(root)
    for name in order(project):
        execute(project, name, {})
    return build_bundle(project, None, {}, root / "bundle")


@pytest.mark.parametrize("is_arrow", [False, True])
def test_a_table_read_from_parquet_is_answered_through_mlflows_signature(bundle, table, is_arrow):
    from mlflow.models.utils import _enforce_schema

    from slipway.tracking.mlflow import _signature

    rows = table.drop("fee")
    columns = [
        {"name": c.name, "types": list(c.types), "nullable": c.nullable, "dtype": c.dtype}
        for c in bundle.schema.columns
    ]
    given = _enforce_schema(rows.to_pandas(use_pyarrow_extension_array=is_arrow), _signature(columns, [1.5]).inputs)
    expected = load_scorer(bundle).score(bundle.schema.take(rows)).predictions
    assert _load_pyfunc(str(bundle.folder)).predict(given).tolist() == pytest.approx(expected, rel=1e-12)
