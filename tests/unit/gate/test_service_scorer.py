"""What the gate's fresh process and a server do when they load a version, whatever its code does with pandas."""

import json
import subprocess
import sys

import pytest

from slipway.gate.cleanroom import CleanRoom

BODY = '''
def fruit(raw{annotation}){gives}:
    """Red as a number."""
    {first}
    return {made}
'''
IN_PANDAS = 'raw.assign(is_red=(raw["colour"] == "red").astype(float), age=raw["age"].fillna(0.0))'
IN_POLARS = 'raw.with_columns(is_red=(pl.col("colour") == "red").fill_null(False).cast(pl.Float64), age=pl.col("age").fill_null(0.0))'  # noqa: E501
HEAD = "import polars as pl\nfrom sklearn.linear_model import LogisticRegression\nfrom slipway import stage\n"
REST = """
@stage(outputs=("train", "test"))
def split(fruit: pl.DataFrame):
    return fruit, fruit

@stage
def model(train{table}):
    return LogisticRegression().fit(train.select("weight", "age", "is_red"), train["kind"])

@stage
def metrics(model, test: pl.DataFrame) -> dict[str, float]:
    return {{}}
"""


def written(made, *, head="", annotation="", gives="", first="pass", table=": pl.DataFrame"):
    stage = "@stage(online=True)" + BODY.format(annotation=annotation, gives=gives, first=first, made=made)
    return head + HEAD + stage + REST.format(table=table)


TAKES_PANDAS = {
    "an annotation": written(IN_PANDAS, head="import pandas as pd\n", annotation=": pd.DataFrame"),
    "annotations that are texts": written(
        IN_PANDAS,
        head="from __future__ import annotations\nimport pandas\n",
        annotation=": pandas.DataFrame",
        gives=" -> pandas.DataFrame",
    ),
    "another name for it": written(
        IN_PANDAS, head="from pandas import DataFrame as Table\n", annotation=': "Table"', gives=" -> Table"
    ),
    "an import inside": written(
        f"pd.DataFrame({IN_PANDAS.replace('raw', 'table')})",
        annotation=": pl.DataFrame",
        first="import pandas as pd; table = pd.DataFrame(raw.to_dict(as_series=False))",
    ),
    "Polars' own way to it": written(
        f"pl.from_pandas({IN_PANDAS.replace('raw', 'raw.collect().to_pandas()')})", annotation=": pl.LazyFrame"
    ),
    "no annotation at all": written(
        f"pl.from_pandas({IN_PANDAS.replace('raw', 'raw.to_pandas()')})", head="import importlib\n"
    ),
    "a model that asked for it": written(IN_POLARS, annotation=": pl.DataFrame", table=": pd.DataFrame").replace(
        "import polars as pl", "import pandas as pd\nimport polars as pl"
    ),
}

ASKED = """
import json, sys
from pathlib import Path
from slipway.gate.service_scorer import load_service_scorer
from slipway.model.bundle import open_bundle

found = []
for folder in sys.argv[1:]:
    scorer = load_service_scorer(open_bundle(Path(folder)))
    scores = scorer.score_rows([{"weight": 150.0, "colour": "red", "age": None}])
    found.append([scores.predictions, scores.errors, "pandas" in sys.modules])
print(json.dumps(found))
"""


def loaded(*bundles):
    """What a fresh process answers that loads these versions one after the other, as a server does."""
    command = [sys.executable, "-c", ASKED, *(str(bundle.folder) for bundle in bundles)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def versions(make_bundle, rows):
    tables = rows(60), rows(30, seed=2)
    return {name: make_bundle(*tables, pipeline=pipeline) for name, pipeline in TAKES_PANDAS.items()}


@pytest.mark.parametrize("name", TAKES_PANDAS)
def test_a_fresh_server_answers_whatever_a_stage_does_with_pandas(versions, name):
    assert loaded(versions[name])[0][:2] == [["apple"], [None]]


@pytest.fixture(scope="module")
def lean(make_bundle, rows):
    return make_bundle(rows(60), rows(30, seed=2))


def test_a_project_without_pandas_is_served_without_it_and_a_later_version_may_use_it(lean, versions):
    first, second, third = loaded(lean, versions["Polars' own way to it"], lean)
    assert first == [["apple"], [None], False]
    assert second[:2] == third[:2] == [["apple"], [None]]


def test_what_cannot_serve_is_refused_by_the_gate_with_the_reason(make_bundle, rows, pipeline, seal):
    bundle = make_bundle(rows(60), rows(30, seed=2), pipeline=pipeline)
    stages = bundle.folder / "stages.py"
    # It works in the process that trained, which has imported the module, and in no server.
    stages.write_text("import sys\nassert 'pytest' in sys.modules, 'no tests here'\n" + stages.read_text())
    seal(bundle.folder)
    told = CleanRoom(bundle.folder).lines()
    assert [line.outcome for line in told] == ["failed"]
    assert "no tests here" in told[0].measured


def test_the_gate_loads_a_stage_in_pandas_as_the_server_does(versions):
    room = CleanRoom()
    room.enter(versions["an annotation"].folder)
    told = room.lines()
    assert [(line.check, line.outcome) for line in told] == [("clean load", "passed")], told
