"""Numbered scripts and an existing dvc.yaml as whole projects: run, judged, served, and DVC stays content."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from commands import Slipway

BIN = Path(sys.executable).parent
IGNORED = "/.slipway/\n/mlruns/\n/mlflow.db*\n__pycache__/\n/data/\n/models/\n"

SCRIPTS = {
    "00-prepare_data.py": '''
"""A hundred noisy readings of y = 2x + 1."""
import numpy as np
import pandas as pd

x = np.linspace(0, 20, 100)
table = pd.DataFrame({"x": x, "y": 2 * x + 1 + np.random.RandomState(42).normal(0, 0.5, 100)})
table.to_csv("data/linear_data.csv", index=False)
table[table.index % 5 > 0].to_csv("data/train.csv", index=False)
table[table.index % 5 == 0].to_csv("data/test.csv", index=False)
''',
    "05-validate_data.py": """
import csv, json

with open("data/linear_data.csv") as file:
    rows = list(csv.DictReader(file))
assert all(row["y"] for row in rows)
json.dump({"rows": len(rows)}, open("reports/validation.json", "w"))
""",
    "10-train_model.py": """
import joblib
import pandas as pd
from sklearn.linear_model import LinearRegression

table = pd.read_csv("data/train.csv")
joblib.dump(LinearRegression().fit(table[["x"]], table["y"]), "models/model.pkl")
print("trained")
""",
    "20-evaluate_model.py": """
import json
import joblib
import pandas as pd

test = pd.read_csv("data/test.csv")
missed = joblib.load("models/model.pkl").predict(test[["x"]]) - test["y"]
with open("reports/metrics.json", "w") as file:
    json.dump({"rmse": float((missed**2).mean() ** 0.5)}, file)
""",
    "90-serve_model.py": """
from slipway import BadRequest
from words import NAME


def request(body):
    if "values" not in body:
        raise BadRequest('send {"values": [5]}')
    return [{"x": value} for value in body["values"]]


def response(rows, predictions, model):
    return {"predictions": [[answer.prediction] for answer in predictions], "by": NAME}


if __name__ == "__main__":
    from flask import Flask

    Flask(__name__).run()
""",
    "95-monitor_model.py": "import none_of_this_is_ever_run\n",
    "words.py": 'NAME = "the line"\n',
    ".gitignore": IGNORED,
}

DVC_YAML = """\
# Ours; by hand.
stages:
  prepare:
    cmd:
    - python prepare.py
    wdir: steps
    deps: [prepare.py, ../data/raw.csv]
    params:
    - ../params.yaml:
      - prepare.every
    outs: [../data/train.csv, ../data/test.csv]
  train:
    cmd: python steps/train.py
    deps: [steps/train.py, data/test.csv, data/train.csv]
    params: [train.positive]
    outs: [model.joblib]
  evaluate:
    cmd: [python steps/evaluate.py, echo evaluated]
    deps: [steps/evaluate.py, data/test.csv, model.joblib]
    outs:
    - reports/note.txt: {cache: false}
    metrics:
    - metrics.json: {cache: false}
"""

STEPS = {
    "steps/prepare.py": """
from pathlib import Path

every = int(Path("../params.yaml").read_text().split("every: ")[1].split("}")[0])
head, *rows = Path("../data/raw.csv").read_text().splitlines()
Path("../data/train.csv").write_text("\\n".join([head, *(r for n, r in enumerate(rows) if n % every)]) + "\\n")
Path("../data/test.csv").write_text("\\n".join([head, *rows[::every]]) + "\\n")
""",
    "steps/train.py": """
import joblib, yaml
import pandas as pd
from sklearn.linear_model import LinearRegression

table = pd.read_csv("data/train.csv")
positive = yaml.safe_load(open("params.yaml"))["train"]["positive"]
joblib.dump(LinearRegression(positive=positive).fit(table[["x"]], table["y"]), "model.joblib")
""",
    "steps/evaluate.py": """
import json
from pathlib import Path

Path("reports").mkdir(exist_ok=True)
Path("reports/note.txt").write_text("fine")
Path("metrics.json").write_text(json.dumps({"rows": len(Path("data/test.csv").read_text().splitlines()) - 1}))
""",
    "data/raw.csv": "x,y\n" + "".join(f"{n},{2 * n + 1 + (n % 3) / 10}\n" for n in range(60)),
    "params.yaml": "# By hand.\nprepare: {every: 5}   # one in five\ntrain:\n  positive: false\n  rate: 1e-3\n",
    "dvc.yaml": DVC_YAML,
    ".gitignore": IGNORED.replace("/data/\n", "/data/train.csv\n/data/test.csv\n") + "/model.joblib\n",
}


class Repository(Slipway):
    """Somebody's folder in git, with DVC beside."""

    def __init__(self, folder: Path, files: dict[str, str]) -> None:
        super().__init__(folder)
        path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
        self.environment |= {"PATH": path, "DVC_NO_ANALYTICS": "1", "OMP_NUM_THREADS": "1"}
        self.write(files)
        self.tool("git", "init", "-q")
        self.tool("dvc", "init", "-q")

    def write(self, files: dict[str, str]) -> None:
        for name, text in files.items():
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_text(text)

    def tool(self, *arguments: str) -> str:
        done = subprocess.run(arguments, cwd=self.folder, env=self.environment, capture_output=True, text=True)
        assert done.returncode == 0, f"{arguments}:\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def is_clean(self) -> bool:
        return json.loads(self.tool("dvc", "status", "--json")) == {}

    def outcomes(self, *arguments: str) -> dict[str, str]:
        return {stage["name"]: stage["outcome"] for stage in self.json("run", *arguments)["stages"]}

    def digest(self, name: str) -> str:
        return hashlib.sha256((self.folder / name).read_bytes()).hexdigest()


TOML = '[model]\nkind = "regression"\ntarget = "y"\npickle = true\ngate = { rmse = { max = 0.6 } }\n'


def test_numbered_scripts_are_a_project_from_init_to_an_answer(tmp_path):
    made = Repository(tmp_path, SCRIPTS)
    refused = made("init", code=2) or made.said
    assert "data/test.csv is not there yet" in refused
    assert "--kind" in refused
    said = made("init", "--target", "y", "--kind", "regression")
    assert "4 numbered scripts (00-prepare_data.py" in said
    assert "served by 90-serve_model.py" in said
    assert "pickle = true" in said
    assert all((tmp_path / name).read_text() == text for name, text in SCRIPTS.items() if name != ".gitignore")

    first = made.json("run")
    assert [stage["name"] for stage in first["stages"]] == [
        "prepare_data", "validate_data", "train_model", "evaluate_model",
    ]  # fmt: skip
    assert first["candidate"] == 1
    assert first["metrics"]["rmse"] < 0.6
    assert "trained" in made.said
    assert made.is_clean()
    assert "train → train_model → model" in made("dag")
    assert {*made.outcomes().values()} == {"unchanged"}

    made("release")
    with made.serving("serve", "--port", "0") as server:
        server.url = server.line()
        answer = server.ask("/predict", {"values": [5]})
        assert answer["predictions"][0][0] == pytest.approx(11, abs=0.3)
        assert answer["by"] == "the line"
        assert server.ask("/predict", {}, code=422)

    made.write({"05-validate_data.py": SCRIPTS["05-validate_data.py"] + "assert len(rows) == 100\n"})
    assert json.loads(made.tool("dvc", "status", "--json")).keys() == {"validate_data"}
    assert made.outcomes() == {
        "prepare_data": "unchanged", "validate_data": "ran", "train_model": "unchanged", "evaluate_model": "unchanged",
    }  # fmt: skip
    # What requests are made of is in the bundle, not in a stage.
    made.write({"words.py": 'NAME = "another line"\n'})
    again = made.json("run")
    assert {stage["outcome"] for stage in again["stages"]} == {"unchanged"}
    assert again["candidate"] == 2
    assert made.is_clean()

    (tmp_path / "05-validate_data.py").rename(tmp_path / "15-validate_data.py")
    made.write({"10-train_model.py": SCRIPTS["10-train_model.py"] + 'open("reports/validation.json").read()\n'})
    made("run", code=2)
    assert "10-train_model.py reads reports/validation.json, which 15-validate_data.py writes later" in made.said


def test_a_script_that_fails_shows_what_it_said_and_its_code(tmp_path):
    made = Repository(tmp_path, SCRIPTS | {"slipway.toml": f'name = "line"\npipeline = "."\n{TOML}'})
    writes = 'WRITES = ["data/linear_data.csv", "data/train.csv", "data/test.csv"]\n'
    made.write({"00-prepare_data.py": writes + 'raise ValueError("no readings today")\n'})
    report = made.json("run", code=2)
    assert [stage["outcome"] for stage in report["stages"]] == ["failed", "not reached", "not reached", "not reached"]
    assert "00-prepare_data.py: stage `prepare_data`: `python 00-prepare_data.py` ended with code 1" in made.said
    assert "ValueError: no readings today" in made.said


def test_a_dvc_yaml_is_adopted_and_never_written(tmp_path):
    made = Repository(tmp_path, STEPS)
    made.tool("dvc", "repro", "-q")
    owned, kept, locked = (made.digest(name) for name in ("dvc.yaml", "params.yaml", "dvc.lock"))
    said = made("init", "--target", "y")
    assert "dvc.yaml" in said
    assert 'kind = "regression"' in (tmp_path / "slipway.toml").read_text()

    # What DVC has run is not run again, and what it has locked is as it was, byte for byte.
    first = made.json("run")
    assert {stage["name"]: stage["outcome"] for stage in first["stages"]} == {
        "prepare": "unchanged", "train": "unchanged", "evaluate": "unchanged",
    }  # fmt: skip
    assert (first["candidate"], first["metrics"]) == (1, {"rows": 12.0})
    assert (made.digest("dvc.lock"), made.digest("params.yaml")) == (locked, kept)

    made.write({"steps/train.py": STEPS["steps/train.py"] + "# read again\n"})
    assert made.outcomes() == {"prepare": "unchanged", "train": "ran", "evaluate": "unchanged"}
    assert made.is_clean()
    assert made.tool("dvc", "repro").count("didn't change, skipping") == 3

    report = made.outcomes("--set", "prepare.every=4")
    assert report == {"prepare": "ran", "train": "ran", "evaluate": "ran"}
    assert (tmp_path / "params.yaml").read_text() == STEPS["params.yaml"].replace("every: 5", "every: 4")
    assert made.is_clean()
    assert json.loads((tmp_path / "metrics.json").read_text()) == {"rows": 15}
    assert not (tmp_path / ".dvc/cache/files/md5" / _cached(tmp_path / "metrics.json")).exists()
    assert (tmp_path / ".dvc/cache/files/md5" / _cached(tmp_path / "model.joblib")).exists()
    made("status")
    assert made.digest("dvc.yaml") == owned


def _cached(path: Path) -> str:
    md5 = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
    return f"{md5[:2]}/{md5[2:]}"
