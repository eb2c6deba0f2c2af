"""How much worse a window's answers are than those to the test rows, where the truths are known."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from slipway.gate.measure import within
from slipway.monitor.reading import ColumnDrift
from slipway.monitor.rules import Rules
from slipway.profile.chance import deviate, mean_difference_limit, skewed_limit, tail
from slipway.profile.drift import Measure
from slipway.records import Label

QUALITY = "quality"
DRAWS = 500
CLASSES = 100  # of more, accuracy alone is measured


@dataclass(frozen=True, slots=True)
class Answers:
    """What was true and what was answered, row by row."""

    truths: Sequence[Label]
    predictions: Sequence[Label]


@dataclass(frozen=True, slots=True)
class _Compared:
    """A metric on the test rows and in the window, and by how much of the former the latter is worse."""

    reference: float
    window: float
    drop: Measure


def quality_drift(kind: str, reference: Answers, window: Answers, rules: Rules) -> ColumnDrift | None:
    """Measure by how much answers are worse than on the test rows, relative to there; None where a side has no truths.

    Of classes: accuracy, macro-F1, and precision, recall and F1 weighted by how many rows each class has. Of numbers:
    the mean absolute error and the root of the mean squared one. The worst metric is the reading, and the others stand
    beside. How far chance reaches is found with all rows as one population, of which either side is a part by chance.
    """
    if not reference.truths or not window.truths:
        return None
    compare = _compared_classes if kind == "classification" else _compared_errors
    found = compare(reference, window, rules.z)
    if not found:
        return None
    # The worst that is more than chance, if there is one.
    worst = max(found, key=lambda name: (found[name].drop.exceeds(0.0), found[name].drop.value))
    # An answer that got better is shown as a drop below 0, and is no signal.
    held = rules if found[worst].drop.value > 0 else rules.silent()
    facts = {
        "worst": worst,
        "truths": len(window.truths),
        "metrics": {
            name: {"reference": each.reference, "window": each.window, "drop": each.drop.value}
            for name, each in found.items()
        },
    }
    return ColumnDrift(QUALITY, "quality", kind, None, (held.reading("quality_drop", found[worst].drop),), facts)


def _compared_classes(reference: Answers, window: Answers, z: float) -> dict[str, _Compared]:
    before, after = _pairs(reference), _pairs(window)
    labels = {label: code for code, label in enumerate(sorted({label for pair in (*before, *after) for label in pair}))}
    cells = list({**before, **after})
    true, given = (np.array([labels[pair[side]] for pair in cells]) for side in (0, 1))
    counts = np.array([[side.get(pair, 0) for pair in cells] for side in (before, after)], dtype=np.int64)
    n, m = counts.sum(axis=1).tolist()
    share = counts.sum(axis=0) / (n + m)
    draws = np.random.default_rng(0)
    measured = _class_metrics if len(labels) <= CLASSES else _accuracy
    old, new = (
        measured(true, given, len(labels), np.vstack((own, draws.multinomial(rows, share, DRAWS))))
        for own, rows in zip(counts, (n, m), strict=True)
    )
    # Each of the metrics that differ is one chance more.
    strict = deviate(tail(z) / len(old))
    found = {}
    for name in old:
        if old[name][0] <= 0:
            continue
        limit = _limit(old[name][1:] - new[name][1:], strict, n, m)
        value = (old[name][0] - new[name][0]) / old[name][0]
        found[name] = _Compared(
            float(old[name][0]), float(new[name][0]), Measure(float(value), float(limit / old[name][0]))
        )
    return found


def _pairs(answers: Answers) -> Counter[tuple[str, str]]:
    return Counter(zip(map(str, answers.truths), map(str, answers.predictions), strict=True))


def _limit(drawn: NDArray[np.float64], z: float, n: int, m: int) -> float:
    """What a drop drawn without drift hardly ever exceeds."""
    deviation = max(float(np.std(drawn)), 1e-12)
    skewness = float(np.mean((drawn - drawn.mean()) ** 3)) / deviation**3
    # Where no draw has a wrong answer, one more row could have one.
    return max(skewed_limit(float(drawn.mean()), deviation, skewness, z), z * (1 / n + 1 / m))


def _accuracy(
    true: NDArray[np.int64], given: NDArray[np.int64], k: int, times: NDArray[np.int64]
) -> dict[str, NDArray[np.float64]]:
    return {"accuracy": (times * (true == given)).sum(axis=1) / times.sum(axis=1)}


def _class_metrics(
    true: NDArray[np.int64], given: NDArray[np.int64], k: int, times: NDArray[np.int64]
) -> dict[str, NDArray[np.float64]]:
    """Metrics of each of d sets of rows; `times` has shape (d, c), how often each of c pairs of classes occurs."""
    is_true, is_given = np.eye(k)[true], np.eye(k)[given]
    support, answered = times @ is_true, times @ is_given
    hits = (times * (true == given)) @ is_true
    weight = support / support.sum(axis=1, keepdims=True)
    precision, recall = (hits / np.maximum(side, 1) for side in (answered, support))
    f1 = 2 * hits / np.maximum(support + answered, 1)
    return {
        "accuracy": hits.sum(axis=1) / support.sum(axis=1),
        "precision": (weight * precision).sum(axis=1),
        "recall": (weight * recall).sum(axis=1),
        "f1": (weight * f1).sum(axis=1),
        "macro_f1": f1.sum(axis=1) / np.maximum((support + answered > 0).sum(axis=1), 1),
    }


def _compared_errors(reference: Answers, window: Answers, z: float) -> dict[str, _Compared]:
    before, after = (
        within(np.abs(np.array(side.truths, dtype=np.float64) - np.array(side.predictions, dtype=np.float64)))
        for side in (reference, window)
    )
    strict = deviate(tail(z) / 2)
    found = {}
    for name, power in (("mae", 1), ("rmse", 2)):
        old, new = float(np.mean(before**power)), float(np.mean(after**power))
        if old <= 0:
            continue
        limit = old + mean_difference_limit(before**power, after**power, strict)
        root = 1 / power
        ratio, chance = (new / old) ** root, (limit / old) ** root
        found[name] = _Compared(old**root, new**root, Measure(ratio - 1, chance - 1))
    return found
