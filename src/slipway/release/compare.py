"""Two models' answers on the same rows → how much worse one is, and how likely chance alone shows as much. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb

import numpy as np

from slipway.project.facts import LOWER_IS_BETTER
from slipway.records import Label
from slipway.release.measure import Metric, Probabilities, metric, right

RESAMPLES = 2_000
_SEED = 7


@dataclass(frozen=True, slots=True)
class Answers:
    """What a model says of n rows."""

    predictions: Sequence[Label]
    probabilities: Probabilities | None


@dataclass(frozen=True, slots=True)
class Paired:
    """A candidate beside production on the same rows."""

    candidate: float
    production: float
    drop: float
    """How much worse the candidate is, in the metric's unit; negative when it is better."""
    p: float
    """One-sided: how likely a drop like this would be if the candidate were no worse."""


def paired(name: str, truths: Sequence[Label], candidate: Answers, production: Answers) -> Paired:
    """Compare two models by one metric.

    Accuracy by McNemar's exact test over the rows on which the two differ in being right; any other metric by a
    bootstrap of rows, the same for both (2,000 resamples, Efron and Tibshirani, 1993), with a fixed seed.

    Raises:
        CannotMeasure: the metric has no value here.
    """
    of_candidate = metric(name, truths, candidate.predictions, candidate.probabilities)
    of_production = metric(name, truths, production.predictions, production.probabilities)
    sign = 1.0 if name in LOWER_IS_BETTER else -1.0
    all_rows = np.ones(len(truths))
    new, old = of_candidate(all_rows), of_production(all_rows)
    if name == "accuracy":
        new_right, old_right = right(truths, candidate.predictions), right(truths, production.predictions)
        p = mcnemar(worse=int((old_right & ~new_right).sum()), better=int((new_right & ~old_right).sum()))
    else:
        p = _bootstrap(of_candidate, of_production, sign, len(truths))
    return Paired(new, old, sign * (new - old), p)


def mcnemar(*, worse: int, better: int) -> float:
    """One-sided exact p: at least `worse` of the rows that differ would be worse if either were as likely."""
    n = worse + better
    term, total = comb(n, worse), 0  # whole numbers, exact: floats underflow at a thousand rows
    for k in range(worse, n + 1):
        total += term
        term = term * (n - k) // (k + 1)
    return float(total / 2**n)


def _bootstrap(candidate: Metric, production: Metric, sign: float, n: int) -> float:
    rng = np.random.default_rng(_SEED)
    drops = np.empty(RESAMPLES)
    for i in range(RESAMPLES):
        weights = np.bincount(rng.integers(0, n, n), minlength=n).astype(np.float64)
        drops[i] = sign * (candidate(weights) - production(weights))
    told = drops[~np.isnan(drops)]  # a resample can lack a class that the metric needs
    return float((1 + np.count_nonzero(told <= 0)) / (1 + len(told)))
