"""The suite of a tracker: what holds of MLflow at any address. A test file gives `address`, and takes the rest in."""

import json
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from slipway.errors import OutsideError
from slipway.model.bundle import open_bundle
from slipway.model.candidate import build_bundle
from slipway.pipeline.execute import execute
from slipway.pipeline.graph import order
from slipway.project import read_project
from slipway.settings import read_settings
from slipway.tracking import RunFacts, open_tracker
from slipway.tracking.mlflow import BUNDLE_TAG, MlflowTracker

TOML = """
name = "flats"
[sources]
raw = "data/raw/flats.csv"
[model]
kind = "classification"
target = "price"
[api.types]
area = "text | number"
"""

PIPELINE = """
from slipway import split_rows, stage
import polars as pl
from sklearn.linear_model import LogisticRegression

@stage(online=True)
def flats(raw: pl.DataFrame) -> pl.DataFrame:
    area = pl.col("area").str.extract("([0-9.]+)").cast(pl.Float64)
    return raw.select(area, pl.col("rooms").fill_null(2), "tax", street=pl.col("street").is_null().cast(pl.Int8))

@stage(outputs=("train", "test"))
def split(flats: pl.DataFrame):
    return split_rows(flats)

@stage
def model(train: pl.DataFrame):
    return LogisticRegression(max_iter=1000).fit(train.drop("price"), train["price"].to_numpy())

@stage
def metrics(model, test: pl.DataFrame) -> dict[str, float]:
    return {"rows": 1.0}
"""

LOADING = """
import json, sys
import mlflow.pyfunc
import pandas as pd
model = mlflow.pyfunc.load_model("models:/flats@production")
rows = json.loads(sys.stdin.read())
print(json.dumps([list(model.predict(pd.DataFrame(rows))), [model.predict(pd.DataFrame([row]))[0] for row in rows]]))
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A project with a bundle."""
    root = tmp_path_factory.mktemp("flats")
    rng = np.random.default_rng(1)
    area = rng.integers(30, 200, 200)
    rooms = pl.Series(rng.integers(1, 5, 200)).set(pl.Series(rng.random(200) < 0.1), None)
    flats = pl.DataFrame(
        {
            "area": [f"{a} m2" for a in area],
            "rooms": rooms,
            "tax": rng.normal(size=200),
            "street": pl.Series(["Main", "Side"] * 100).set(pl.Series(rng.random(200) < 0.1), None),
            "price": np.where(area > 90, "dear", "cheap"),
        }
    )
    (root / "data/raw").mkdir(parents=True)
    flats.write_csv(root / "data/raw/flats.csv")
    (root / "slipway.toml").write_text(TOML)
    (root / "pipeline.py").write_text(PIPELINE)
    project = read_project(root)
    for name in order(project):
        execute(project, name, {})
    build_bundle(project, None, {}, root / "bundle")
    return root


@pytest.fixture(scope="module")
def tracker(root, address):
    """Through its process, as the workspace has it."""
    tracker = open_tracker(read_settings(root, {"MLFLOW_TRACKING_URI": address}))
    yield tracker
    tracker.close()


@pytest.fixture(scope="module")
def facts(root):
    bundle = open_bundle(root / "bundle")
    rows, answers = bundle.examples()
    return RunFacts(
        name="flats",
        bundle=bundle.folder,
        bundle_sha256=bundle.sha256,
        params={"model.seed": 7, "split.note": "x" * 10_000},
        metrics={"accuracy": 0.9, "F1 (macro)": 0.8},
        tags={"git.commit": "abc", "dvc.lock": "def"},
        example=rows[:5],
        answers=[answer["prediction"] for answer in answers[:5]],
    )


@pytest.fixture(scope="module")
def version(tracker, facts):
    return tracker.register(facts)


def further(area, rooms, tax):
    return {"area": area, "rooms": rooms, "tax": tax, "street": None}


def client(address):
    from mlflow import MlflowClient

    return MlflowClient(address, address)


def test_a_run_is_recorded_with_everything_that_is_known_of_it(address, version, facts):
    found = client(address).get_model_version("flats", str(version))
    run = client(address).get_run(found.run_id)
    assert run.info.status == "FINISHED"
    assert run.data.metrics == {"accuracy": 0.9, "F1 _macro_": 0.8}
    assert run.data.params["model.seed"] == "7"
    assert len(run.data.params["split.note"]) == 6000
    assert {
        "git.commit": "abc",
        "dvc.lock": "def",
        "slipway.bundle": facts.bundle_sha256,
    }.items() <= run.data.tags.items()
    model = client(address).get_logged_model(run.outputs.model_outputs[0].model_id)
    assert model.status == "READY"
    assert json.loads(model.tags["mlflow.modelVersions"]) == [{"name": "flats", "version": version}]


def test_the_same_bundle_is_the_same_version_whoever_registers_it(root, address, tracker, version, facts):
    other = MlflowTracker(address, root)
    assert tracker.register(facts) == other.register(facts) == version
    assert len(client(address).search_model_versions("name='flats'")) == 1


def test_an_alias_points_where_it_was_pointed(tracker, version):
    assert tracker.pointed("flats", "elsewhere") is None
    assert tracker.pointed("no such model", "production") is None
    tracker.point("flats", "elsewhere", version)
    assert tracker.pointed("flats", "elsewhere") == version


def test_a_version_that_is_not_there_cannot_be_pointed_at(tracker, version):
    with pytest.raises(OutsideError, match=r"could not point `production` at version 99: .*not found"):
        tracker.point("flats", "production", 99)


def test_a_fresh_process_loads_production_and_gives_the_scorers_answers(root, address, tracker, version):
    tracker.point("flats", "production", version)
    kept = json.loads((root / "bundle/examples.json").read_text())
    rows = [*kept["rows"], further(150.0, None, 3), further(40, 3, 0.5)]
    done = subprocess.run(
        [sys.executable, "-c", LOADING],
        input=json.dumps(rows),
        env={
            **os.environ,
            "MLFLOW_TRACKING_URI": address,
            "MLFLOW_DISABLE_TELEMETRY": "true",
        },
        cwd=root,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    together, alone = json.loads(done.stdout.splitlines()[-1])
    expected = [answer["prediction"] for answer in kept["answers"]] + ["dear", "cheap"]
    assert together == alone == expected


def test_the_ledgers_head_is_kept_on_a_version(tracker, version):
    assert tracker.anchors("no such model") == {}
    tracker.anchor("flats", version, "3:abc")
    tracker.anchor("flats", version, "4:def")
    assert tracker.anchors("flats") == {version: "4:def"}
    with pytest.raises(OutsideError, match="could not keep the ledger's head on version 99"):
        tracker.anchor("flats", 99, "5:0")


def test_a_metric_that_is_not_finite_is_told_as_it_is_and_not_as_a_number(address, tracker, facts):
    metrics = {"rmse": float("inf"), "r2": -float("inf"), "kappa": float("nan"), "mae": -0.0}
    version = tracker.register(replace(facts, name="figures", bundle_sha256="e" * 64, metrics=metrics))
    run = client(address).get_run(client(address).get_model_version("figures", str(version)).run_id)
    assert run.data.metrics == {"mae": 0.0}
    told = {key: value for key, value in run.data.tags.items() if key.startswith("metric.")}
    assert told == {"metric.rmse": "inf", "metric.r2": "-inf", "metric.kappa": "nan"}


def test_a_run_that_was_cut_short_is_ended_when_its_bundle_is_registered(address, tracker, facts):
    """As when the server went away in the middle of it."""
    asked = client(address)
    left = asked.create_run(asked.create_experiment("others"), tags={BUNDLE_TAG: facts.bundle_sha256}).info.run_id
    assert tracker.register(replace(facts, name="others")) == 1
    assert asked.get_run(left).info.status == "FAILED"
