"""The stages as plain functions, held to the figures that seed 42 gives. Run with `pytest` in the project's folder."""

import sys
from pathlib import Path
from types import SimpleNamespace

import polars as pl
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

import pipeline

from slipway import BadRequest


@pytest.fixture(scope="module")
def tables():
    return pipeline.split(pipeline.readings())


def test_the_line_is_found(tables):
    model = pipeline.model(tables[0])
    assert model.coef_[0] == pytest.approx(2.00302, abs=1e-5)
    assert model.intercept_ == pytest.approx(0.90989, abs=1e-5)
    assert model.predict(pl.DataFrame({"x": [5.0]}))[0] == pytest.approx(10.925, abs=1e-3)


def test_readings_kept_back_are_close_to_it(tables):
    train, test = tables
    assert (train.height, test.height) == (80, 20)
    assert pipeline.metrics(pipeline.model(train), test) == pytest.approx(
        {"mse": 0.15551, "rmse": 0.39435, "r2": 0.99882}, abs=1e-5
    )


@pytest.mark.parametrize("count", [1, 2, 50])
def test_a_reading_keeps_its_side_when_labelled_rows_come(count):
    before = pipeline.readings()
    labelled = pl.DataFrame({"x": [30.0 + i for i in range(50)], "y": [61.0 + 2 * i for i in range(50)]})
    train, test = pipeline.split(before)
    all_train, all_test = pipeline.split(pl.concat([before, labelled]))
    more_train, more_test = pipeline.split(pl.concat([before, labelled.head(count)]))
    assert more_train.head(80).equals(train)
    assert more_test.head(20).equals(test)
    assert more_train.height + more_test.height == 100 + count
    assert set(more_train.rows()) <= set(all_train.rows())
    assert set(more_test.rows()) <= set(all_test.rows())


def test_values_become_rows_and_answers_are_nested():
    rows = pipeline.from_values({"values": [5, 7.5]})
    assert rows == [{"x": 5}, {"x": 7.5}]
    answers = [SimpleNamespace(prediction=10.9), SimpleNamespace(prediction=15.9)]
    assert pipeline.to_predictions(rows, answers, SimpleNamespace(name="linear", version=3)) == {
        "predictions": [[10.9], [15.9]],
        "model_info": {"name": "linear", "version": 3, "type": "linear regression"},
        "input_values": [5, 7.5],
    }


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "missing"),
        ([5], "missing"),
        ({"values": 5}, "not a list"),
        ({"values": []}, "empty"),
        ({"values": [5, "6"]}, r"values\[1\].*not a number"),
        ({"values": [True]}, "not a number"),
    ],
)
def test_a_body_that_is_wrong_is_refused(body, message):
    with pytest.raises(BadRequest, match=message):
        pipeline.from_values(body)
