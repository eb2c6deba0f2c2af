import json
import os
import shutil
import subprocess
import sys
import textwrap
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from slipway.errors import OutsideError
from slipway.model.candidate import build_bundle
from slipway.pipeline.execute import execute
from slipway.pipeline.graph import order
from slipway.project import read_project
from slipway.settings import read_settings
from slipway.tracking import RunFacts, open_tracker
from slipway.tracking.mlflow import MlflowTracker

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
    """A project with a bundle, and the database of one tracker, which takes seconds to make."""
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
def tracker(root):
    """Through its process, as the workspace has it."""
    tracker = open_tracker(read_settings(root, {}))
    yield tracker
    tracker.close()


@pytest.fixture(scope="module")
def facts(root):
    from slipway.model.bundle import open_bundle

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


def client(root):
    from mlflow import MlflowClient

    return MlflowClient(f"sqlite:///{root / 'mlflow.db'}", f"sqlite:///{root / 'mlflow.db'}")


def test_a_run_is_recorded_with_everything_that_is_known_of_it(root, version, facts):
    found = client(root).get_model_version("flats", str(version))
    run = client(root).get_run(found.run_id)
    assert run.info.status == "FINISHED"
    assert run.data.metrics == {"accuracy": 0.9, "F1 _macro_": 0.8}
    assert run.data.params["model.seed"] == "7"
    assert len(run.data.params["split.note"]) == 6000
    assert {
        "git.commit": "abc",
        "dvc.lock": "def",
        "slipway.bundle": facts.bundle_sha256,
    }.items() <= run.data.tags.items()
    model = client(root).get_logged_model(run.outputs.model_outputs[0].model_id)
    assert model.status == "READY"
    assert json.loads(model.tags["mlflow.modelVersions"]) == [{"name": "flats", "version": version}]


def test_the_same_bundle_is_the_same_version_whoever_registers_it(root, tracker, version, facts):
    other = MlflowTracker(f"sqlite:///{root / 'mlflow.db'}", root)
    assert tracker.register(facts) == other.register(facts) == version
    assert len(client(root).search_model_versions("name='flats'")) == 1


def test_artifacts_stay_in_the_project(root, version):
    assert len(list((root / "mlruns").rglob("MLmodel"))) == 1
    needed = next((root / "mlruns").rglob("requirements.txt")).read_text()
    assert {"slipway", "scikit-learn", "polars"} <= {line.split("==")[0] for line in needed.splitlines()}


def test_an_alias_points_where_it_was_pointed(tracker, version):
    assert tracker.pointed("flats", "elsewhere") is None
    assert tracker.pointed("no such model", "production") is None
    tracker.point("flats", "elsewhere", version)
    assert tracker.pointed("flats", "elsewhere") == version


def test_a_version_that_is_not_there_cannot_be_pointed_at(tracker, version):
    with pytest.raises(OutsideError, match=r"could not point `production` at version 99: .*not found"):
        tracker.point("flats", "production", 99)


def test_a_fresh_process_loads_production_and_gives_the_scorers_answers(root, tracker, version):
    tracker.point("flats", "production", version)
    kept = json.loads((root / "bundle/examples.json").read_text())
    rows = [*kept["rows"], further(150.0, None, 3), further(40, 3, 0.5)]
    done = subprocess.run(
        [sys.executable, "-c", LOADING],
        input=json.dumps(rows),
        env={
            **os.environ,
            "MLFLOW_TRACKING_URI": f"sqlite:///{root / 'mlflow.db'}",
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


def test_a_folder_that_was_moved_takes_its_versions_along(root, version, facts, tmp_path):
    there = tmp_path / "there"
    shutil.copytree(root, there)
    before = sorted((root / "mlruns").rglob("*"))
    moved = MlflowTracker(f"sqlite:///{there / 'mlflow.db'}", there)
    moved.point("flats", "production", version)
    source = client(there).get_model_version_download_uri("flats", str(version))
    assert source.startswith((there / "mlruns").as_uri())
    assert moved.register(replace(facts, bundle_sha256="0" * 64)) == version + 1
    assert len(list((there / "mlruns").rglob("MLmodel"))) == 2
    assert sorted((root / "mlruns").rglob("*")) == before, "nothing is put where the folder was"


def test_nothing_is_printed_and_nobody_is_told(root, facts):
    code = textwrap.dedent(f"""
        import sys
        from pathlib import Path
        from slipway.tracking.mlflow import MlflowTracker
        MlflowTracker("sqlite:///{root / "mlflow.db"}", Path("{root}")).pointed("flats", "production")
        from mlflow.telemetry.utils import is_telemetry_disabled
        sys.exit(0 if is_telemetry_disabled() else 5)
    """)
    quiet = {name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW_", "DO_NOT"))}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=quiet, timeout=120, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_server_that_is_away_is_an_outside_error_without_its_password(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    away = MlflowTracker("http://user:secret@127.0.0.1:9", tmp_path)
    with pytest.raises(OutsideError, match=r"MLflow at http://127\.0\.0\.1:9 could not read `production`") as caught:
        away.pointed("flats", "production")
    assert "secret" not in str(caught.value)


def test_the_loader_refuses_rows_as_the_api_does(root):
    import pandas as pd

    from slipway.errors import DataError
    from slipway.model.pyfunc import _load_pyfunc

    model = _load_pyfunc(str(root / "bundle"))
    with pytest.raises(DataError, match="row 1: rooms = 'many': expected a whole number or null"):
        model.predict(pd.DataFrame({"area": ["50 m2", "60 m2"], "rooms": [1, "many"], "tax": 1}))
    assert model.predict(pd.DataFrame({"area": ["50 m2", 150], "tax": [0.0, 1.0]})).tolist() == ["cheap", "dear"]
