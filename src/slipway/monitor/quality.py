"""Answers with their truths, on the test rows and in a window, in; how much worse the window's are, out."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from slipway.monitor.reading import ColumnDrift
from slipway.monitor.rules import Rules
from slipway.profile.drift import Measure
from slipway.records import Label

QUALITY = "quality"
DRAWS = 200
CLASSES = 100  # of more, accuracy alone is measured


@dataclass(frozen=True, slots=True)
class Answers:
    """What was true and what was answered, row by row."""

    truths: Sequence[Label]
    predictions: Sequence[Label]


@dataclass(frozen=True, slots=True)
class Figure:
    """A metric of one set of answers, and its standard error."""

    value: float
    error: float


def quality_drift(kind: str, reference: Answers, window: Answers, rules: Rules) -> ColumnDrift | None:
    """By how much the answers are worse than on the test rows, relative to there; None where a side has no truths.

    Of classes: accuracy, and precision, recall and F1 weighted by how many rows each class has. Of numbers: the mean
    absolute error and the root of the mean squared one. The worst metric is the reading, and the others stand beside.
    """
    if not reference.truths or not window.truths:
        return None
    figures = _class_figures if kind == "classification" else _error_figures
    before, after = figures(reference), figures(window)
    drops = {name: _drop(kind, before[name], after[name], rules.z) for name in before if name in after}
    found = {name: drop for name, drop in drops.items() if drop is not None}
    if not found:
        return None
    # The worst that is more than chance, if there is one.
    worst = max(found, key=lambda name: (found[name].exceeds(0.0), found[name].value))
    # An answer that got better is shown as a drop below 0, and is no signal.
    held = rules if found[worst].value > 0 else rules.silent()
    facts = {
        "worst": worst,
        "truths": len(window.truths),
        "metrics": {
            name: {"reference": before[name].value, "window": after[name].value, "drop": drop.value}
            for name, drop in found.items()
        },
    }
    return ColumnDrift(QUALITY, "quality", kind, None, (held.reading("quality_drop", found[worst]),), facts)


def _drop(kind: str, before: Figure, after: Figure, z: float) -> Measure | None:
    if before.value <= 0:
        return None
    change = (before.value - after.value) if kind == "classification" else (after.value - before.value)
    error = math.hypot(before.error, after.error)
    return Measure(change / before.value, by_chance=z * error / before.value)


def _class_figures(answers: Answers) -> dict[str, Figure]:
    """Each metric with the standard deviation that it has when the rows are drawn anew."""
    truths, predictions = [str(t) for t in answers.truths], [str(p) for p in answers.predictions]
    codes = {label: code for code, label in enumerate(sorted({*truths, *predictions}))}
    true, given = (np.array([codes[label] for label in side]) for side in (truths, predictions))
    n, k = len(truths), len(codes)
    accuracy = float(np.mean(true == given))
    if k > CLASSES:
        return {"accuracy": Figure(accuracy, math.sqrt(max(accuracy * (1 - accuracy), 1 / n) / n))}
    pairs, times = np.unique(true * k + given, return_counts=True)
    drawn = np.random.default_rng(0).multinomial(n, times / n, DRAWS)
    metrics = _weighted(pairs // k, pairs % k, k, np.vstack((times, drawn)))
    # Where every answer is right no draw has a wrong one: one more row could have.
    return {name: Figure(float(v[0]), max(float(np.std(v[1:])), 1 / n)) for name, v in metrics.items()}


def _weighted(
    true: NDArray[np.int64], given: NDArray[np.int64], k: int, times: NDArray[np.int64]
) -> Mapping[str, NDArray[np.float64]]:
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
    }


def _error_figures(answers: Answers) -> dict[str, Figure]:
    true, given = (np.array(side, dtype=np.float64) for side in (answers.truths, answers.predictions))
    absolute, squared = np.abs(true - given), (true - given) ** 2
    root = math.sqrt(float(squared.mean()))
    rows = math.sqrt(len(true))
    return {
        "mae": Figure(float(absolute.mean()), float(absolute.std()) / rows),
        "rmse": Figure(root, float(squared.std()) / rows / (2 * root) if root else 0.0),
    }
