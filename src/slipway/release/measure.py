"""Truths and answers in, metrics out. Pure; every metric is a function of row weights, so that it can be resampled."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from slipway.errors import DataError
from slipway.project.facts import METRICS, ModelKind
from slipway.records import Label

Floats = NDArray[np.float64]
Metric = Callable[[Floats], float]
"""Row weights of shape (n,), not all zero → the metric's value."""
Probabilities = Sequence[Mapping[str, float]]


class CannotMeasure(DataError):
    """A metric has no value here; the message says why."""


def measure(
    kind: ModelKind, truths: Sequence[Label], predictions: Sequence[Label], probabilities: Probabilities | None = None
) -> dict[str, float]:
    """Every metric of this kind of model that these rows have a value of, by name."""
    found = {}
    for name in METRICS[kind]:
        try:
            found[name] = metric(name, truths, predictions, probabilities)(np.ones(len(truths)))
        except CannotMeasure:
            continue
    return found


def metric(
    name: str, truths: Sequence[Label], predictions: Sequence[Label], probabilities: Probabilities | None = None
) -> Metric:
    """One metric over these rows, as a function of their weights.

    `macro_f1` and one-vs-rest `auc` (of the greater class where there are two) weigh classes equally; `log_loss` clips
    at the smallest step of a float from 0; the errors are in the target's unit. All as scikit-learn defines them.

    Raises:
        CannotMeasure: no rows, probabilities that are not there, one class alone, or a name that is none of these.
    """
    if not truths:
        raise CannotMeasure("there are no rows")
    if name in METRICS["regression"]:
        return _regression(name, truths, predictions)
    if name in ("log_loss", "auc"):
        if probabilities is None:
            raise CannotMeasure(f"{name} needs probabilities, which the model does not give")
        return (_log_loss if name == "log_loss" else _auc)(truths, probabilities)
    if name == "accuracy":
        return _mean(right(truths, predictions).astype(np.float64))
    if name == "macro_f1":
        return _macro_f1(truths, predictions)
    raise CannotMeasure(f"`{name}` is none of the metrics that are recomputed")


def right(truths: Sequence[Label], predictions: Sequence[Label]) -> NDArray[np.bool_]:
    """Which predictions are the truth, shape (n,)."""
    return np.fromiter((t == p for t, p in zip(truths, predictions, strict=True)), dtype=bool, count=len(truths))


def _mean(values: Floats) -> Metric:
    return lambda weights: float(weights @ values / weights.sum())


def _macro_f1(truths: Sequence[Label], predictions: Sequence[Label]) -> Metric:
    codes = {label: code for code, label in enumerate(dict.fromkeys([*truths, *predictions]))}
    k = len(codes)
    true = np.array([codes[label] for label in truths])
    given = np.array([codes[label] for label in predictions])
    hit = true == given

    def value(weights: Floats) -> float:
        support = np.bincount(true, weights, k)
        answered = np.bincount(given, weights, k)
        hits = np.bincount(true[hit], weights[hit], k)
        is_there = support + answered > 0
        return float(np.mean(2 * hits[is_there] / (support + answered)[is_there]))

    return value


def _log_loss(truths: Sequence[Label], probabilities: Probabilities) -> Metric:
    of_truth = [p.get(class_name(t), 0.0) for t, p in zip(truths, probabilities, strict=True)]
    return _mean(-np.log(np.clip(np.array(of_truth, dtype=np.float64), np.finfo(np.float64).eps, 1.0)))


def _auc(truths: Sequence[Label], probabilities: Probabilities) -> Metric:
    classes = sorted(set(truths), key=lambda label: (isinstance(label, str), label))
    if len(classes) < 2:
        raise CannotMeasure("auc needs rows of two classes at least")
    measured = classes[1:] if len(classes) == 2 else classes
    areas = []
    for label in measured:
        scores = np.array([p.get(class_name(label), 0.0) for p in probabilities], dtype=np.float64)
        areas.append(_area(right([label] * len(truths), truths), scores))

    def value(weights: Floats) -> float:
        found = [area(weights) for area in areas]
        return float(np.nanmean(found)) if not np.all(np.isnan(found)) else float("nan")

    return value


def _area(is_positive: NDArray[np.bool_], scores: Floats) -> Metric:
    """The share of pairs of a positive and a negative in which the positive scores higher; ties count half."""
    order = np.argsort(scores, kind="stable")
    starts = np.flatnonzero(np.diff(scores[order], prepend=-np.inf))
    positive = is_positive[order].astype(np.float64)

    def value(weights: Floats) -> float:
        sorted_weights = weights[order]
        positives = np.add.reduceat(sorted_weights * positive, starts)
        negatives = np.add.reduceat(sorted_weights * (1 - positive), starts)
        pairs = positives.sum() * negatives.sum()
        if pairs == 0:
            return float("nan")
        below = np.cumsum(negatives) - negatives
        return float(positives @ (below + negatives / 2) / pairs)

    return value


def _regression(name: str, truths: Sequence[Label], predictions: Sequence[Label]) -> Metric:
    true, given = np.array(truths, dtype=np.float64), np.array(predictions, dtype=np.float64)
    errors = true - given
    if name == "mae":
        return _mean(np.abs(errors))
    squared = _mean(errors**2)
    if name == "rmse":
        return lambda weights: float(np.sqrt(squared(weights)))
    if np.ptp(true) == 0:
        raise CannotMeasure("r2 needs truths that differ")

    def r2(weights: Floats) -> float:
        mean = weights @ true / weights.sum()
        spread = weights @ (true - mean) ** 2
        return float(1 - weights @ errors**2 / spread) if spread > 0 else float("nan")

    return r2


def class_name(label: Label) -> str:
    """A label as the key of a map of probabilities."""
    return str(label)
