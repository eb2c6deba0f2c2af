"""Categories and how often each occurs in, how many of them there should be, are new, or are gone, out. Pure."""

import math
from collections.abc import Mapping
from dataclasses import replace
from statistics import NormalDist

import numpy as np

from slipway.profile.chance import tail
from slipway.profile.drift import CHANCE, Counts, Measure, attainable_total, risen_share, spike

Spectrum = Mapping[int, int]
"""How many categories occur so many times: {1: 340, 2: 100} is 440 categories in 540 rows."""


def spectrum_of(counts: Counts) -> dict[int, int]:
    """The spectrum of a vector of counts per category; zeros are left out."""
    times, many = np.unique(counts[counts > 0], return_counts=True)
    return dict(zip(times.tolist(), many.tolist(), strict=True))


def expected_distinct(spectrum: Spectrum, rows: int) -> float:
    """How many distinct categories `rows` rows drawn from these are expected to have, by rarefaction (Hurlbert, 1971).

    Args:
        rows: at most as many as the spectrum has.
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
    return float(np.sum(many * (1 - np.exp(np.minimum(rest, 0.0)))))


def cardinality_ratio(reference: Spectrum, window: Spectrum, *, z: float = CHANCE) -> Measure | None:
    """Distinct categories in the window over those expected of as many rows drawn from the reference.

    A window of more than half the reference's rows is thinned to as many instead, so that the reference tells how
    much this varies. None where a side has next to nothing. By chance includes one category more than expected: a
    single new one is what the share of unseen rows is for.
    """
    n, m = (sum(times * many for times, many in side.items()) for side in (reference, window))
    rows = min(n // 2, m)
    if rows == 0:
        return None
    expected, found = expected_distinct(reference, rows), expected_distinct(window, rows)
    # Of r rows the variance is D(2r) - D(r) - f²/r, with f = r (D(r) - D(r - 1)) categories that occur once.
    once = rows * (expected - expected_distinct(reference, rows - 1))
    variance = max(expected_distinct(reference, 2 * rows) - expected - once**2 / rows, 0.0)
    deviation = math.sqrt(variance * (rows / n + rows / m))
    return Measure(found / expected, by_chance=(expected + z * deviation + 1) / expected)


def unseen(known: Mapping[str, int], spectrum: Spectrum, window: Mapping[str, int], *, z: float = CHANCE) -> Measure:
    """The share of rows whose category the reference has not. Neither side is empty.

    Without drift it is about the share of the reference's rows whose category occurs once (Good and Turing, 1953). The
    variance of that estimate, from once and twice occurring ones, says how many rows it is worth (Esty, 1983); one
    category more is counted in, since none may occur once by chance.
    """
    n, m = sum(times * many for times, many in spectrum.items()), sum(window.values())
    once, twice = spectrum.get(1, 0), spectrum.get(2, 0)
    worth = (once + 1) / (once + 1 + 2 * twice)
    found = sum(times for value, times in window.items() if value not in known)
    limit = risen_share(found, m, min((once + 1) * worth, n * worth), n * worth, z=z)
    return replace(limit, without_drift=once / n)


def spike_of(
    known: Mapping[str, int], is_whole: bool, spectrum: Spectrum, window: Mapping[str, int], *, z: float = CHANCE
) -> Measure:
    """Find the category whose share rose most, as `spike` does over bins. Neither side is empty.

    Args:
        is_whole: whether `known` has every category of the reference; others can't be told from unseen ones then.
    """
    n, m = sum(times * many for times, many in spectrum.items()), sum(window.values())
    _, before, after = sides_of(known, is_whole, window)
    least = attainable_total(n, m, tail(z))
    family = int(np.count_nonzero(before + after >= least))
    family += sum(many for times, many in spectrum.items() if times >= least)  # some of them twice, to be safe
    return spike(before, after, n, m, family=family, z=z)


def sides_of(known: Mapping[str, int], is_whole: bool, window: Mapping[str, int]) -> tuple[list[str], Counts, Counts]:
    """The window's categories that can be told, with their counts in the reference and in the window."""
    told = [value for value in window if is_whole or value in known]
    before = np.array([known.get(value, 0) for value in told], dtype=np.int64)
    return told, before, np.array([window[value] for value in told], dtype=np.int64)


def vanished(known: Mapping[str, int], window: Mapping[str, int], *, z: float = CHANCE) -> Measure:
    """The share of the reference's rows whose category the window has not. Neither side is empty.

    By chance is the part of it in categories so rare that a window of this size misses each now and then, each being
    perhaps rarer than the reference made it look.
    """
    n, m = sum(known.values()), sum(window.values())
    gone = [times for value, times in known.items() if value not in window]
    rare = NormalDist().cdf(-z)
    explained = sum(times for times in gone if (1 - max(math.sqrt(times) - z / 2, 0.0) ** 2 / n) ** m > rare)
    return Measure(sum(gone) / n, by_chance=explained / n)


def _log_factorial(values: Counts) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return np.array([math.lgamma(value + 1) for value in values.tolist()], dtype=np.float64)
