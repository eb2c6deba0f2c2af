"""A tiny project whose models are as good as a test asks, and its bundles."""

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.linear_model import LogisticRegression

from slipway.model.bundle import Bundle
from slipway.model.candidate import build_bundle
from slipway.model.score import Scorer, load_scorer
from slipway.pipeline.estimators import write_estimator
from slipway.project import Project, read_project

TOML = """
name = "fruit"
[sources]
raw = "data/raw/fruit.csv"
[model]
kind = "classification"
target = "kind"
"""

PIPELINE = '''
import polars as pl
from sklearn.linear_model import LogisticRegression

from slipway import stage

RED = 1.0

@stage(online=True)
def fruit(raw: pl.DataFrame) -> pl.DataFrame:
    """Red as a number."""
    if (raw["weight"] == -7.0).any():
        raise ValueError("a fruit of -7 g")
    red = (pl.col("colour") == "red").fill_null(False).cast(pl.Float64) * RED
    return raw.with_columns(red.alias("is_red"), pl.col("age").fill_null(0.0))

@stage(outputs=("train", "test"))
def split(fruit: pl.DataFrame):
    return fruit, fruit

@stage
def model(train: pl.DataFrame):
    return LogisticRegression().fit(train.select("weight", "age", "is_red"), train["kind"])

@stage
def metrics(model, test: pl.DataFrame) -> dict[str, float]:
    return {}
'''

FEATURES = ("weight", "age", "is_red")


def fruit(rows: int, *, seed: int = 1) -> pl.DataFrame:
    """Apples are heavy and red, but not always. Weights are different in each row."""
    rng = np.random.default_rng(seed)
    is_apple = rng.random(rows) < 0.5
    weight = np.round(np.where(is_apple, 150.0, 120.0) + rng.normal(0, 20, rows), 6)
    colour = np.where(rng.random(rows) < np.where(is_apple, 0.8, 0.3), "red", "green")
    age = [None if i % 17 == 0 else float(i % 9) for i in range(rows)]
    return pl.DataFrame(
        {"weight": weight, "colour": colour, "age": age, "kind": np.where(is_apple, "apple", "pear")},
        schema_overrides={"age": pl.Float64},
    )


MakeBundle = Callable[..., Bundle]


@pytest.fixture(scope="session")
def make_bundle(tmp_path_factory: pytest.TempPathFactory) -> MakeBundle:
    def make(
        train: pl.DataFrame,
        test: pl.DataFrame,
        *,
        flipped: float = 0.0,
        reported: dict[str, float] | None = None,
        pipeline: str = PIPELINE,
        features: tuple[str, ...] = FEATURES,
        toml: str = TOML,
    ) -> Bundle:
        """The bundle of a model that learnt `train`, with a share of the truths flipped so that it is worse."""
        root = tmp_path_factory.mktemp("project")
        project = _project(root, toml, pipeline)
        for name, table in (("fruit", pl.concat([train, test])), ("train", train), ("test", test)):
            _stage(table).write_parquet(_made(project, name))
        pl.concat([train, test]).write_csv(_made(project, "raw"))
        learnt = _stage(train)
        rng = np.random.default_rng(5)
        swapped = np.where(learnt["kind"] == "apple", "pear", "apple")
        truths = np.where(rng.random(train.height) < flipped, swapped, learnt["kind"].to_numpy())
        estimator = LogisticRegression(C=100.0).fit(learnt.select(features), truths)
        write_estimator(estimator, _made(project, "model"))
        return build_bundle(project, None, reported or {}, root / "bundle")

    return make


def _project(root: Path, toml: str, pipeline: str) -> Project:
    (root / "slipway.toml").write_text(toml)
    (root / "pipeline.py").write_text(pipeline)
    return read_project(root)


def _made(project: Project, name: str) -> Path:
    project.path(name).parent.mkdir(parents=True, exist_ok=True)
    return project.path(name)


def _stage(table: pl.DataFrame) -> pl.DataFrame:
    red = (pl.col("colour") == "red").fill_null(False).cast(pl.Float64)
    return table.with_columns(red.alias("is_red"), pl.col("age").fill_null(0.0))


@pytest.fixture(scope="session")
def rows() -> Callable[..., pl.DataFrame]:
    return fruit


@pytest.fixture(scope="session")
def seal() -> Callable[[Path], None]:
    def sealing(folder: Path) -> None:
        """Write the checksums anew, as for a bundle that was made like this."""
        manifest = json.loads((folder / "bundle.json").read_text())
        for name in manifest["files"]:
            manifest["files"][name] = sha256((folder / name).read_bytes()).hexdigest()
        (folder / "bundle.json").write_text(json.dumps(manifest))

    return sealing


@pytest.fixture(scope="session")
def good(make_bundle: MakeBundle) -> Scorer:
    return load_scorer(make_bundle(fruit(400), fruit(300, seed=2), reported={"kappa": 0.6, "accuracy": 0.1}))


@pytest.fixture(scope="session")
def bad(make_bundle: MakeBundle) -> Scorer:
    """Learnt rows with truths at random."""
    train = fruit(400, seed=3).with_columns(weight=pl.Series(np.random.default_rng(1).normal(135, 20, 400)))
    return load_scorer(make_bundle(train, fruit(300, seed=2), flipped=0.5))


@pytest.fixture(scope="session")
def pipeline() -> str:
    return PIPELINE
