"""A hundred noisy readings of a line → a table of the database → the line, and how far from it the readings are."""

import math
from typing import Any, TypedDict

import numpy as np
import polars as pl
from sklearn.linear_model import LinearRegression
from sklearn.metrics import mean_squared_error, r2_score
from sklearn.model_selection import train_test_split

from slipway import BadRequest, split_rows, stage

READINGS = 100


class Values(TypedDict):
    """What callers send: the places at which they want to know the line."""

    values: list[float]


class Predictions(TypedDict):
    """What they get: a list of one number for each value."""

    predictions: list[list[float]]
    model_info: dict[str, Any]
    input_values: list[float]


@stage(publish="linear_data")
def readings(*, seed: int = 42) -> pl.DataFrame:
    """y = 2x + 1 with normal noise of standard deviation 0.5, for x from 0 to 20."""
    x = np.linspace(0, 20, READINGS)
    noise = np.random.RandomState(seed).normal(0, 0.5, READINGS)
    return pl.DataFrame({"x": x, "y": 2 * x + 1 + noise})


@stage(outputs=("train", "test"))
def split(linear_data: pl.DataFrame, *, test_share: float = 0.2, seed: int = 42) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The readings by the usual random split; rows that production labelled stand after them and are split by hash."""
    train, test = train_test_split(linear_data.head(READINGS), test_size=test_share, random_state=seed)
    labelled = linear_data.slice(READINGS)
    # By hash, so that a row keeps its side as more of them come: otherwise old test rows would leak into training.
    _, aside = split_rows(linear_data, test_share=test_share, seed=seed)
    sides = [labelled.join(aside, on=["x", "y"], how=how, maintain_order="left") for how in ("anti", "semi")]
    return pl.concat([train, sides[0]]), pl.concat([test, sides[1]])


@stage
def model(train: pl.DataFrame) -> LinearRegression:
    """The line through the readings, by least squares."""
    return LinearRegression().fit(train.select("x"), train["y"])


@stage
def metrics(model: LinearRegression, test: pl.DataFrame) -> dict[str, float]:
    """How far the line is from readings that it has not seen."""
    predicted = model.predict(test.select("x"))
    mse = float(mean_squared_error(test["y"], predicted))
    return {"mse": mse, "rmse": math.sqrt(mse), "r2": float(r2_score(test["y"], predicted))}


def from_values(body: Values) -> list[dict[str, Any]]:
    """`{"values": [5]}` → one row a value."""
    values = body.get("values") if isinstance(body, dict) else None
    if values is None:
        raise BadRequest('`values` is missing: send {"values": [5, 7.5]}.')
    if not isinstance(values, list):
        raise BadRequest(f'`values` is {values!r}, not a list: send {{"values": [5, 7.5]}}.')
    if not values:
        raise BadRequest("`values` is empty: send at least one number.")
    for place, value in enumerate(values):
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise BadRequest(f"`values[{place}]` is {value!r}, not a number.")
    return [{"x": value} for value in values]


def to_predictions(rows: list[dict[str, Any]], predictions: list[Any], model: Any) -> Predictions:
    """The line at each of the values, and which version says so."""
    return {
        "predictions": [[answer.prediction] for answer in predictions],
        "model_info": {"name": model.name, "version": model.version, "type": "linear regression"},
        "input_values": [row["x"] for row in rows],
    }
