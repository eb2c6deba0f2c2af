"""Truths and answers in, metrics out, each with every row's influence on it. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from slipway.errors import DataError
from slipway.model.answers import label_text
from slipway.project.facts import METRICS, ModelKind
from slipway.records import Label

Floats = NDArray[np.float64]
Probabilities = Sequence[Mapping[str, float]]


class CannotMeasure(DataError):
    """A metric has no value here; the message says why."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A metric over n rows."""

    value: float
    influence: Floats
    """Shape (n,), mean 0: how the metric moves with each row's weight. On rows drawn anew it is nearly `value` plus
    the mean influence of those drawn (the nonparametric delta method: Efron, 1982, chapter 6)."""


def measure(
    kind: ModelKind, truths: Sequence[Label], predictions: Sequence[Label], probabilities: Probabilities | None = None
) -> dict[str, float]:
    """Every metric of this kind of model that these rows have a value of, by name."""
    found = {}
    for name in METRICS[kind]:
        try:
            found[name] = metric(name, truths, predictions, probabilities).value
        except CannotMeasure:
            continue
    return found


def metric(
    name: str, truths: Sequence[Label], predictions: Sequence[Label], probabilities: Probabilities | None = None
) -> Measured:
    """One metric over these rows.

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


def _mean(values: Floats) -> Measured:
    mean = float(values.mean())
    return Measured(mean, values - mean)


def _macro_f1(truths: Sequence[Label], predictions: Sequence[Label]) -> Measured:
    codes = {label: code for code, label in enumerate(dict.fromkeys([*truths, *predictions]))}
    n, k = len(truths), len(codes)
    true = np.fromiter((codes[label] for label in truths), dtype=np.int64, count=n)
    given = np.fromiter((codes[label] for label in predictions), dtype=np.int64, count=n)
    hit = true == given
    both = (np.bincount(true, minlength=k) + np.bincount(given, minlength=k)).astype(np.float64)
    f1 = 2 * np.bincount(true[hit], minlength=k) / both
    # F1 of a class is 2 hits over support and answers together; each row is in the support of one class and in the
    # answers of one.
    moved = (2 * hit - f1[true]) / both[true] - f1[given] / both[given]
    return Measured(float(f1.mean()), n / k * moved)


def _log_loss(truths: Sequence[Label], probabilities: Probabilities) -> Measured:
    of_truth = [p.get(class_name(t), 0.0) for t, p in zip(truths, probabilities, strict=True)]
    return _mean(-np.log(np.clip(np.array(of_truth, dtype=np.float64), np.finfo(np.float64).eps, 1.0)))


def _auc(truths: Sequence[Label], probabilities: Probabilities) -> Measured:
    classes = sorted(set(truths), key=lambda label: (isinstance(label, str), label))
    if len(classes) < 2:
        raise CannotMeasure("auc needs rows of two classes at least")
    areas = []
    for label in classes[1:] if len(classes) == 2 else classes:
        scores = np.array([p.get(class_name(label), 0.0) for p in probabilities], dtype=np.float64)
        areas.append(_area(right([label] * len(truths), truths), scores))
    value = float(np.mean([area.value for area in areas]))
    return Measured(value, np.mean([area.influence for area in areas], axis=0))


def _area(is_positive: NDArray[np.bool_], scores: Floats) -> Measured:
    """The share of pairs of a positive and a negative in which the positive scores higher; ties count half.

    The influences are the structural components of DeLong, DeLong and Clarke-Pearson (1988).
    """
    positive, negative = scores[is_positive], scores[~is_positive]
    won = _share_below(negative, positive)
    value = float(won.mean())
    influence = np.empty(scores.size)
    influence[is_positive] = (won - value) * scores.size / positive.size
    influence[~is_positive] = (1 - _share_below(positive, negative) - value) * scores.size / negative.size
    return Measured(value, influence)


def _share_below(others: Floats, scores: Floats) -> Floats:
    ordered = np.sort(others)
    below = np.searchsorted(ordered, scores, side="left") + np.searchsorted(ordered, scores, side="right")
    return np.asarray(below / (2 * ordered.size), dtype=np.float64)


def _regression(name: str, truths: Sequence[Label], predictions: Sequence[Label]) -> Measured:
    true, given = np.array(truths, dtype=np.float64), np.array(predictions, dtype=np.float64)
    if name == "mae":
        return _mean(np.abs(true - given))
    squared = _mean((true - given) ** 2)
    if name == "rmse":
        root = float(np.sqrt(squared.value))
        return Measured(root, squared.influence / (2 * root) if root > 0 else np.zeros(true.size))
    spread = _mean((true - true.mean()) ** 2)
    if spread.value == 0:
        raise CannotMeasure("r2 needs truths that differ")
    unexplained = squared.value / spread.value
    return Measured(1 - unexplained, (unexplained * spread.influence - squared.influence) / spread.value)


def class_name(label: Label) -> str:
    """A label as the key of a map of probabilities."""
    return label_text(label)
