"""Tests on the difference of two shares of the same rows: exact for few rows, by Tango's score for many.

Of n rows, `worse` are right by production alone and `better` by the candidate alone; the drop is the difference of the
two shares. How many rows differ at all is a nuisance: the error of a test depends on it.
"""

from functools import lru_cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

EXACT_ROWS = 300
"""Up to so many rows a p-value is exact; it takes milliseconds, and grows with the square of the rows."""

_BEYOND = 1e-5
"""How likely the share of rows that differ may lie outside the interval over which the p-value is the largest."""
_GRID = 65
_FINER = 2
"""How often the grid around the largest p-value is narrowed."""
_LEAST = 1e-9
_NEAR = 0.01
_PRECISION = 1e-4
_NEGLIGIBLE = 1e-15


def p_drop_exceeds(worse: int, better: int, n: int, drop: float) -> float:
    """Compute the one-sided p of n rows like these where the candidate's true drop is at most `drop`.

    Small values show that the drop is larger. Up to `EXACT_ROWS` rows this is the exact unconditional test: the chance
    of a score (Tango's) at least as large, by enumeration of every outcome, at the share of differing rows that makes
    it largest within a 99.999 % interval, plus 0.001 % (Berger and Boos, 1994; Hsueh, Liu and Chen, 2001; Sidik,
    2003). It errs in at most 5 % at p < 0.05, whatever that share is. With more rows it is the score's normal
    approximation.
    """
    if n > EXACT_ROWS:
        return NormalDist().cdf(-tango_score(worse, better, n, drop))
    return _exact(worse, better, n, drop)


def p_drop_below(worse: int, better: int, n: int, drop: float) -> float:
    """Compute the same where the true drop is at least `drop`: small values show that it is smaller."""
    return p_drop_exceeds(better, worse, n, -drop)


def drop_interval(worse: int, better: int, n: int, alpha: float) -> tuple[float, float]:
    """Find the drops between which neither one-sided test at level `alpha` rejects, to four decimals where exact."""
    z = NormalDist().inv_cdf(1 - alpha)
    if n > EXACT_ROWS:
        return tango_bound(worse, better, n, z), tango_bound(worse, better, n, -z)
    # The greatest drop is the least one with the sides changed.
    return _least_drop(worse, better, n, alpha), -_least_drop(better, worse, n, alpha)


def mcnemar(*, worse: int, better: int) -> float:
    """Compute the one-sided exact p of McNemar's test (1947).

    It is the chance that at least `worse` of the rows that differ are worse, if either were as likely.
    """
    from scipy.special import betainc

    return float(betainc(worse, better + 1, 0.5)) if worse else 1.0


def tango_score(worse: int, better: int, n: int, drop: float) -> float:
    """Compute how far the difference of two shares is from `drop`, in standard errors under that drop.

    Tango (1998), equation 10: the standard error is that of the likeliest pair of shares whose difference is `drop`.
    """
    return float(_scores(np.array([worse]), np.array([better]), n, drop)[0])


def tango_bound(worse: int, better: int, n: int, z: float) -> float:
    """Find the drop whose score is z; the score falls as the drop rises."""
    low, high = -1.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if tango_score(worse, better, n, middle) > z else (low, middle)
    return (low + high) / 2


def _scores(worse: Integers, better: Integers, n: int, drop: float) -> Floats:
    b = -worse - better + (2 * n - worse + better) * drop
    c = -better * drop * (1 - drop)
    share = np.maximum((np.sqrt(np.maximum(b * b - 8 * n * c, 0.0)) - b) / (4 * n), 0.0)
    variance = n * (2 * share + drop * (1 - drop))
    away = worse - better - n * drop
    is_certain = variance <= 1e-12
    beyond = np.where(np.abs(away) < _LEAST, 0.0, np.copysign(np.inf, away))
    return np.where(is_certain, beyond, away / np.sqrt(np.where(is_certain, 1.0, variance)))


def _least_drop(worse: int, better: int, n: int, alpha: float) -> float:
    """The greatest drop that the rows show to be exceeded: the p rises with the drop, all but for small steps."""
    low, high = -1.0, (worse - better) / n
    near = tango_bound(worse, better, n, NormalDist().inv_cdf(1 - alpha))
    for guess in (near - _NEAR, near, near + _NEAR):
        if low < guess < high:
            low, high = (guess, high) if p_drop_exceeds(worse, better, n, guess) < alpha else (low, guess)
    while high - low > _PRECISION:
        middle = (low + high) / 2
        low, high = (middle, high) if p_drop_exceeds(worse, better, n, middle) < alpha else (low, middle)
    return low


@lru_cache(maxsize=4096)
def _exact(worse: int, better: int, n: int, drop: float) -> float:
    from scipy.special import betaincinv

    if not -1 < drop < 1:
        return 1.0 if drop >= 1 else 0.0 if worse - better > n * drop else 1.0
    least = _least_worse(worse, better, n, drop)
    differing = worse + better
    # Clopper and Pearson (1934), of the share of rows that differ: better + (better + drop).
    low = float(betaincinv(differing, n - differing + 1, _BEYOND / 2)) if differing else 0.0
    high = float(betaincinv(differing + 1, n - differing, 1 - _BEYOND / 2)) if differing < n else 1.0
    first, last = max(0.0, -drop), (1 - drop) / 2
    start, stop = (min(max((share - drop) / 2, first), last) for share in (low, high))
    largest = 0.0
    for _ in range(1 + _FINER):
        shares = np.linspace(start, stop, _GRID)
        chances = _chances(least, n, drop, shares)
        place = int(chances.argmax())
        largest = max(largest, float(chances[place]))
        start, stop = shares[max(place - 1, 0)], shares[min(place + 1, _GRID - 1)]
    return min(1.0, largest + _BEYOND)


def _least_worse(worse: int, better: int, n: int, drop: float) -> Integers:
    """Of 0 to n differing rows, how many have to be worse for a score of at least the one of these rows.

    The score rises with them, so that halving finds them. One more than there are where none is enough.
    """
    reached = tango_score(worse, better, n, drop) - _LEAST
    differing = np.arange(n + 1)
    low, high = np.zeros(n + 1, dtype=np.int64), differing + 1
    while (low < high).any():
        middle = (low + high) // 2
        is_enough = _scores(middle, differing - middle, n, drop) >= reached
        is_open = low < high
        high = np.where(is_open & is_enough, middle, high)
        low = np.where(is_open & ~is_enough, middle + 1, low)
    return low


def _chances(least: Integers, n: int, drop: float, better: Floats) -> Floats:
    """How likely at least `least` rows are worse, for each share that is `better`, where `better + drop` is worse.

    Binomials of a binomial: so many rows differ, and of these so many are worse.
    """
    from scipy.special import betainc, gammaln, xlog1py, xlogy

    differing = np.arange(n + 1)[:, None]
    share = np.clip(2 * better + drop, 0.0, 1.0)
    ways = gammaln(n + 1) - gammaln(differing + 1) - gammaln(n - differing + 1)
    likely = np.exp(ways + xlogy(differing, share) + xlog1py(n - differing, -share))
    counts = likely.max(axis=1) > _NEGLIGIBLE
    likely, differing = likely[counts], differing[counts]
    is_worse = np.clip((better + drop) / np.where(share > 0, share, 1.0), 0.0, 1.0)
    wanted = least[counts, None].astype(np.float64)
    tail = betainc(np.maximum(wanted, 1.0), np.maximum(differing - wanted + 1, 1.0), is_worse)
    tail = np.where(wanted <= 0, 1.0, np.where(wanted > differing, 0.0, tail))
    found: Floats = (likely * tail).sum(axis=0)
    return found
