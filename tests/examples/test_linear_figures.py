import numpy as np
import polars as pl
import pytest

from slipway.project import read_project
from slipway.tables.files import read_table


@pytest.fixture(scope="module")
def linear(examples, load):
    return load(examples / "linear" / "pipeline.py")


@pytest.fixture(scope="module")
def tables(linear):
    return linear.split(linear.readings().select("x", "y"))


def test_the_readings_are_those_of_seed_42(linear, shared):
    real = read_table(shared / "linear" / "linear_data_seed42.csv")
    made = linear.readings()
    assert made.columns == real.columns
    assert np.array_equal(made.to_numpy(), real.to_numpy())


def test_the_line_has_its_golden_figures(linear, tables):
    train, test = tables
    model = linear.model(train)
    assert float(model.coef_[0]) == pytest.approx(2.00302, abs=1e-5)
    assert float(model.intercept_) == pytest.approx(0.90989, abs=1e-5)
    assert float(model.predict(pl.DataFrame({"x": [5.0]}))[0]) == pytest.approx(10.925, abs=1e-4)
    assert linear.metrics(model, test) == pytest.approx({"mse": 0.15551, "rmse": 0.39435, "r2": 0.99882}, abs=1e-5)


def test_the_project_says_what_the_document_draws(examples):
    project = read_project(examples / "linear")
    assert project.stages["readings"].publish == "linear_data"
    assert project.sources["linear_data"].after == "readings"
    (route,) = project.api.routes
    assert (route.path, route.invalid_status) == ("/predict", 400)
