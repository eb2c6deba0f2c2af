"""Try the pipeline that would be written on a sample: which estimator does best, and how good a first model is."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any

from slipway.errors import DataError, ProjectError
from slipway.gate.constant import best_constant
from slipway.gate.measure import CannotMeasure, measure, metric
from slipway.model.answers import predict
from slipway.new.code import pipeline_text, quoted
from slipway.new.columns import Judged
from slipway.new.estimator_code import EstimatorChoice
from slipway.project.facts import LOWER_IS_BETTER, METRICS
from slipway.records import Label

if TYPE_CHECKING:
    import polars as pl

SAMPLE = 4_000
"""Rows that the first model is tried on: enough for a threshold, and quick."""
_LARGEST_SAMPLE = 20_000
_RARE_ROWS = 100
"""The sample is larger where it would have fewer rows of the rarer class than this."""
_RARE_SHARE = 0.2
"""A class other than the commonest is rare below it: accuracy says little of it."""
_TUNED_ROWS = 20
"""From so many rows of the rarer class a threshold can be found for it."""
_FOLDS = 4
_SEEDS = range(7, 27)
_FEW = 10_000
"""With more rows a split has rows on both sides whatever its seed."""
SPREADS = 3
"""How many times the spread from fold to fold is left to chance: one good model in a thousand is beyond it."""


@dataclass(frozen=True, slots=True)
class RareClass:
    """The rarer of two classes."""

    label: Label
    rows: int
    """Of the whole table."""
    share: float


@dataclass(frozen=True, slots=True)
class Baseline:
    """A first model's figures in each fold, and the text of the pipeline that made it."""

    text: str
    rows: int
    """Of the sample, all folds together."""
    fold_rows: float
    """Different rows of a fold, the target left aside: those that agree are right or wrong together."""
    folds: dict[str, tuple[float, ...]]
    """Each metric, fold by fold; a fold's model has not seen its rows."""
    constants: dict[str, float]
    """What the best answer that is the same for every row reaches, by metric; the mean over the folds."""
    features: "pl.DataFrame"
    """What the model knows of the sample's rows, and the target."""
    choice: EstimatorChoice
    other: dict[str, float]
    """The mean figures of the estimator that was not taken."""
    is_uneven: bool = False
    """Whether one class has so many of the rows that accuracy says little of the others."""
    rare: RareClass | None = None
    """The rarer class of two uneven ones."""

    @property
    def without(self) -> float:
        """What comes without a model: the commonest class's share, or the root mean square error of the mean."""
        return self.constants["accuracy" if "accuracy" in self.constants else "rmse"]

    def mean(self, metric: str) -> float:
        return fmean(self.folds[metric])

    def spread(self, metric: str) -> float:
        """The standard deviation of one fold's figure, no less than what so few rows leave to chance."""
        values = self.folds[metric]
        seen = stdev(values) if len(values) > 1 else 0.0
        if metric in ("rmse", "mae"):  # of n misses of a normal law, the root mean square varies by a share of 1/√2n
            return max(seen, self.mean(metric) / math.sqrt(2 * self.fold_rows))
        rows = self.fold_rows
        if metric == "average_precision" and self.rare is not None:
            rows = max(1.0, rows * self.rare.share)
        share = min(max(self.mean(metric), 0.0), 1.0)
        return max(seen, math.sqrt(max(share * (1 - share), 0.0025) / rows))


def baseline(table: "pl.DataFrame", judged: Judged) -> Baseline:
    """Cross-validate the pipeline that would be written, on a sample: it has to work before anybody is given it.

    A plain linear model is tried beside the boosted trees, on the same folds, and written where it is clearly better.
    Rows that are split by time are tried in their order: each fold is newer than all that its model learnt from.

    Raises:
        ProjectError: no split leaves rows to learn from and rows to test on.
    """
    known = table.drop_nulls(judged.target.name) if judged.target.missing else table
    target, is_class = known[judged.target.name], judged.target.kind == "classification"
    counts = target.value_counts(sort=True)["count"] if is_class else None
    is_uneven = counts is not None and counts[0] > (1 - _RARE_SHARE) * known.height
    rare = _rare_class(target) if is_uneven else None
    sample = known.sample(min(_sample_rows(rare), known.height), seed=7, shuffle=True)
    leaf = min(20, max(2, known.height // 7))
    seed = _split_seed(known, judged, leaf)
    stages = _load(pipeline_text(judged, leaf=leaf, seed=seed))
    features = stages["features"](sample.drop(target.name)).with_columns(sample[target.name])
    folds = [pair for pair in _folds(features, judged) if pair[0][target.name].n_unique() > 1 and pair[1].height]
    if not folds:
        raise _unsplittable(known, judged)
    # Few trees: what a threshold is made of may be a point below what the model will reach. Of a rare class all of
    # them: trees that go astray do so by their number.
    trees = {} if is_uneven else {"trees": 30, "learning_rate": 0.3}
    boosted = _figures(stages, folds, judged, trees)
    linear = _figures(_load(pipeline_text(judged, leaf=leaf, seed=seed, choice=EstimatorChoice(True))), folds, judged)
    constants = _constants(folds, judged)
    if trees and _is_better(linear, boosted, constants, is_uneven=False):  # then the trees are given all they will have
        boosted = _figures(stages, folds, judged)
    is_linear = _is_better(linear, boosted, constants, is_uneven=is_uneven)
    literal = None if rare is None or rare.rows < _TUNED_ROWS else _literal(rare.label)
    choice = EstimatorChoice(is_linear, literal)
    text = pipeline_text(judged, leaf=leaf, seed=seed, choice=choice)
    taken, other = (linear, boosted) if is_linear else (boosted, linear)
    return Baseline(
        text=text,
        rows=sample.height,
        fold_rows=fmean(test.drop(target.name).n_unique() for _, test in folds),
        folds=taken,
        constants=constants,
        features=features,
        choice=choice,
        other={name: fmean(values) for name, values in other.items()},
        is_uneven=is_uneven,
        rare=rare,
    )


def _rare_class(target: "pl.Series") -> RareClass | None:
    counts = target.value_counts(sort=True)
    if counts.height != 2:
        return None
    label, rows = counts.row(1)
    return RareClass(label, rows, rows / target.len())


def _sample_rows(rare: RareClass | None) -> int:
    return SAMPLE if rare is None else min(max(SAMPLE, math.ceil(_RARE_ROWS / rare.share)), _LARGEST_SAMPLE)


def _literal(label: Label) -> str:
    return quoted(label) if isinstance(label, str) else repr(label)


def _is_better(
    linear: dict[str, tuple[float, ...]],
    boosted: dict[str, tuple[float, ...]],
    constants: dict[str, float],
    *,
    is_uneven: bool,
) -> bool:
    """Whether a linear model is to be written: better in every fold, and beyond what a gate leaves to chance.

    Of a rare class any lead is enough where it ranks at least as well. And so it is where the boosted trees are worse
    than an answer that is the same for every row, which is what trees that went astray are.
    """
    loss, asked = ("log_loss", "accuracy") if "log_loss" in linear else ("rmse", "rmse")
    ours, theirs = fmean(linear[loss]), fmean(boosted[loss])
    if ours >= theirs:
        return False
    if theirs >= constants[loss]:
        return True
    if is_uneven:
        asked = "average_precision"
        return fmean(linear.get(asked, (0.0,))) >= fmean(boosted.get(asked, (0.0,)))
    if not all(one < other for one, other in zip(linear[loss], boosted[loss], strict=True)):
        return False
    lead = fmean(linear[asked]) - fmean(boosted[asked])
    spread = stdev(linear[asked]) if len(linear[asked]) > 1 else 0.0
    return (-lead if asked in LOWER_IS_BETTER else lead) > SPREADS * spread


def _constants(folds: Sequence[tuple[Any, Any]], judged: Judged) -> dict[str, float]:
    found: dict[str, list[float]] = {}
    for _, test in folds:
        truths = test[judged.target.name].to_list()
        for name in METRICS[judged.target.kind]:
            answers = best_constant(name, truths)
            try:
                value = metric(name, truths, answers.predictions, answers.probabilities).value
            except CannotMeasure:
                continue
            found.setdefault(name, []).append(value)
    return {name: fmean(values) for name, values in found.items()}


def _split_seed(known: "pl.DataFrame", judged: Judged, leaf: int) -> int:
    """A seed by which the whole table's split has two sides, with the rarest class that can be on both of them."""
    if judged.time or known.height > _FEW:
        return _SEEDS[0]
    target, first = known[judged.target.name], None
    fewest = _fewest(target) if judged.target.kind == "classification" else 0
    stages = _load(pipeline_text(judged, leaf=leaf, seed=_SEEDS[0]))
    features = stages["features"](known).with_columns(target)
    for seed in _SEEDS:
        try:
            train, test = stages["split"](features, seed=seed)
        except DataError:
            continue
        if train[target.name].n_unique() > 1 and test.height >= min(5, known.height // 10 + 1):
            first = seed if first is None else first
            rarest = _fewest(test[target.name]) if test[target.name].n_unique() == target.n_unique() else 0
            if rarest >= fewest * judged.test_share - 1 or not 2 <= fewest < _RARE_ROWS:
                return seed
    if first is None:
        raise _unsplittable(known, judged)
    return first


def _fewest(target: "pl.Series") -> int:
    """The rows of the rarest class."""
    return int(target.value_counts(sort=True)["count"][-1])


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
    fold = pl.int_range(pl.len()) % count
    if judged.target.kind == "classification":  # each class in each fold, as far as it has rows
        fold = pl.int_range(pl.len()).over(judged.target.name) % count
    # Rows that agree in all that is known of them are in one fold, as the split has them on one side.
    known = [name for name in features.columns if name != judged.target.name]
    folded = features.with_columns(fold.alias("_fold"))
    fold_of = folded.select(pl.col("_fold").first().over(known) if known else "_fold").to_series()
    for k in range(count):
        yield features.filter(fold_of != k), features.filter(fold_of == k)


def _unsplittable(known: "pl.DataFrame", judged: Judged) -> ProjectError:
    return ProjectError(
        f"{known.height} rows of `{judged.target.name}` can't be split into rows to learn from, with at least two "
        "values of it, and rows to test on. Give more rows."
    )


def _load(text: str) -> dict[str, Any]:
    namespace: dict[str, Any] = {"__name__": "pipeline"}
    exec(compile(text, "pipeline.py", "exec"), namespace)  # noqa: S102 - text that we wrote ourselves
    return namespace


def _figures(
    stages: dict[str, Any], folds: Sequence[tuple[Any, Any]], judged: Judged, settings: dict[str, Any] | None = None
) -> dict[str, tuple[float, ...]]:
    """What the gate would measure of the model, fold by fold."""
    import warnings

    from threadpoolctl import threadpool_limits

    found: dict[str, list[float]] = {}
    # One thread: on so few rows several gain little, and on a busy machine they wait for each other a hundredfold.
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a class that the test rows lack is no news to the person who waits here
        for train, test in folds:
            model = stages["model"](train, **settings or {})
            kind, truths = judged.target.kind, test[judged.target.name].to_list()
            scores = predict(model, test.drop(judged.target.name), test.height, kind)
            probabilities = None if scores.probabilities is None else [each or {} for each in scores.probabilities]
            answers = [answer for answer in scores.predictions if answer is not None]
            for name, value in measure(kind, truths, answers, probabilities).items():
                found.setdefault(name, []).append(value)
    return {name: tuple(values) for name, values in found.items()}


def lead_in_errors(first: Baseline, name: str) -> float:
    """How far a first model is ahead of the best constant answer, in standard errors of its mean over the folds."""
    lead = first.mean(name) - first.constants[name]
    error = first.spread(name) / math.sqrt(len(first.folds[name]))
    return (-lead if name in LOWER_IS_BETTER else lead) / max(error, 1e-300)
