"""The text of a written pipeline and a table in; how good a first model is, and what a gate may ask, out."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from slipway.errors import DataError, ProjectError
from slipway.new.code import pipeline_text
from slipway.new.columns import Judged

if TYPE_CHECKING:
    import polars as pl

SAMPLE = 5_000
"""Rows that the first model is tried on: enough for a threshold, and quick."""
_SEEDS = range(7, 27)


@dataclass(frozen=True, slots=True)
class Baseline:
    """A first model's figures, and the text of the pipeline that made it."""

    text: str
    rows: int
    test_rows: int
    metrics: dict[str, float]
    without: float
    """What comes without a model: the commonest class's share, or the target's standard deviation."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One threshold of the gate and where it comes from."""

    metric: str
    minimum: float | None
    maximum: float | None
    max_drop: float
    why: str


def baseline(table: "pl.DataFrame", judged: Judged) -> Baseline:
    """Run the pipeline that would be written on a sample of the table: it has to work before anybody is given it.

    Raises:
        ProjectError: no split leaves rows to learn from and rows to test on.
    """
    known = table.drop_nulls(judged.target.name)
    sample = known.sample(min(SAMPLE, known.height), seed=7, shuffle=True)
    leaf = 20 if known.height >= 1_000 else max(2, known.height // 50)
    for seed in _SEEDS:
        text = pipeline_text(judged, leaf=leaf, seed=seed)
        stages = _load(text)
        features = stages["features"](sample).with_columns(sample[judged.target.name])
        try:
            # The whole table's split has to have two sides, and the sample's, which is tried here.
            stages["split"](stages["features"](known).with_columns(known[judged.target.name]))
            train, test = stages["split"](features)
        except DataError:
            continue
        if train[judged.target.name].n_unique() == 1 or test.height < min(5, known.height // 10 + 1):
            continue
        metrics = _figures(stages, train, test)
        return Baseline(text, sample.height, test.height, metrics, _without(test, train, judged))
    raise ProjectError(
        f"{known.height} rows of `{judged.target.name}` can't be split into rows to learn from, with at least two "
        "values of it, and rows to test on. Give more rows."
    )


def ask(first: Baseline, judged: Judged) -> Ask:
    """What the gate asks of one metric: a little less than a first model reached, so that chance refuses nobody."""
    if judged.target.kind == "regression":
        rmse = first.metrics["rmse"]
        why = (
            f"A first model on {first.rows:,} rows missed by {rmse:.3g} (root mean square) on {first.test_rows:,} rows "
            f"that it had not seen; always saying the mean misses by {first.without:.3g}."
        )
        return Ask("rmse", None, _upwards(1.25 * rmse) if rmse else None, _upwards(0.02 * rmse), why)
    metric = "accuracy" if first.without <= 0.8 else "macro_f1"
    reached = first.metrics[metric]
    noise = math.sqrt(max(reached * (1 - reached), 0.01) / first.test_rows)
    minimum = max(0.0, math.floor(100 * (reached - max(3 * noise, 0.02))) / 100)
    always = f"always saying the commonest class would be right {first.without:.2f}"
    if metric == "macro_f1":
        always += ", which is why it is not accuracy that is asked"
    why = (
        f"A first model on {first.rows:,} rows had {reached:.2f} on {first.test_rows:,} rows that it had not seen; "
        f"{always}."
    )
    return Ask(metric, minimum, None, 0.01 if first.test_rows >= 500 else 0.02, why)


def _load(text: str) -> dict[str, Any]:
    namespace: dict[str, Any] = {"__name__": "pipeline"}
    exec(compile(text, "pipeline.py", "exec"), namespace)  # noqa: S102 - text that we wrote ourselves
    return namespace


def _figures(stages: dict[str, Any], train: "pl.DataFrame", test: "pl.DataFrame") -> dict[str, float]:
    import warnings

    from threadpoolctl import threadpool_limits

    # One thread: on so few rows several gain little, and on a busy machine they wait for each other a hundredfold.
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a class that the test rows lack is no news to the person who waits here
        metrics: dict[str, float] = stages["metrics"](stages["model"](train), test)
    return metrics


def _without(test: "pl.DataFrame", train: "pl.DataFrame", judged: Judged) -> float:
    target = judged.target.name
    if judged.target.kind == "regression":
        return float(np.std(test[target].to_numpy() - np.mean(train[target].to_numpy())))
    commonest = train[target].mode().sort()[0]
    return float((test[target] == commonest).sum() / test.height)


def _upwards(value: float) -> float:
    """A number rounded up to two digits."""
    if value <= 0:
        return 0.0
    unit = 10.0 ** (math.floor(math.log10(value)) - 1)
    return float(f"{math.ceil(value / unit - 1e-9) * unit:.6g}")
