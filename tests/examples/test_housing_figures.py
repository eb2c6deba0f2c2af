import json

import numpy as np
import polars as pl
import pytest

from documents import HOUSING_REQUEST
from slipway.project import read_project
from slipway.tables.files import read_table

TARGET = "price_category_name"


@pytest.fixture(scope="module")
def housing(examples, load):
    return load(examples / "housing" / "pipeline.py")


@pytest.fixture(scope="module")
def generate(examples, load):
    return load(examples / "housing" / "generate.py")


@pytest.fixture(scope="module")
def figures(examples):
    return json.loads((examples / "housing" / "figures.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def generated(generate):
    return generate.listings()


def features(housing, table):
    """What the runner gives the next stage: the online stage never sees the target, which is put back after."""
    return housing.listings(table.drop(TARGET)).with_columns(table[TARGET])


def accuracy(housing, train, test):
    return housing.metrics(housing.model(train), test)["accuracy"]


def test_the_real_listings_are_learnt(housing, shared):
    real = read_table(shared / "housing" / "istanbul_listings_decoded.csv")
    assert real.height == 25_155
    table, is_test = features(housing, real), real["split"] == "test"
    assert accuracy(housing, table.filter(~is_test), table.filter(is_test)) >= 0.81
    assert accuracy(housing, *housing.split(table)) >= 0.80


def test_every_real_area_and_age_is_read(housing, shared):
    real = read_table(shared / "housing" / "istanbul_listings_decoded.csv")
    table = features(housing, real)
    assert table.select("gross_m2", "net_m2", "age_years", "ad_month").null_count().sum_horizontal()[0] == 0
    assert table["gross_m2"][0] == 160
    assert real["GrossSquareMeters"][0] == "160 m2"
    assert sorted(table["age_years"].unique()) == [0, 1, 2, 3, 4, 7.5, 13, 18, 21]


def test_the_document_s_request_is_answered_though_every_category_is_new(housing, generated):
    train, _ = housing.split(features(housing, generated.head(3_000)))
    row = housing.from_document(HOUSING_REQUEST)
    answer = housing.model(train, trees=20).predict(housing.listings(pl.DataFrame([row])))
    assert answer[0] in {"low", "medium", "high"}


def test_the_project_can_be_read(examples):
    project = read_project(examples / "housing")
    assert project.model.target == TARGET
    assert project.api.types["BuildingAge"] == ("text", "number")
    assert "ad_month" in project.monitor.clocks


def test_the_generator_is_deterministic_and_names_the_file_s_columns(generate, generated, shared):
    assert generate.listings().equals(generated)
    with (shared / "housing" / "istanbul_listings_decoded.csv").open(encoding="utf-8") as file:
        assert file.readline().strip().split(",") == generated.columns


def test_generated_listings_follow_the_figures(generated, figures):
    assert generated.height == 25_155
    share = dict(generated["price_category_name"].value_counts(normalize=True).iter_rows())
    assert share["low"] == pytest.approx(0.40, abs=0.03)
    assert share["medium"] == pytest.approx(0.403, abs=0.03)
    assert share["high"] == pytest.approx(0.197, abs=0.03)
    for column, name in (("BuildingAge", "age"), ("HeatingType", "heating"), ("AdCreationMonth", "month")):
        drawn = dict(generated[column].value_counts(normalize=True).iter_rows())
        total = sum(figures[name].values())
        assert drawn == pytest.approx({k: v / total for k, v in figures[name].items()}, abs=0.01)
    areas = generated["GrossSquareMeters"].str.extract(r"(\d+)").cast(float)
    assert areas.median() == pytest.approx(124, rel=0.1)
    districts = generated.group_by("district").agg(low=(pl.col("price_category") == 0).mean())
    told = np.array([figures["districts"][name][1] for name in districts["district"]])
    assert float(np.corrcoef(told, districts["low"])[0, 1]) > 0.9


def test_the_months_fit_together(generate, generated):
    past, future = generate.listings(until="2021-12"), generate.listings(since="2022-01")
    assert pl.concat([past, future]).equals(generated)


def test_a_model_of_the_past_meets_another_future_and_learns_from_it(housing, generate):
    past, future = (
        features(housing, t) for t in (generate.listings(until="2021-12"), generate.listings(since="2022-02"))
    )
    train, test = housing.split(past)
    old = housing.model(train)
    assert housing.metrics(old, test)["accuracy"] >= 0.80
    before = housing.metrics(old, future)["accuracy"]
    assert before <= 0.77
    new = housing.model(pl.concat([train, future.head(2_000)]))
    assert housing.metrics(new, future.slice(2_000))["accuracy"] >= before + 0.05


def test_writing_takes_the_months_asked_for(generate, tmp_path):
    path = generate.write(tmp_path, until="2020-12")
    assert path == tmp_path / "data" / "raw" / "listings.csv"
    assert read_table(path)["AdCreationMonth"].max() == "2020-12"
