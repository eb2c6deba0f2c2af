"""A project of loans: text and numbers with nulls, an online stage with a setting and a frozen input."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from slipway.model.candidate import build_bundle
from slipway.pipeline.execute import execute
from slipway.pipeline.graph import order
from slipway.project import read_project

TOML = """
name = "loans"
[sources]
raw = "data/raw/loans.csv"
rates = "data/raw/rates.csv"
[model]
kind = "classification"
target = "repaid"
retrain_into = "raw"
[api.types]
income = "text | number"
"""

PIPELINE = '''
from slipway import split_rows, stage
import TABLES as tables
import polars as pl
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

TEXTS = ["town", "job"]


def euros(column):
    """The number in a text such as "3100 EUR"."""
    return pl.col(column).str.extract(r"([0-9.]+)").cast(pl.Float64)


@stage(online=True)
def loans(raw: pl.DataFrame, rates: pl.DataFrame, *, unit: float = 1.0) -> pl.DataFrame:
    if (raw["job"] == "none of your business").any():
        raise ValueError("that is no job")
    joined = raw.join(rates, on="town", how="left", maintain_order="left")
    return joined.select("town", "job", "children", "is_member", "rate", income=euros("income") / unit)


@stage(outputs=("train", "test"))
def split(loans: pl.DataFrame):
    return split_rows(loans, test_share=0.25)


@stage
def model(train: tables.DataFrame, *, seed: int = 7):
    x = train.drop(columns=["repaid"]) if hasattr(train, "iloc") else train.drop("repaid")
    encoder = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), TEXTS),
        (SimpleImputer(), ["income", "children", "rate"]),
    )
    return make_pipeline(encoder, LogisticRegression(max_iter=2000)).fit(x, train["repaid"].to_numpy())


@stage
def metrics(model, test: pl.DataFrame) -> dict[str, float]:
    return {"rows": float(test.height)}
'''


def loans(rows: int = 400, seed: int = 3) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    income = rng.integers(900, 6000, rows)
    member = rng.random(rows) < 0.5
    return pl.DataFrame(
        {
            "id": np.arange(rows),
            "town": pl.Series(rng.choice(["Ulm", "Bonn", "Kiel"], rows)).set(pl.Series(rng.random(rows) < 0.1), None),
            "job": rng.choice(["baker", "nurse"], rows),
            "income": [f"{value} EUR" for value in income],
            "children": pl.Series(rng.integers(0, 4, rows)).set(pl.Series(rng.random(rows) < 0.1), None),
            "is_member": pl.Series(member).set(pl.Series(rng.random(rows) < 0.1), None),
            "repaid": ((income + 300 * member) > 3000).astype(int),
        }
    )


class Loans:
    """The project on disk; its stages executed, its bundles built."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(
        self, table: pl.DataFrame, *, tables: str = "polars", toml: str = TOML, pipeline: str = PIPELINE
    ) -> "Loans":
        (self.root / "data/raw").mkdir(parents=True, exist_ok=True)
        table.write_csv(self.root / "data/raw/loans.csv")
        pl.DataFrame({"town": ["Ulm", "Bonn"], "rate": [1.5, 2.5]}).write_csv(self.root / "data/raw/rates.csv")
        (self.root / "slipway.toml").write_text(toml)
        (self.root / "pipeline.py").write_text(pipeline.replace("TABLES", tables))
        return self

    def run(self, params=None):
        project = read_project(self.root)
        for name in order(project):
            execute(project, name, params or {})

    def build(self, folder: str = "bundle"):
        project = read_project(self.root)
        return build_bundle(project, None, {"rows": 1.0}, self.root / folder)


@pytest.fixture
def project(tmp_path):
    return Loans(tmp_path / "loans")


@pytest.fixture(scope="session", params=["polars", "pandas"])
def bundle(request, tmp_path_factory):
    """What a run of the project gives, with a model that asked for either table. Nobody may write into it."""
    project = Loans(tmp_path_factory.mktemp(request.param)).write(loans(), tables=request.param)
    project.run()
    return project.build()
