import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.stats import multinomial

from slipway.gate.noninferiority import (
    EXACT_ROWS,
    drop_interval,
    mcnemar,
    p_drop_below,
    p_drop_exceeds,
    tango_bound,
    tango_score,
)

ALPHA = 0.05


def outcomes(n):
    """Every number of rows of n that are worse, and better."""
    pairs = [(worse, better) for worse in range(n + 1) for better in range(n + 1 - worse)]
    return np.array(pairs)


def greatest_error(n, drop, rejected):
    """How often a test rejects where the true drop is just what is allowed, at the worst share of rows that differ.

    By summing the chances of the outcomes that it rejects, each by SciPy's multinomial, over 301 such shares.
    """
    counts = np.array([(worse, better, n - worse - better) for worse, better in rejected])
    shares = np.linspace(max(0.0, -drop), (1 - drop) / 2, 301)
    errors = [multinomial.pmf(counts, n, [q + drop, q, max(0.0, 1 - 2 * q - drop)]).sum() for q in shares]
    return max(errors)


@pytest.mark.parametrize(("n", "drop"), [(20, 0.1), (30, 0.01), (30, 0.1), (50, 0.06), (50, 0.1)])
def test_a_candidate_that_is_worse_by_what_is_allowed_fails_in_five_of_a_hundred_at_most(n, drop):
    """Whatever the share of rows on which the two differ: by enumeration of every outcome."""
    rejected = [pair for pair in outcomes(n).tolist() if p_drop_exceeds(*pair, n, drop) < ALPHA]
    assert 0.035 < greatest_error(n, drop, rejected) <= ALPHA


@pytest.mark.parametrize(("n", "drop"), [(20, 0.06), (30, 0.1)])
def test_a_candidate_that_is_worse_by_all_that_is_ruled_out_passes_in_five_of_a_hundred_at_most(n, drop):
    rejected = [pair for pair in outcomes(n).tolist() if p_drop_below(*pair, n, drop) < ALPHA]
    swapped = [(better, worse) for worse, better in rejected]
    assert 0.035 < greatest_error(n, -drop, swapped) <= ALPHA


def test_a_smaller_true_drop_is_rejected_no_more_often_than_the_one_that_is_allowed():
    """So that the error at the limit is the largest of all."""
    n, allowed = 24, 0.08
    rejected = [pair for pair in outcomes(n).tolist() if p_drop_exceeds(*pair, n, allowed) < ALPHA]
    errors = [greatest_error(n, drop, rejected) for drop in (-0.2, -0.05, 0.0, 0.04, allowed)]
    assert errors == sorted(errors)


def test_tangos_score_alone_errs_more_often_than_it_says():
    """Which is why it does not decide on few rows."""
    for n in (20, 30, 50):
        rejected = [pair for pair in outcomes(n).tolist() if tango_score(*pair, n, 0.1) > 1.6449]
        assert greatest_error(n, 0.1, rejected) > 0.06


@pytest.mark.parametrize(("n", "most"), [(500, 0.069), (1_000, 0.057)])
def test_with_many_rows_the_score_errs_about_as_often_as_the_page_says(n, most):
    drop, z = 0.02, 1.6449
    least = [next((w for w in range(m + 1) if tango_score(w, m - w, n, drop) > z), None) for m in range(n // 4)]
    rejected = [(w, m - w) for m, start in enumerate(least) if start is not None for w in range(start, m + 1)]
    counts = np.array(rejected)
    logs = [math.lgamma(n + 1) - sum(math.lgamma(k + 1) for k in (w, b, n - w - b)) for w, b in rejected]
    errors = []
    for q in np.linspace(0.0005, 0.05, 60):
        shares = np.log([q + drop, q, 1 - 2 * q - drop])
        rest = n - counts.sum(axis=1)
        errors.append(np.exp(np.array(logs) + counts @ shares[:2] + rest * shares[2]).sum())
    assert ALPHA < max(errors) <= most


@given(st.integers(2, 40), st.data())
def test_the_interval_is_where_neither_test_rejects(n, data):
    worse = data.draw(st.integers(0, n))
    better = data.draw(st.integers(0, n - worse))
    low, high = drop_interval(worse, better, n, ALPHA)
    measured = (worse - better) / n
    assert low <= measured <= high
    assert min(p_drop_exceeds(worse, better, n, measured), p_drop_below(worse, better, n, measured)) >= ALPHA
    if low > -1:
        assert p_drop_exceeds(worse, better, n, low) < ALPHA
    if high < 1:
        assert p_drop_below(worse, better, n, high) < ALPHA


def test_what_is_all_but_certain_has_a_p_that_many_comparisons_leave_small():
    assert p_drop_exceeds(60, 2, 200, 0.01) < 2e-5
    assert p_drop_exceeds(0, 0, 20, 0.1) > 0.99
    assert p_drop_exceeds(20, 0, 20, 1.0) == 1.0
    assert (p_drop_below(0, 0, 2, 1.0), p_drop_below(0, 0, 2, -1.0)) == (0.0, 1.0)


def test_exact_and_approximate_p_agree_where_one_takes_over_from_the_other():
    n = EXACT_ROWS
    for worse, better in ((40, 20), (25, 24), (60, 30)):
        assert p_drop_exceeds(worse, better, n, 0.02) == pytest.approx(
            p_drop_exceeds(worse, better, n + 1, 0.02), abs=0.012
        )


@pytest.mark.parametrize(
    ("worse", "better", "p"),
    [
        (0, 0, 1.0),
        (1, 0, 0.5),
        (5, 0, 1 / 32),
        (8, 2, 56 / 1024),
        (0, 9, 1.0),
        (600, 400, 1.36e-10),
        (60_300, 60_000, pytest.approx(0.194, abs=0.001)),
    ],
)
def test_mcnemar_by_hand(worse, better, p):
    # (8, 2): of 2^10 ways to fall, C(10,8) + C(10,9) + C(10,10) = 56 have at least 8 worse.
    assert mcnemar(worse=worse, better=better) == (pytest.approx(p, rel=0.01) if isinstance(p, float) else p)


def test_without_an_allowed_drop_tangos_score_is_mcnemars():
    assert tango_score(20, 8, 200, 0.0) == pytest.approx((20 - 8) / math.sqrt(20 + 8))


@given(st.integers(1, 30), st.integers(1, 30), st.integers(0, 100), st.floats(-0.5, 0.5))
def test_tangos_score_divides_by_the_error_of_the_likeliest_shares_with_that_difference(worse, better, same, drop):
    n = worse + better + same

    def unlikelihood(share):  # of `better`, where the share of `worse` is larger by the drop
        parts = ((worse, share + drop), (better, share), (same, 1 - 2 * share - drop))
        return -sum(count * math.log(max(p, 1e-300)) for count, p in parts if count)

    bounds = (max(0.0, -drop), (1 - drop) / 2)
    found = minimize_scalar(unlikelihood, bounds=bounds, method="bounded", options={"xatol": 1e-12})
    variance = (2 * found.x + drop - drop**2) * n
    expected = (worse - better - n * drop) / math.sqrt(variance)
    assert tango_score(worse, better, n, drop) == pytest.approx(expected, rel=1e-3, abs=1e-3)


@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 200))
def test_the_bounds_are_where_the_score_is_what_was_asked(worse, better, same):
    n = worse + better + same
    if n == 0:
        return
    edge = 1e-9
    low, high = (tango_bound(worse, better, n, z) for z in (1.645, -1.645))
    assert low - edge <= (worse - better) / n <= high + edge
    if -1 + edge < high < 1 - edge:
        assert tango_score(worse, better, n, high) == pytest.approx(-1.645, abs=1e-6)


def test_the_same_answers_to_few_rows_leave_a_drop_possible():
    # (1 - d)^n is how likely no drop shows where there is one of d; Tango's bound is z^2 / (n + z^2).
    assert tango_bound(0, 0, 100, -1.645) == pytest.approx(1.645**2 / (100 + 1.645**2), abs=1e-6)
