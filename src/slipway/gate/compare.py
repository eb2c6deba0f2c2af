"""Two models' answers on the same rows → how much worse one is, and what chance alone may make of it. Pure."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from slipway.gate.measure import Floats, Measured, Probabilities, metric, right
from slipway.project.facts import LOWER_IS_BETTER
from slipway.records import Label

ALPHA = 0.05
"""How often a candidate that is no worse than it may be fails by chance, at most."""
POWER = 0.8
"""How often a drop of the size that rows are said to tell is found."""

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


@dataclass(frozen=True, slots=True)
class Paired:
    """A candidate beside production on the same rows."""

    rows: int
    candidate: float
    production: float
    drop: float
    """How much worse the candidate is, in the metric's unit; negative when it is better."""
    low: float
    high: float
    """The drop is above `low` at 95 %, and below `high` at 95 %."""
    chance: Callable[[float], float]
    """A drop that is allowed → how likely a drop like the one measured would be if the candidate were worse by that."""

    @property
    def error(self) -> float:
        """The standard error of the drop."""
        return (self.high - self.low) / (2 * Z)

    @property
    def tells(self) -> float:
        """The smallest drop beyond what is allowed that these rows show four times in five (Cohen, 1988)."""
        return _Z_TOLD * self.error

    def rows_to_rule_out(self, further: float) -> int:
        """About how many rows like these it takes until a drop so much larger than the measured one is ruled out."""
        return math.ceil(self.rows * (Z * self.error / further) ** 2)


def paired(name: str, truths: Sequence[Label], candidate: Answers, production: Answers) -> Paired:
    """Compare two models by one metric.

    Accuracy by the rows on which the two differ in being right: bounds by Tango's score (1998), which without an
    allowed drop is McNemar's, and a drop that McNemar's exact test finds no evidence of is evidence of nothing more
    either. AUC by DeLong's (1988). Any other metric by a bootstrap of rows, the same for both, over each row's
    influence on the difference (2,000 resamples, percentiles; Efron and Tibshirani, 1993), with a fixed seed. Two that
    answer every row alike count as one and the same, whose drop is 0 for certain.

    Raises:
        CannotMeasure: the metric has no value here.
    """
    new = metric(name, truths, candidate.predictions, candidate.probabilities)
    old = metric(name, truths, production.predictions, production.probabilities)
    drop = (new.value - old.value) * _sign(name)
    if name == "accuracy":
        new_right, old_right = right(truths, candidate.predictions), right(truths, production.predictions)
        worse, better = int((old_right & ~new_right).sum()), int((new_right & ~old_right).sum())
        low, high = (tango_bound(worse, better, len(truths), z) for z in (Z, -Z))
        if list(candidate.predictions) == list(production.predictions):
            low = high = 0.0
        return Paired(len(truths), new.value, old.value, drop, low, high, _McNemar(worse, better, len(truths)))
    influence = (new.influence - old.influence) * _sign(name)
    low, high, chance = _chances(name, drop, influence)
    return Paired(len(truths), new.value, old.value, drop, low, high, chance)


def interval(name: str, truths: Sequence[Label], measured: Measured) -> tuple[float, float]:
    """Between which values one model's metric lies, each bound at 95 %: accuracy's by Wilson's score (1927)."""
    if name == "accuracy":
        n, spread = len(truths), Z**2 / len(truths)
        middle = (measured.value + spread / 2) / (1 + spread)
        half = Z / (1 + spread) * math.sqrt(measured.value * (1 - measured.value) / n + spread / (4 * n))
        return middle - half, middle + half
    low, high, _ = _chances(name, measured.value, measured.influence)
    return low, high


def mcnemar(*, worse: int, better: int) -> float:
    """One-sided exact p (McNemar, 1947): at least `worse` of the rows that differ would be worse if either were as
    likely.
    """
    from scipy.special import betainc

    return float(betainc(worse, better + 1, 0.5)) if worse else 1.0


def tango_score(worse: int, better: int, n: int, drop: float) -> float:
    """How far the difference of two shares of the same n rows is from `drop`, in standard errors under that drop.

    Tango (1998), equation 10: the standard error is that of the likeliest pair of shares whose difference is `drop`.
    """
    a, b = 2 * n, -worse - better + (2 * n - worse + better) * drop
    c = -better * drop * (1 - drop)
    share = max((math.sqrt(max(b * b - 4 * a * c, 0.0)) - b) / (2 * a), 0.0)
    variance = n * (2 * share + drop * (1 - drop))
    away = worse - better - n * drop
    return away / math.sqrt(variance) if variance > 1e-12 else math.copysign(math.inf, away) if away else 0.0


def tango_bound(worse: int, better: int, n: int, z: float) -> float:
    """The drop whose score is z; the score falls as the drop rises."""
    low, high = -1.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if tango_score(worse, better, n, middle) > z else (low, middle)
    return (low + high) / 2


@dataclass(frozen=True, slots=True)
class _McNemar:
    worse: int
    better: int
    n: int

    def __call__(self, allowed: float) -> float:
        # Who is not shown to be worse at all is not shown to be worse than is allowed: so the larger of the two.
        beyond = NormalDist().cdf(-tango_score(self.worse, self.better, self.n, allowed))
        return max(beyond, mcnemar(worse=self.worse, better=self.better))


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
