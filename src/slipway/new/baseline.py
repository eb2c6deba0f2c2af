"""The text of a written pipeline and a table in; how good a first model is, and what a gate may ask, out."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any

import numpy as np

from slipway.errors import DataError, ProjectError
from slipway.new.code import pipeline_text
from slipway.new.columns import Judged

if TYPE_CHECKING:
    import polars as pl

SAMPLE = 4_000
"""Rows that the first model is tried on: enough for a threshold, and quick."""
_FOLDS = 4
_SEEDS = range(7, 27)
_FEW = 10_000
"""With more rows a split has rows on both sides whatever its seed."""
_SPREADS = 3
"""How many times the spread from fold to fold a gate leaves to chance: one good model in a thousand fails by it."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """A first model's figures in each fold, and the text of the pipeline that made it."""

    text: str
    rows: int
    """Of the sample, all folds together."""
    fold_rows: float
    folds: dict[str, tuple[float, ...]]
    """Each metric, fold by fold; a fold's model has not seen its rows."""
    without: float
    """What comes without a model: the commonest class's share, or the target's standard deviation."""
    features: "pl.DataFrame"
    """What the model knows of the sample's rows, and the target."""

    def mean(self, metric: str) -> float:
        return fmean(self.folds[metric])

    def spread(self, metric: str) -> float:
        """The standard deviation of one fold's figure, no less than what so few rows leave to chance."""
        values = self.folds[metric]
        seen = stdev(values) if len(values) > 1 else 0.0
        if metric in ("rmse", "mae"):  # of n misses of a normal law, the root mean square varies by a share of 1/√2n
            return max(seen, self.mean(metric) / math.sqrt(2 * self.fold_rows))
        share = min(max(self.mean(metric), 0.0), 1.0)
        return max(seen, math.sqrt(max(share * (1 - share), 0.0025) / self.fold_rows))


@dataclass(frozen=True, slots=True)
class Ask:
    """One threshold of the gate and where it comes from."""

    metric: str
    minimum: float | None
    maximum: float | None
    max_drop: float
    why: str


def baseline(table: "pl.DataFrame", judged: Judged) -> Baseline:
    """Cross-validate the pipeline that would be written, on a sample: it has to work before anybody is given it.

    Rows that are split by time are tried in their order: each fold is newer than all that its model learnt from.

    Raises:
        ProjectError: no split leaves rows to learn from and rows to test on.
    """
    known = table.drop_nulls(judged.target.name) if judged.target.missing else table
    sample = known.sample(min(SAMPLE, known.height), seed=7, shuffle=True)
    leaf = min(20, max(2, known.height // 7))
    text = _splitting_text(known, judged, leaf)
    stages = _load(text)
    features = stages["features"](sample.drop(judged.target.name)).with_columns(sample[judged.target.name])
    figures, sizes, without = [], [], []
    for train, test in _folds(features, judged):
        if train[judged.target.name].n_unique() < 2 or not test.height:
            continue
        figures.append(_figures(stages, train, test))
        sizes.append(test.height)
        without.append(_without(test, train, judged))
    if not figures:
        raise _unsplittable(known, judged)
    folds = {metric: tuple(figure[metric] for figure in figures) for metric in figures[0]}
    return Baseline(text, sample.height, fmean(sizes), folds, fmean(without), features)


def ask(first: Baseline, judged: Judged) -> Ask:
    """What the gate asks of one metric: so much less than a first model reached that chance refuses nobody."""
    test_rows = judged.rows * judged.test_share
    tried = f"A first model, tried on {len(next(iter(first.folds.values())))} parts of {first.rows:,} rows"
    tried += ", each newer than what it had learnt from," if judged.time else " that it had not seen,"
    if judged.target.kind == "regression":
        rmse, spread = first.mean("rmse"), first.spread("rmse")
        why = (
            f"{tried} missed by {_figure(rmse)} ± {_figure(spread)} (root mean square, ± its spread from part to "
            f"part); always saying the mean misses by {_figure(first.without)}. max leaves three times the spread to "
            "chance."
        )
        limit = rmse + max(_SPREADS * spread, 0.1 * rmse)
        return Ask("rmse", None, _upwards(limit) if rmse else None, _upwards(0.02 * rmse), why)
    metric = "accuracy" if first.without <= 0.8 else "macro_f1"
    reached, spread = first.mean(metric), first.spread(metric)
    lowest = reached - max(_SPREADS * spread, 0.02)
    if metric == "accuracy":  # a model that knows nothing does not pass, unless the first one is hardly better itself
        lowest = max(lowest, min(first.without, reached - spread))
    minimum = max(0.0, math.floor(100 * lowest) / 100)
    floor = "min leaves three times the spread to chance."
    if minimum > reached - _SPREADS * spread:
        floor = "min keeps out what is no better than that; three times the spread would not."
    always = f"always saying the commonest class would be right {first.without:.2f}"
    if metric == "macro_f1":
        always += ", which is why it is not accuracy that is asked"
    why = f"{tried} had {reached:.2f} ± {spread:.2g} (± its spread from part to part); {always}. {floor}"
    return Ask(metric, minimum, None, 0.01 if test_rows >= 500 else 0.02, why)


def _splitting_text(known: "pl.DataFrame", judged: Judged, leaf: int) -> str:
    """The pipeline with a seed by which the whole table's split has two sides."""
    if judged.time or known.height > _FEW:
        return pipeline_text(judged, leaf=leaf, seed=_SEEDS[0])
    for seed in _SEEDS:
        text = pipeline_text(judged, leaf=leaf, seed=seed)
        stages = _load(text)
        try:
            train, test = stages["split"](stages["features"](known).with_columns(known[judged.target.name]))
        except DataError:
            continue
        if train[judged.target.name].n_unique() > 1 and test.height >= min(5, known.height // 10 + 1):
            return text
    raise _unsplittable(known, judged)


def _folds(features: "pl.DataFrame", judged: Judged) -> "Iterator[tuple[pl.DataFrame, pl.DataFrame]]":
    import polars as pl

    if judged.time:
        time = pl.col(judged.time)
        found = (features[judged.time].quantile(k / (_FOLDS + 1), "nearest") for k in range(1, _FOLDS + 1))
        edges = sorted({edge for edge in found if edge is not None})
        for edge, following in zip(edges, [*edges[1:], math.inf], strict=True):
            is_older = (time < edge).fill_null(True)
            yield features.filter(is_older), features.filter((time >= edge) & (time < following))
        return
    count = min(_FOLDS, max(2, features.height // 5))
    fold = pl.int_range(features.height) % count
    for k in range(count):
        yield features.filter(fold != k), features.filter(fold == k)


def _unsplittable(known: "pl.DataFrame", judged: Judged) -> ProjectError:
    return ProjectError(
        f"{known.height} rows of `{judged.target.name}` can't be split into rows to learn from, with at least two "
        "values of it, and rows to test on. Give more rows."
    )


def _load(text: str) -> dict[str, Any]:
    namespace: dict[str, Any] = {"__name__": "pipeline"}
    exec(compile(text, "pipeline.py", "exec"), namespace)  # noqa: S102 - text that we wrote ourselves
    return namespace


def _figures(stages: dict[str, Any], train: "pl.DataFrame", test: "pl.DataFrame") -> dict[str, float]:
    import warnings

    from threadpoolctl import threadpool_limits

    # Few trees: what a threshold is made of may be a point below what the model will reach.
    # One thread: on so few rows several gain little, and on a busy machine they wait for each other a hundredfold.
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a class that the test rows lack is no news to the person who waits here
        metrics: dict[str, float] = stages["metrics"](stages["model"](train, trees=30, learning_rate=0.3), test)
    return metrics


def _without(test: "pl.DataFrame", train: "pl.DataFrame", judged: Judged) -> float:
    target = judged.target.name
    if judged.target.kind == "regression":
        return float(np.sqrt(np.mean((test[target].to_numpy() - np.mean(train[target].to_numpy())) ** 2)))
    commonest = train[target].mode().sort()[0]
    return float((test[target] == commonest).sum() / test.height)


def _upwards(value: float) -> float:
    """A number rounded up to two digits."""
    if value <= 0:
        return 0.0
    unit = 10.0 ** (math.floor(math.log10(value)) - 1)
    return float(f"{math.ceil(value / unit - 1e-9) * unit:.6g}")


def _figure(value: float) -> str:
    """Three figures, written out: 21,700 and not 2.17e+04."""
    return f"{float(f'{value:.3g}'):,.0f}" if abs(value) >= 100 else f"{value:.3g}"
