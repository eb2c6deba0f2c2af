"""What sampling alone gives: exact limits of counts, and limits of skewed statistics. Pure functions."""

import math
from functools import lru_cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]

_REACH = 25.0
"""Standard deviations above the mean of a count beyond which nothing is summed: less than 1e-10 lies there."""
_MOST_SKEWED = 4.0
"""Up to this skewness the quantile of a gamma variable is met within a tenth."""


def tail(z: float) -> float:
    """Return the probability that a standard normal variable exceeds z."""
    return math.erfc(z / math.sqrt(2)) / 2


def deviate(alpha: float) -> float:
    """Return the z that a standard normal variable exceeds with probability `alpha`."""
    return -NormalDist().inv_cdf(max(alpha, 1e-300))


@lru_cache(maxsize=4_096)  # the columns of a window, and one window after another, ask for the same
def critical_count(seen: float, reference_rows: float, rows: int, alpha: float) -> int:
    """Return the least count among `rows` rows that sampling alone reaches with probability `alpha` at most.

    Args:
        seen: how many of the reference's rows have what is counted; a fraction where it is an estimate.
        reference_rows: at least `seen`.

    Returns:
        From 1 to rows + 1, which no window reaches.

    The test is Fisher's (1935), one-sided: its p-value is the upper tail of a negative hypergeometric distribution,
    the number of window rows below the (seen + 1)-th smallest of the reference's. Terms are summed from their
    logarithms, which do not underflow.
    """
    if rows == 0 or seen >= reference_rows:
        return rows + 1
    a, b = seen + 1, reference_rows - seen
    share = a / (a + b)
    spread = math.sqrt(rows * share * (1 - share) * (a + b + rows) / (a + b + 1))
    start = int(rows * share)
    x = np.arange(start, min(rows, int(rows * share + _REACH * spread) + 50) + 1, dtype=np.float64)
    ratios = np.log((rows - x[:-1]) / (x[:-1] + 1) * (x[:-1] + a) / (rows - x[:-1] - 1 + b))
    logs = _log_term(start, rows, a, b) + np.concatenate(([0.0], np.cumsum(ratios)))
    above = np.cumsum(np.exp(logs)[::-1])[::-1]
    rare = np.flatnonzero(above <= alpha)
    found = int(x[rare[0]]) if rare.size else rows + 1
    return max(found, 1)


def skewed_limit(mean: float, deviation: float, skewness: float, z: float) -> float:
    """Return what a variable with these moments exceeds as often as a standard normal one exceeds z.

    The variable is taken for a shifted gamma one (Pearson's type III), whose quantile is that of Wilson and Hilferty
    (1931). A negative skewness counts as none, which gives a higher limit. Where a few values decide everything, only
    the bound of Cantelli (1928) is left, which holds for every distribution.
    """
    g = max(skewness, 0.0)
    if g < 1e-6:
        return mean + deviation * z
    if g > _MOST_SKEWED:
        return mean + deviation * math.sqrt(1 / tail(z) - 1)
    return mean + deviation * 2 / g * ((1 + g * z / 6 - g * g / 36) ** 3 - 1)


def mean_difference_limit(reference: NDArray[np.float64], window: NDArray[np.float64], z: float) -> float:
    """Return what the window's mean exceeds the reference's by, as rarely as a standard normal variable exceeds z.

    Args:
        reference, window: one-dimensional, neither empty.

    Both sides are one population from which rows fall to either by chance: the difference of the means has its
    moments under permutation (Fisher, 1935), so a few far values are chance on whichever side they are.
    """
    both = np.concatenate((reference, window))
    n, m, every = reference.size, window.size, both.size
    away = both - both.mean()
    variance = float(np.mean(away**2))
    if variance == 0 or every < 3:
        return 0.0
    skewness = float(np.mean(away**3)) / variance**1.5
    deviation = math.sqrt(variance * (1 / n + 1 / m) * every / (every - 1))
    of_mean = skewness * (every - 2 * m) / (every - 2) * math.sqrt((every - 1) / (m * n))
    return skewed_limit(0.0, deviation, of_mean, z)


def _log_term(x: int, rows: int, a: float, b: float) -> float:
    """The logarithm of the probability of x among `rows` draws whose chance of success is a beta(a, b) variable."""
    choices = math.lgamma(rows + 1) - math.lgamma(x + 1) - math.lgamma(rows - x + 1)
    return choices + _log_beta(x + a, rows - x + b) - _log_beta(a, b)


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
