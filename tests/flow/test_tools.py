"""What Slipway writes, the tools that it names can read: the real DVC and the real MLflow on a project after `run`."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from commands import Slipway

LOAD = """
import json, sys
import mlflow, pandas
model = mlflow.pyfunc.load_model("models:/housing@production")
print(json.dumps([str(p) for p in model.predict(pandas.DataFrame(json.loads(sys.argv[1])))]))
"""


@pytest.fixture
def housing(slipway: Slipway) -> Slipway:
    slipway("new", "housing", "--example", "housing")
    slipway("-C", "housing", "run")
    return slipway


def tool(slipway: Slipway, *command: str) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**slipway.environment, "PATH": path, "DVC_NO_ANALYTICS": "1"}
    folder = slipway.folder / "housing"
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_dvc_and_mlflow_read_what_a_run_and_a_release_wrote(housing: Slipway) -> None:
    assert "up to date" in tool(housing, "dvc", "status")
    assert "didn't change" in tool(housing, "dvc", "repro")
    assert "accuracy" in tool(housing, "dvc", "metrics", "show")

    housing("-C", "housing", "release")
    with housing.serving("-C", "housing", "serve", "--port", "0") as server:
        server.url = server.line()
        sample = server.ask("/data/sample")["rows"]
        fields = [column["name"] for column in server.ask("/model/features")["features"]]
        rows = [{name: row[name] for name in fields} for row in sample]
        answers = [p["prediction"] for p in server.ask("/predict/batch", rows)["predictions"]]

    loaded = json.loads(tool(housing, sys.executable, "-W", "ignore", "-c", LOAD, json.dumps(rows)).splitlines()[-1])
    assert loaded == answers
