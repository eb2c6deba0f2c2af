"""Truths and answers in, metrics out, each with every row's influence on it. Pure."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from slipway.errors import DataError
from slipway.journal.label_type import LARGEST
from slipway.model.answers import label_text
from slipway.project.facts import METRICS, ModelKind
from slipway.records import Label

Floats = NDArray[np.float64]
Probabilities = Sequence[Mapping[str, float]]

OfOneClass = Callable[[NDArray[np.bool_], Floats], "Measured"]


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

    `macro_f1` and one-vs-rest `auc` (of the greater class where there are two) weigh classes equally, and so does
    `average_precision`, which is that of the rarer class where there are two (of equally many, of the greater one);
    `log_loss` clips at the smallest step of a float from 0; the errors are in the target's unit. All as scikit-learn
    defines them.

    Raises:
        CannotMeasure: no rows, probabilities that are not there, one class alone, or a name that is none of these.
    """
    if not truths:
        raise CannotMeasure("there are no rows")
    if name in METRICS["regression"]:
        return _regression(name, truths, predictions)
    if name in _OF_PROBABILITIES:
        if probabilities is None:
            raise CannotMeasure(f"{name} needs probabilities, which the model does not give")
        return _OF_PROBABILITIES[name](truths, probabilities)
    if name == "accuracy":
        return _mean(right(truths, predictions).astype(np.float64))
    if name == "macro_f1":
        return _macro_f1(truths, predictions)
    raise CannotMeasure(f"`{name}` is none of the metrics that are recomputed")


def right(truths: Sequence[Label], predictions: Sequence[Label]) -> NDArray[np.bool_]:
    """Which predictions are the truth, shape (n,)."""
    return np.fromiter((t == p for t, p in zip(truths, predictions, strict=True)), dtype=bool, count=len(truths))


def within(errors: Floats) -> Floats:
    """Count errors beyond ±LARGEST as that, so that their squares, and the spread of those, are finite."""
    return np.clip(errors, -float(LARGEST), float(LARGEST))


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
    classes = _classes("auc", truths)
    return _mean_over(classes[1:] if len(classes) == 2 else classes, truths, probabilities, _area)


def _average_precision(truths: Sequence[Label], probabilities: Probabilities) -> Measured:
    classes = _classes("average_precision", truths)
    if len(classes) == 2:
        times = Counter(truths)
        classes = [classes[0] if times[classes[0]] < times[classes[1]] else classes[1]]
    return _mean_over(classes, truths, probabilities, _precision)


def _classes(name: str, truths: Sequence[Label]) -> list[Label]:
    classes = sorted(set(truths), key=lambda label: (isinstance(label, str), label))
    if len(classes) < 2:
        raise CannotMeasure(f"{name} needs test rows of two classes, and all of these are `{class_name(classes[0])}`")
    return classes


def _mean_over(
    classes: Sequence[Label], truths: Sequence[Label], probabilities: Probabilities, of_one: OfOneClass
) -> Measured:
    """The mean of a measure of each class against the rest."""
    found = []
    for label in classes:
        scores = np.array([p.get(class_name(label), 0.0) for p in probabilities], dtype=np.float64)
        found.append(of_one(right([label] * len(truths), truths), scores))
    value = float(np.mean([each.value for each in found]))
    return Measured(value, np.mean([each.influence for each in found], axis=0))


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


def _precision(is_positive: NDArray[np.bool_], scores: Floats) -> Measured:
    """The mean, over the positives, of the share of positives among all rows that score at least as high.

    The influences are its derivatives by the weight of each row: a row counts in the precision at its own score and at
    every lower one, and a positive in the mean as well.
    """
    order = np.argsort(-scores, kind="stable")
    hit, ordered = is_positive[order].astype(np.float64), scores[order]
    last = np.searchsorted(-ordered, -ordered, side="right") - 1  # equal scores are one threshold
    first = np.searchsorted(-ordered, -ordered, side="left")
    hits, taken = np.cumsum(hit)[last], last + 1.0
    precision, positives = hits / taken, hit.sum()
    value = float((hit * precision).sum() / positives)
    # What one more positive, or negative, above a threshold does to the precision there, summed over lower thresholds.
    gained, lost = hit * (taken - hits) / taken**2, hit * hits / taken**2
    below = np.where(hit > 0, _sums_from(gained, first), -_sums_from(lost, first))
    influence = np.empty(scores.size)
    influence[order] = (below + hit * (precision - value)) * scores.size / positives
    return Measured(value, influence)


def _sums_from(values: Floats, first: NDArray[np.int64]) -> Floats:
    """The sum of the values from each place in `first` to the end."""
    return np.asarray(np.cumsum(values[::-1])[::-1][first], dtype=np.float64)


def _share_below(others: Floats, scores: Floats) -> Floats:
    ordered = np.sort(others)
    below = np.searchsorted(ordered, scores, side="left") + np.searchsorted(ordered, scores, side="right")
    return np.asarray(below / (2 * ordered.size), dtype=np.float64)


def _regression(name: str, truths: Sequence[Label], predictions: Sequence[Label]) -> Measured:
    true, given = np.array(truths, dtype=np.float64), np.array(predictions, dtype=np.float64)
    error = within(true - given)
    if name == "mae":
        return _mean(np.abs(error))
    squared = _mean(error**2)
    if name == "rmse":
        root = float(np.sqrt(squared.value))
        return Measured(root, squared.influence / (2 * root) if root > 0 else np.zeros(true.size))
    spread = _mean(within(true - within(true).mean()) ** 2)
    if spread.value == 0:
        raise CannotMeasure("r2 needs truths that differ")
    unexplained = squared.value / spread.value
    return Measured(1 - unexplained, (unexplained * spread.influence - squared.influence) / spread.value)


def class_name(label: Label) -> str:
    """A label as the key of a map of probabilities."""
    return label_text(label)


_OF_PROBABILITIES: Mapping[str, Callable[[Sequence[Label], Probabilities], Measured]] = {
    "log_loss": _log_loss,
    "auc": _auc,
    "average_precision": _average_precision,
}
