import ast
import tomllib
from dataclasses import replace
from pathlib import PurePosixPath

import numpy as np
import polars as pl
import pytest

from slipway.new.baseline import baseline
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
    assert features.columns == ['a "quoted" name', "Area size", "since", "rooms", "since month"]
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
    assert baseline(table, judge(table, "price")).mean("rmse") > 0
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


def test_spaces_and_case_are_no_other_category_where_the_file_is_careless():
    cities = ["Graz", " graz", "GRAZ ", "Linz", "NA", None]
    table = TABLE.with_columns(pl.Series("city", cities * 50))
    _, pipeline = written(table, "price")
    assert pipeline["features"](table.head(6))["city"].to_list() == ["graz", "graz", "graz", "linz", None, None]
    blank = table.head(3).with_columns(pl.Series("city", ["", "  ", "?"]))  # a CSV's "" and a request's are one thing
    assert pipeline["features"](blank)["city"].to_list() == [None, None, None]
    careful = TABLE.with_columns(pl.Series("city", ["Graz", "Linz", "LinZ2"] * 100))
    _, pipeline = written(careful, "price")
    assert pipeline["features"](careful.head(2))["city"].to_list() == ["Graz", "Linz"]


def test_free_text_is_learnt_by_its_words():
    rng = np.random.default_rng(1)
    said = [" ".join(f"word{w}" for w in rng.choice(80, 5, replace=False)) for _ in range(300)]
    is_high = ["word1" in text.split() or "word2" in text.split() for text in said]
    table = pl.DataFrame({"note": said, "x": rng.normal(size=300), "y": np.where(is_high, "yes", "no")})
    text, pipeline = written(table, "y")
    assert "TfidfVectorizer" in text
    features = pipeline["features"](table)
    model = pipeline["model"](features.with_columns(table["y"]))
    nothing = pipeline["features"](
        pl.DataFrame({"note": [None, "?"], "x": [0.1, 0.1]}, schema_overrides={"note": pl.String})
    )
    assert nothing["note"].to_list() == ["", ""]
    assert len(model.predict(nothing)) == 2


def test_newest_rows_are_the_test_where_a_column_says_when():
    days = pl.Series(range(300)).cast(pl.Int32).cast(pl.Date)
    text, pipeline = written(TABLE.with_columns(created=days), "price")
    assert 'TIME = "created"' in text
    assert 'until: str = "1970-10-27"' in text
    features = pipeline["features"](TABLE.with_columns(created=days))
    train, test = pipeline["split"](features.with_columns(created=pl.when(pl.int_range(300) > 0).then("created")))
    assert train["created"].max() < test["created"].min()
    assert (test.height, train.height) == (61, 239)
    assert train["created"].null_count() == 1


def test_rows_of_later_days_teach_once_they_are_enough_to_be_tested_on():
    first = TABLE.with_columns(created=pl.Series(range(300)).cast(pl.Int32).cast(pl.Date))
    later = first.with_columns(pl.col("created").dt.offset_by("1y"))
    _, pipeline = written(first, "price")
    features = pipeline["features"](pl.concat([first, later])).with_columns(price=pl.concat([first, later])["price"])
    train, test = pipeline["split"](features[:499])
    assert train["created"].max() < test["created"].min()
    assert train.height < 420
    train, test = pipeline["split"](features)
    assert test["created"].min() > 300  # production has learnt from none of these, and the next model from most
    assert train.height + test.height == 600
    assert 60 < test.height < 140
    assert (train["created"] > 300).sum() == 300 - test.height


def test_a_great_table_teaches_by_a_part_of_its_rows():
    judged = replace(judge(TABLE, "price"), rows=5_000_000)
    text = pipeline_text(judged, leaf=20, seed=7)
    assert "rows: int = 1_000_000" in text
    namespace = {"__name__": "pipeline"}
    exec(text, namespace)
    features = namespace["features"](TABLE).with_columns(TABLE["price"])
    assert namespace["model"](features, trees=2, rows=100)[-1].n_iter_ == 2


def test_long_lists_are_broken():
    assert listed("A", ["a", "b"]) == 'A = ["a", "b"]'
    assert listed("A", ["a" * 40] * 4).count("\n") == 5


@pytest.mark.parametrize("name", ['x"]; import os', "del\x7f", "back\\slash", "new\nline", "\x01", "ünï", '"""'])
def test_any_name_is_a_literal_of_python_and_of_toml(name):
    assert ast.literal_eval(quoted(name)) == name
    assert tomllib.loads(f"name = {quoted(name)}") == {"name": name}
