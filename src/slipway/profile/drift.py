"""Counts of a reference and of a window in, measures of drift out. Pure: nothing is read, nothing is kept."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]
Spectrum = Mapping[int, int]
"""How many categories occur so many times: {1: 340, 2: 100} is 440 categories in 540 rows."""


@dataclass(frozen=True, slots=True)
class Psi:
    """A population stability index in nats, beside the value that sampling alone would give."""

    value: float
    without_drift: float

    def exceeds(self, threshold: float) -> bool:
        """Whether the index passes the threshold for a reason other than a small window."""
        return self.value - self.without_drift > threshold


@dataclass(frozen=True, slots=True)
class Measure:
    """A measure of drift, beside the value that sampling alone hardly ever passes (about three standard errors)."""

    value: float
    by_chance: float

    def exceeds(self, threshold: float) -> bool:
        """Whether the measure passes the threshold, and by more than chance explains."""
        return abs(self.value) > threshold and abs(self.value) > self.by_chance


@dataclass(frozen=True, slots=True)
class Moments:
    """Number, mean and standard deviation of finite values."""

    n: int
    mean: float
    std: float


def psi(reference: Counts, window: Counts) -> Psi:
    """Compare two distributions over the same k bins.

    Args:
        reference, window: shape (k,), counts per bin; zeros allowed.

    Raises:
        ValueError: shapes differ, or one side is empty.

    Half a count is added to every bin, so that an empty one does not decide alone. Without drift the index over
    (1/n + 1/m) is chi-squared with k - 1 degrees of freedom (Yurdakul, 2018), hence its expectation.
    """
    n, m = _totals(reference, window)
    expected, actual = _shares(reference), _shares(window)
    value = float(np.sum((actual - expected) * np.log(actual / expected)))
    return Psi(value, without_drift=(reference.size - 1) * (1 / n + 1 / m))


def total_variation(reference: Counts, window: Counts) -> Measure:
    """Half the sum of the differences of shares over the same k classes: the share of rows that changed class.

    Raises:
        ValueError: shapes differ, or one side is empty.

    By chance it is its expectation, each difference of shares being nearly normal, and twice the largest standard
    deviation that any set of classes can have.
    """
    n, m = _totals(reference, window)
    difference = np.abs(reference / n - window / m)
    share = (reference + window) / (n + m)
    rate = 1 / n + 1 / m
    expected = 0.5 * float(np.sum(np.sqrt(2 / math.pi * share * (1 - share) * rate)))
    return Measure(0.5 * float(np.sum(difference)), by_chance=expected + math.sqrt(rate))


def mean_shift(reference: Moments, window: Moments) -> Measure | None:
    """By how many standard deviations of the reference the mean moved; None where the reference does not vary."""
    if reference.n == 0 or window.n == 0 or reference.std <= 0:
        return None
    value = (window.mean - reference.mean) / reference.std
    return Measure(value, by_chance=3 * math.sqrt(1 / reference.n + 1 / window.n)) if math.isfinite(value) else None


def expected_distinct(spectrum: Spectrum, rows: int) -> tuple[float, float]:
    """How many distinct categories `rows` rows drawn from these would have: expectation and standard deviation.

    Args:
        rows: at most as many as the spectrum has.

    Rarefaction (Hurlbert, 1971); the standard deviation as if categories were drawn independently, which is
    never too small.
    """
    times = np.array(list(spectrum), dtype=np.int64)
    many = np.array(list(spectrum.values()), dtype=np.int64)
    total = int(np.sum(times * many))
    if rows > total:
        raise ValueError(f"{rows} rows can't be drawn from {total}")
    left = total - times
    rest = np.full(times.shape, -np.inf)  # log of the probability that a category is not drawn
    possible = left >= rows
    rest[possible] = (
        _log_factorial(left[possible])
        - _log_factorial(left[possible] - rows)
        - math.lgamma(total + 1)
        + math.lgamma(total - rows + 1)
    )
    drawn = 1 - np.exp(np.minimum(rest, 0.0))
    return float(np.sum(many * drawn)), math.sqrt(float(np.sum(many * drawn * (1 - drawn))))


def cardinality_ratio(reference: Spectrum, window: Spectrum) -> Measure | None:
    """Distinct categories in the window over those expected of as many rows drawn from the reference.

    A window with more rows than the reference is thinned to as many instead. None where a side is empty. By chance
    includes one category more than expected: a single new one is what the share of unseen rows is for.
    """
    n, m = (sum(times * many for times, many in side.items()) for side in (reference, window))
    if n == 0 or m == 0:
        return None
    expected, deviation = expected_distinct(reference, min(n, m))
    found, _ = expected_distinct(window, min(n, m))
    return Measure(found / expected, by_chance=(expected + 3 * deviation + 1) / expected)


def spectrum_of(counts: Counts) -> dict[int, int]:
    """The spectrum of a vector of counts per category; zeros are left out."""
    times, many = np.unique(counts[counts > 0], return_counts=True)
    return dict(zip(times.tolist(), many.tolist(), strict=True))


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


def _log_factorial(values: Counts) -> NDArray[np.float64]:
    return np.array([math.lgamma(value + 1) for value in values.tolist()], dtype=np.float64)
