"""Answers that know nothing of a row, constant or at random: what a model has to be better than, by each metric."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from slipway.gate.compare import Answers
from slipway.gate.measure import Measured, class_name, metric
from slipway.project.facts import LOWER_IS_BETTER, METRICS
from slipway.records import Label

_DRAWS = 500
_SEED = 7


def best_constant(name: str, truths: Sequence[Label]) -> Answers:
    """Give the constant answer to all rows that is best by one metric, seen from the truths themselves.

    The commonest class for metrics of answers, the shares of the classes for metrics of probabilities; the median for
    the mean absolute error, the mean for any other error.
    """
    rows = len(truths)
    if name in METRICS["regression"]:
        values = np.array(truths, dtype=np.float64)
        return Answers([float(np.median(values) if name == "mae" else values.mean())] * rows, None)
    times = Counter(truths).most_common()
    shares = {class_name(label): count / rows for label, count in times}
    return Answers([times[0][0]] * rows, [shares] * rows)


def constant_passes(name: str, limit: float, truths: Sequence[Label]) -> float | None:
    """Return what the best constant answer reaches, where that keeps a limit of this metric; else None."""
    answers = best_constant(name, truths)
    reached = metric(name, truths, answers.predictions, answers.probabilities).value
    is_kept = reached <= limit if name in LOWER_IS_BETTER else reached >= limit
    return reached if is_kept else None


def guessed_macro_f1(truths: Sequence[Label], predictions: Sequence[Label]) -> Measured:
    """Measure the macro-F1 to be expected of the same answers, dealt out to the rows at random.

    Of a class with the share p that is answered with the share q it is 2pq / (p + q). Where classes are uneven a guess
    is better by this metric than any constant answer.
    """
    n, given, times = len(truths), Counter(predictions), Counter(truths)
    labels = [*dict.fromkeys([*truths, *predictions])]
    p, q = (np.array([count[label] / n for label in labels]) for count in (times, given))
    places = {label: place for place, label in enumerate(labels)}
    true, said = (np.array([places[label] for label in side]) for side in (truths, predictions))
    by_p, by_q = 2 * (q / (p + q)) ** 2, 2 * (p / (p + q)) ** 2
    influence = (by_p[true] - by_p @ p + by_q[said] - by_q @ q) / len(labels)
    return Measured(float(np.mean(2 * p * q / (p + q))), influence)


def expected_average_precision(truths: Sequence[Label]) -> float:
    """Compute the average precision to be expected of a ranking at random, by the definition in `measure.metric`.

    It is more than the share of the class, all the more the fewer rows that has (Bestgen, 2015).
    """
    n = len(truths)
    harmonic = float((1 / np.arange(1, n + 1)).sum())
    return float(np.mean([((k - 1) / (n - 1) * (n - harmonic) + harmonic) / n for k in _ranked_classes(truths)]))


def random_average_precision(truths: Sequence[Label], draws: int = _DRAWS) -> NDArray[np.float64]:
    """Draw the average precision of rankings at random; shape (draws,)."""
    rng, n = np.random.default_rng(_SEED), len(truths)
    counts = _ranked_classes(truths)
    found = np.zeros(draws)
    for positives in counts:
        for draw in range(draws):
            ranks = np.sort(rng.choice(n, positives, replace=False, shuffle=False)) + 1
            found[draw] += float((np.arange(1, positives + 1) / ranks).mean())
    return found / len(counts)


def _ranked_classes(truths: Sequence[Label]) -> list[int]:
    """The rows of each class that is ranked above the rest: of two, the rarer."""
    counts = sorted(Counter(truths).values())
    return counts[:1] if len(counts) == 2 else counts
