import ast
import tomllib
from pathlib import PurePosixPath

import numpy as np
import polars as pl
import pytest

from slipway.new.baseline import ask, baseline
from slipway.new.code import listed, pipeline_text, quoted
from slipway.new.columns import judge
from slipway.project.module import read_stages

RNG = np.random.default_rng(5)
AREA = RNG.uniform(40, 200, 300)
TABLE = pl.DataFrame(
    {
        "Area size": [f"{area:.0f} m2" for area in AREA],
        "since": [f"20{10 + i % 12}-{1 + i % 12:02}" for i in range(300)],
        'a "quoted" name': [["north", "south", None][i % 3] for i in range(300)],
        "rooms": np.round(AREA / 30).astype(int),
        "price": AREA * 10 + RNG.normal(0, 30, 300),
    }
)


def written(table, target):
    judged = judge(table, target)
    text = pipeline_text(judged, leaf=5, seed=7)
    namespace = {"__name__": "pipeline"}
    exec(compile(text, "pipeline.py", "exec"), namespace)
    return text, namespace


def test_the_stages_are_the_usual_four_and_one_is_online():
    text, _ = written(TABLE, "price")
    stages = read_stages(text, PurePosixPath("pipeline.py"))
    assert list(stages) == ["features", "split", "model", "metrics"]
    assert stages["features"].online
    assert stages["split"].outputs == ("train", "test")


def test_features_are_typed_and_cleaned_by_the_written_code():
    _, pipeline = written(TABLE, "price")
    features = pipeline["features"](TABLE.drop("price"))
    assert features.columns == ['a "quoted" name', "Area size", "since", "rooms"] or set(features.columns) == {
        "Area size",
        "since",
        'a "quoted" name',
        "rooms",
    }
    assert features["Area size"].to_list() == [round(area) for area in AREA]
    assert features["since"][0] == 14_610  # 2010-01-01


def test_a_request_may_give_the_number_itself_and_other_texts_are_null():
    _, pipeline = written(TABLE, "price")
    row = TABLE.drop("price").head(2).with_columns(pl.Series("Area size", ["82.5", "unknown"]))
    assert pipeline["features"](row)["Area size"].to_list() == [82.5, None]


def test_thousands_are_read_where_the_file_has_them():
    table = TABLE.with_columns(pl.Series("Area size", [f"${1_000 + 10 * i:,}" for i in range(300)]))
    _, pipeline = written(table, "price")
    assert pipeline["features"](table)["Area size"].head(3).to_list() == [1000, 1010, 1020]


@pytest.mark.parametrize("columns", [["rooms"], ['a "quoted" name'], ["since"]])
def test_one_kind_of_column_alone_makes_a_working_module(columns):
    table = TABLE.select(*columns, "price")
    text, _ = written(table, "price")
    assert baseline(table, judge(table, "price")).metrics["rmse"] > 0
    assert ("CATEGORIES" in text) == ('a "quoted" name' in columns)


def test_nothing_is_imported_that_is_not_used():
    for columns in (["rooms"], ['a "quoted" name']):
        text, _ = written(TABLE.select(*columns, "price"), "price")
        tree = ast.parse(text)
        imported = {
            a.asname or a.name for n in ast.walk(tree) if isinstance(n, ast.Import | ast.ImportFrom) for a in n.names
        }
        used = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}
        assert imported <= used


def test_long_lists_are_broken():
    assert listed("A", ["a", "b"]) == 'A = ["a", "b"]'
    assert listed("A", ["a" * 40] * 4).count("\n") == 5


def test_the_gate_asks_a_little_less_than_a_first_model_reached():
    judged = judge(TABLE, "price")
    first = baseline(TABLE, judged)
    gate = ask(first, judged)
    assert gate.metric == "rmse"
    assert gate.minimum is None
    assert first.metrics["rmse"] * 1.2 < gate.maximum < first.metrics["rmse"] * 1.4
    assert f"missed by {first.metrics['rmse']:.3g}" in gate.why


def test_where_one_class_has_nearly_all_rows_accuracy_is_not_asked():
    x = RNG.uniform(size=600)
    table = pl.DataFrame(
        {"x": x, "noise": RNG.uniform(size=600), "y": np.where(x + RNG.normal(0, 0.05, 600) > 0.9, "rare", "usual")}
    )
    judged = judge(table, "y")
    gate = ask(baseline(table, judged), judged)
    assert gate.metric == "macro_f1"
    assert "not accuracy" in gate.why


def test_ten_rows_are_enough_to_be_split():
    table = pl.DataFrame({"x": range(0, 100, 10), "y": ["a", "b"] * 5}).with_columns(pl.col("x") * 1.5)
    assert baseline(table, judge(table, "y")).test_rows >= 1


@pytest.mark.parametrize("name", ['x"]; import os', "del\x7f", "back\\slash", "new\nline", "\x01", "ünï", '"""'])
def test_any_name_is_a_literal_of_python_and_of_toml(name):
    assert ast.literal_eval(quoted(name)) == name
    assert tomllib.loads(f"name = {quoted(name)}") == {"name": name}
