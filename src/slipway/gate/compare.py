"""Compare two models' answers on the same rows: how much worse one is, and what chance alone may make of it."""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import NormalDist

import numpy as np

from slipway.gate.measure import CannotMeasure, Floats, Measured, Probabilities, class_name, metric, right
from slipway.gate.noninferiority import drop_interval, mcnemar, p_drop_below, p_drop_exceeds
from slipway.project.facts import LOWER_IS_BETTER
from slipway.records import Label

ALPHA = 0.05
"""How often a candidate that is no worse than it may be fails by chance, at most."""
POWER = 0.8
"""How often a drop of the size that rows are said to tell is found."""

RANKED = frozenset({"auc", "average_precision"})
"""Metrics of how well rows of one class are ranked above the others: as sure as the rarer class has rows."""
MIN_CLASS_ROWS = 10
"""With fewer rows of a class such a metric does not tell two models apart."""

_LEAST = 1e-12
_RESAMPLES = 2_000
_DRAWS = 20_000_000
"""Beyond so many rows drawn in all, fewer resamples are taken: over many rows they differ little."""
_FEWEST = 400
_AT_ONCE = 200_000
"""Draws in memory at a time."""
_SEED = 7
Z = NormalDist().inv_cdf(1 - ALPHA)
_Z_TOLD = Z + NormalDist().inv_cdf(POWER)


@dataclass(frozen=True, slots=True)
class Answers:
    """What a model says of n rows."""

    predictions: Sequence[Label]
    probabilities: Probabilities | None

    def take(self, rows: Sequence[int]) -> "Answers":
        """The answers to some of the rows, by position."""
        shares = [self.probabilities[i] for i in rows] if self.probabilities is not None else None
        return Answers([self.predictions[i] for i in rows], shares)


@dataclass(frozen=True)
class Paired:
    """A candidate beside production on the same rows."""

    rows: int
    candidate: float
    production: float
    drop: float
    """How much worse the candidate is, in the metric's unit; negative when it is better."""
    chance: Callable[[float], float]
    """The one-sided p of a true drop of at most so much: small values show that the drop is larger."""
    rules_out: Callable[[float], bool]
    """Whether a true drop of so much, or more, is ruled out at 95 %."""
    find_bounds: Callable[[], tuple[float, float]]

    @cached_property
    def bounds(self) -> tuple[float, float]:
        """The drop is above the first at 95 %, and below the second at 95 %."""
        return self.find_bounds()

    @property
    def error(self) -> float:
        """The standard error of the drop."""
        return (self.bounds[1] - self.bounds[0]) / (2 * Z)

    @property
    def tells(self) -> float:
        """The smallest drop beyond what is allowed that these rows show four times in five (Cohen, 1988)."""
        return _Z_TOLD * self.error

    def rows_to_rule_out(self, further: float) -> int:
        """About how many rows like these it takes until a drop so much larger than the measured one is ruled out."""
        return math.ceil(self.rows * (Z * self.error / further) ** 2)


def paired(name: str, truths: Sequence[Label], candidate: Answers, production: Answers) -> Paired:
    """Compare two models by one metric.

    Accuracy by the rows on which the two differ in being right: an exact unconditional test on few rows, Tango's score
    on many (`noninferiority`), and a drop that McNemar's exact test finds no evidence of is evidence of nothing more
    either. AUC by DeLong's (1988). Any other metric by a bootstrap of rows, the same for both, over each row's
    influence on the difference (2,000 resamples, percentiles; Efron and Tibshirani, 1993), with a fixed seed. Two that
    answer every row alike count as one and the same, whose drop is 0 for certain.

    Raises:
        CannotMeasure: the metric has no value here, or one of too few rows of a class to be compared.
    """
    new = metric(name, truths, candidate.predictions, candidate.probabilities)
    old = metric(name, truths, production.predictions, production.probabilities)
    if (few := few_of_a_class(name, truths)) is not None:
        raise CannotMeasure(few)
    drop = (new.value - old.value) * _sign(name)
    if name == "accuracy":
        return _by_accuracy(truths, candidate, production, new.value, old.value)
    influence = (new.influence - old.influence) * _sign(name)
    low, high, chance = _chances(name, drop, influence)
    return Paired(len(truths), new.value, old.value, drop, chance, lambda d: high <= d + _LEAST, lambda: (low, high))


def few_of_a_class(name: str, truths: Sequence[Label]) -> str | None:
    """Say that a class has too few rows for this metric to tell two models apart; None where each has enough."""
    if name not in RANKED:
        return None
    label, rows = min(Counter(truths).items(), key=lambda item: item[1])
    if rows >= MIN_CLASS_ROWS:
        return None
    return f"{rows} test {'row is' if rows == 1 else 'rows are'} `{class_name(label)}`, {MIN_CLASS_ROWS} are needed"


def interval(name: str, truths: Sequence[Label], measured: Measured) -> tuple[float, float]:
    """Between which values one model's metric lies, each bound at 95 %: accuracy's by Wilson's score (1927)."""
    if name == "accuracy":
        n, spread = len(truths), Z**2 / len(truths)
        middle = (measured.value + spread / 2) / (1 + spread)
        half = Z / (1 + spread) * math.sqrt(measured.value * (1 - measured.value) / n + spread / (4 * n))
        return middle - half, middle + half
    low, high, _ = _chances(name, measured.value, measured.influence)
    return low, high


def _by_accuracy(truths: Sequence[Label], candidate: Answers, production: Answers, new: float, old: float) -> Paired:
    new_right, old_right = right(truths, candidate.predictions), right(truths, production.predictions)
    worse, better, n = int((old_right & ~new_right).sum()), int((new_right & ~old_right).sum()), len(truths)
    is_same = list(candidate.predictions) == list(production.predictions)

    def chance(allowed: float) -> float:
        # Who is not shown to be worse at all is not shown to be worse than is allowed: so the larger of the two.
        return max(p_drop_exceeds(worse, better, n, allowed), mcnemar(worse=worse, better=better))

    def rules_out(drop: float) -> bool:
        return drop >= -_LEAST if is_same else p_drop_below(worse, better, n, drop) < ALPHA

    def bounds() -> tuple[float, float]:
        return (0.0, 0.0) if is_same else drop_interval(worse, better, n, ALPHA)

    return Paired(n, new, old, old - new, chance, rules_out, bounds)


def _chances(name: str, value: float, influence: Floats) -> tuple[float, float, Callable[[float], float]]:
    if not influence.any():  # the same answers to every row
        return value, value, lambda allowed: 0.0 if value > allowed else 1.0
    normal = NormalDist(value, math.sqrt(float(influence @ influence)) / influence.size)
    if name == "auc":
        return normal.inv_cdf(ALPHA), normal.inv_cdf(1 - ALPHA), normal.cdf
    drawn = value + _means_of_resamples(influence)

    def chance(allowed: float) -> float:
        reached = int(np.count_nonzero(drawn <= allowed))
        # Resamples can't tell one in a thousand from one in a million, which a correction for many comparisons needs.
        return (1 + reached) / (1 + drawn.size) if reached else min(1 / (1 + drawn.size), normal.cdf(allowed))

    low, high = np.quantile(drawn, [ALPHA, 1 - ALPHA]).tolist()
    return low, high, chance


def _means_of_resamples(values: Floats) -> Floats:
    rng = np.random.default_rng(_SEED)
    n = values.size
    count = min(_RESAMPLES, max(_FEWEST, _DRAWS // n))
    at_once = max(1, _AT_ONCE // n)
    means = [
        values[rng.integers(0, n, (min(at_once, count - start), n))].mean(axis=1) for start in range(0, count, at_once)
    ]
    return np.concatenate(means)


def _sign(name: str) -> float:
    return 1.0 if name in LOWER_IS_BETTER else -1.0
