"""Counts of a reference and of a window in, measures of drift out. Pure: nothing is read, nothing is kept."""

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from slipway.profile.chance import critical_count, skewed_limit, tail

Counts = NDArray[np.int64]

CHANCE = 3.0
"""Standard errors that chance hardly ever passes; where many columns are looked at, it has to be more."""


SPARSE = 50
"""With fewer rows a bin an index that passes its limit is held against draws, too."""
DRAWS = 1_000


@dataclass(frozen=True, slots=True)
class Psi:
    """A population stability index in nats, beside the value that sampling alone would give."""

    value: float
    without_drift: float
    by_chance: float

    def exceeds(self, threshold: float) -> bool:
        """Whether the index passes the threshold for a reason other than a small window."""
        return self.value - self.without_drift > threshold and self.value > self.by_chance


@dataclass(frozen=True, slots=True)
class Measure:
    """A measure of drift, beside the value that sampling alone hardly ever passes."""

    value: float
    by_chance: float
    without_drift: float | None = None
    """What it is expected to be without drift, where that is not 0; a threshold is held against what is above it."""

    def exceeds(self, threshold: float) -> bool:
        """Whether the measure passes the threshold, and by more than chance explains."""
        return abs(self.value) - (self.without_drift or 0.0) > threshold and abs(self.value) > self.by_chance


@dataclass(frozen=True, slots=True)
class Moments:
    """Number, mean and standard deviation of finite values."""

    n: int
    mean: float
    std: float


def standard_errors(alpha: float) -> float:
    """How many standard errors a measure passes by chance with probability `alpha`, on one side."""
    return NormalDist().inv_cdf(1 - alpha)


def psi(reference: Counts, window: Counts, *, z: float = CHANCE, selection: float = 1.0) -> Psi:
    """Compare two distributions over the same k bins.

    Args:
        reference, window: shape (k,), counts per bin; zeros allowed.
        z: standard errors that are still chance.
        selection: how much more than chance the reference's counts are off where the bins were chosen by them.

    Raises:
        ValueError: shapes differ, or one side is empty.

    Half a count is added to every bin, so that an empty one does not decide alone. Without drift the index over
    (1/n + 1/m) is chi-squared with k - 1 degrees of freedom (Yurdakul, 2018), hence its expectation and what it
    hardly ever passes (by the cube root of Wilson and Hilferty, 1931). With few rows a bin the index is more often far
    from that: there, what would pass is held against draws of both sides from all rows as one population.
    """
    n, m = _totals(reference, window)
    expected, actual = _shares(reference), _shares(window)
    value = float(np.sum((actual - expected) * np.log(actual / expected)))
    freedom, rate = reference.size - 1, 1 / n + 1 / m
    if freedom == 0:
        return Psi(value, 0.0, 0.0)
    spread = 2 / (9 * freedom)
    chance = freedom * (selection / n + 1 / m) * (1 - spread + z * math.sqrt(spread)) ** 3
    if value > chance and min(n, m) < SPARSE * reference.size:
        chance = max(chance, _drawn_limit(reference, window, n, m, z))
    return Psi(value, freedom * rate, chance)


def jensen_shannon(reference: Counts, window: Counts, *, z: float = CHANCE, selection: float = 1.0) -> Measure:
    """The square root of the Jensen–Shannon divergence in bits, over the same k bins as `psi` and smoothed alike.

    From 0 to 1, which only distributions over very many rows that don't meet come near. The divergence (Lin, 1991) is
    at most an eighth of the population stability index, near which it lies for small differences; its square root is a
    distance (Endres and Schindelin, 2003).
    """
    _totals(reference, window)
    p, q = _shares(reference), _shares(window)
    nats = sum(float(np.sum(side * np.log(2 * side / (p + q)))) for side in (p, q)) / 2
    chance = psi(reference, window, z=z, selection=selection).by_chance / 8
    return Measure(math.sqrt(max(nats, 0.0) / math.log(2)), by_chance=math.sqrt(chance / math.log(2)))


def kolmogorov_smirnov(reference: Counts, window: Counts, *, z: float = CHANCE) -> Measure:
    """The largest distance between the cumulated distributions, seen at the edges of the same k ascending cells.

    An effect size, from 0 to 1. Between two edges it can be larger by the reference's share of the cell between them,
    at most 1/250 in a profile's. A p-value is left out, since with enough rows it calls any difference significant.
    By chance it is beyond d with a probability of 2 exp(-2 d² / (1/n + 1/m)) at most (Smirnov's limit, 1939).
    """
    n, m = _totals(reference, window)
    value = float(np.max(np.abs(np.cumsum(reference) / n - np.cumsum(window) / m)))
    alpha = NormalDist().cdf(-z)
    return Measure(value, by_chance=math.sqrt(-math.log(alpha) / 2 * (1 / n + 1 / m)))


def total_variation(reference: Counts, window: Counts, *, z: float = CHANCE) -> Measure:
    """Half the sum of the differences of shares over the same k classes: the share of rows that changed class.

    Raises:
        ValueError: shapes differ, or one side is empty.

    By chance it is its expectation, each difference of shares being nearly normal, and z times the largest standard
    deviation that any set of classes can have.
    """
    n, m = _totals(reference, window)
    difference = np.abs(reference / n - window / m)
    share = (reference + window) / (n + m)
    rate = 1 / n + 1 / m
    expected = 0.5 * float(np.sum(np.sqrt(2 / math.pi * share * (1 - share) * rate)))
    return Measure(0.5 * float(np.sum(difference)), by_chance=expected + z / 2 * math.sqrt(rate))


def mean_shift(reference: Moments, window: Moments, *, z: float = CHANCE) -> Measure | None:
    """By how many standard deviations of the reference the mean moved; None where the reference does not vary.

    Without drift both sides vary alike, so the larger of the two standard deviations counts for both: a few far values
    widen the limit as much as they move the mean.
    """
    if reference.n == 0 or window.n == 0 or reference.std <= 0:
        return None
    value = (window.mean - reference.mean) / reference.std
    if not math.isfinite(value):
        return None
    wider = max(window.std / reference.std, 1.0)
    return Measure(value, by_chance=z * wider * math.sqrt(1 / reference.n + 1 / window.n))


def risen_share(found: int, rows: int, seen: float, reference_rows: float, *, z: float = CHANCE) -> Measure:
    """Compare a share of the window's rows with the same share of the reference's; a fall is never beyond chance.

    Args:
        found: rows of the window that have what is counted, of `rows`.
        seen: rows of the reference that have it, of `reference_rows`; fractions where they are estimates.

    The limit of chance is exact, by Fisher's test (1935).
    """
    limit = critical_count(seen, reference_rows, rows, tail(z)) - 1
    return Measure(found / rows, by_chance=limit / rows, without_drift=seen / reference_rows)


def spike(reference: Counts, window: Counts, n: int, m: int, *, family: int, z: float = CHANCE) -> Measure:
    """Find the bin whose share rose most, and give the population stability index of it against all other rows.

    Args:
        reference, window: shape (k,), counts per bin, of n and m rows in all, at least one each.
        family: how many bins could have been the one, for Bonferroni's correction.

    A value that stands in for others ("unknown", 0, -1) fills one bin, which an index over all of them hardly shows.
    Half a count is added to both bins, as by `psi`. The limit of chance is exact, by Fisher's test (1935).
    """
    top = most_risen(reference, window, n, m)
    if top is None:
        return Measure(0.0, by_chance=0.0)
    before, after = int(reference[top]), int(window[top])
    limit = critical_count(before, n, m, tail(z) / max(family, 1)) - 1
    return Measure(_of_two(before, n, after, m), by_chance=_of_two(before, n, limit, m))


def most_risen(reference: Counts, window: Counts, n: int, m: int) -> int | None:
    """Return the place of the bin whose share rose most, by its deviance; None where none rose."""
    risen = np.flatnonzero(window / m > reference / n)
    if risen.size == 0:
        return None
    r, x = reference[risen], window[risen]
    pooled = (r + x) / (n + m)
    others = np.maximum(m - x, 0.5)  # its logarithm counts for nothing where there are none
    deviance = x * np.log(x / m / pooled) + (m - x) * np.log(others / m / (1 - pooled))
    return int(risen[np.argmax(deviance)])


def attainable_total(n: int, m: int, alpha: float) -> int:
    """Return the least total of a bin, over n and m rows, whose rise could be beyond chance at `alpha` (Tarone, 1990).

    A bin with fewer rows in all is no part of the family that is corrected for.
    """
    return max(1, math.ceil(math.log(alpha) / math.log(m / (n + m))))


def _of_two(before: int, n: int, after: int, m: int) -> float:
    expected, actual = (before + 0.5) / (n + 1), (after + 0.5) / (m + 1)
    odds = math.log(actual / expected) - math.log((1 - actual) / (1 - expected))
    return (actual - expected) * odds if actual > expected else 0.0


def _drawn_limit(reference: Counts, window: Counts, n: int, m: int, z: float) -> float:
    """What the index hardly ever passes, by the moments that it has in draws of both sides from all rows."""
    random, share = np.random.default_rng(0), (reference + window) / (n + m)
    sides = [random.multinomial(rows, share, DRAWS) + 0.5 for rows in (n, m)]
    expected, actual = (side / side.sum(axis=1, keepdims=True) for side in sides)
    drawn = np.sum((actual - expected) * np.log(actual / expected), axis=1)
    deviation = float(drawn.std())
    skewness = float(np.mean((drawn - drawn.mean()) ** 3)) / max(deviation, 1e-12) ** 3
    return skewed_limit(float(drawn.mean()), deviation, skewness, z)


def _totals(reference: Counts, window: Counts) -> tuple[int, int]:
    if reference.shape != window.shape:
        raise ValueError(f"the reference has {reference.size} bins, the window {window.size}")
    n, m = int(reference.sum()), int(window.sum())
    if n == 0 or m == 0:
        raise ValueError(f"nothing to compare: {n} reference rows, {m} window rows")
    return n, m


def _shares(counts: Counts) -> NDArray[np.float64]:
    smoothed = counts + 0.5
    return np.asarray(smoothed / smoothed.sum(), dtype=np.float64)
