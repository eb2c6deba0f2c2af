"""A model without online stages is loaded and answers where no table library is installed, as it does where one is."""

import json
import subprocess
import sys

import pytest

from slipway.gate.expected import agree
from slipway.model.score import load_scorer
from without import TABLES, TRAINING, Without

from .conftest import PIPELINE, loans

TOML = """
name = "loans"
[sources]
raw = "data/raw/loans.csv"
[model]
kind = "classification"
target = "repaid"
"""

SPLIT = """
@stage(outputs=("train", "test"))
def split(raw: pl.DataFrame):
    kept = raw.drop("id").with_columns(pl.col("income").str.extract(r"([0-9.]+)").cast(pl.Float64))
    return split_rows(kept, test_share=0.25)
"""
PLAIN = PIPELINE[: PIPELINE.index("@stage(online=True)")] + SPLIT + PIPELINE[PIPELINE.index("@stage\ndef model") :]
PLAIN = PLAIN.replace(', "rate"]', "]")
BOOSTED = PLAIN.replace("LogisticRegression(max_iter=2000)", "HistGradientBoostingClassifier(max_iter=20)")

ASKED = """
import json, sys
from pathlib import Path
from slipway.gate.service_scorer import load_service_scorer
from slipway.model.bundle import open_bundle

bundle = open_bundle(Path(sys.argv[1]))
try:
    scorer = load_service_scorer(bundle)
except Exception as error:
    sys.exit(f"{type(error).__name__}: {error}")
rows = json.load(sys.stdin)
found = [scorer.score_rows(rows), *(scorer.score_rows([row]) for row in rows[:20])]
json.dump([[s.predictions, s.probabilities, s.errors] for s in found], sys.stdout)
"""


def ask(bundle, rows, folder, missing):
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", ASKED, str(bundle.folder)],
        input=json.dumps(rows), capture_output=True, text=True, timeout=120,
        env=Without(folder, missing).environment,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("pipeline", "tables"),
    [(PLAIN, "polars"), (PLAIN, "pandas"), (BOOSTED, "pandas")],
    ids=["a line, Polars", "a line, pandas", "trees, pandas"],
)
def test_it_answers_the_same_without_a_table_library(project, tmp_path, pipeline, tables):
    project.write(loans(), tables=tables, toml=TOML, pipeline=pipeline).run()
    bundle = project.build()
    rows = [{name: row[name] for name in bundle.schema.names} for row in bundle.sample()] + bundle.examples()[0]
    expected = load_scorer(bundle).score(bundle.schema.table(rows))
    done = ask(bundle, rows, tmp_path / "site", (*TABLES, *TRAINING))
    assert done.returncode == 0, done.stderr
    together, *alone = json.loads(done.stdout)
    assert together[0] == expected.predictions
    assert together[2] == expected.errors
    assert all(agree(one, other) for one, other in zip(together[1], expected.probabilities, strict=True))
    assert [one[0][0] for one in alone] == expected.predictions[:20]


def test_online_stages_take_a_table_and_the_remedy_is_said(bundle, tmp_path):
    done = ask(bundle, [], tmp_path / "site", TABLES)
    assert done.returncode == 1
    assert "its online stage `loans` takes one" in done.stderr
    assert 'packages = ["polars"' in done.stderr
    assert ('"pandas"' in done.stderr) == (bundle.manifest.annotation == "pandas.DataFrame")


def test_online_stages_of_polars_need_no_other_table_library(bundle, tmp_path):
    if bundle.manifest.annotation == "pandas.DataFrame":
        return
    rows = bundle.examples()[0]
    done = ask(bundle, rows, tmp_path / "site", ("pyarrow", *TRAINING))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)[0][0] == load_scorer(bundle).score(bundle.schema.table(rows)).predictions
