import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import fisher_exact, gamma

from slipway.profile.chance import critical_count, deviate, mean_difference_limit, skewed_limit, tail


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 60), st.integers(1, 400), st.integers(1, 300), st.floats(-6, -1))
def test_the_critical_count_is_the_first_that_fishers_test_finds_too_rare(seen, more, rows, exponent):
    n, alpha = seen + more, 10**exponent

    def p(count):
        return fisher_exact([[count, rows - count], [seen, n - seen]], alternative="greater").pvalue

    found = critical_count(seen, n, rows, alpha)
    assert 1 <= found <= rows + 1
    if found <= rows:
        assert p(found) <= alpha * (1 + 1e-6)
    # Below the share of the reference nothing is a rise, however large alpha is.
    if found - 1 > rows * (seen + 1) / (n + 1) + 1:
        assert p(found - 1) > alpha * (1 - 1e-6)


def test_none_of_five_thousand_and_seven_of_a_thousand_by_hand():
    # That all of x such rows are among the window's: (1000 / 6000)^x, nearly; 1e-5 lies between x = 6 and x = 7.
    assert critical_count(0, 5_000, 1_000, 1e-5) == 7
    assert critical_count(10, 10, 100, 0.01) == 101  # what every row has can't rise


def test_a_million_rows_are_told_at_a_probability_that_underflows():
    found = critical_count(400_000, 1_000_000, 1_000_000, 1e-9)
    assert found == pytest.approx(400_000 + 6.0 * math.sqrt(2 * 1e6 * 0.24), rel=0.001)
    assert tail(40) >= 0
    assert deviate(tail(5)) == pytest.approx(5)


@pytest.mark.parametrize("skewness", [0.0, 0.5, 1.0, 2.0, 3.5])
def test_a_skewed_variable_is_beyond_its_limit_as_often_as_is_said(skewness):
    z = 3.2
    limit = skewed_limit(2.0, 3.0, skewness, z)
    if skewness == 0:
        assert limit == pytest.approx(2.0 + 3.0 * z)
        return
    shape = 4 / skewness**2
    exact = 2.0 + 3.0 * (gamma.isf(tail(z), shape) - shape) / math.sqrt(shape)
    assert limit == pytest.approx(exact, rel=0.1)


def test_a_single_far_value_is_chance_whichever_side_it_is_on():
    random = np.random.default_rng(1)
    calm, far = random.random(2_000), np.append(random.random(99), 1e6)
    assert far.mean() - calm.mean() < mean_difference_limit(calm, far, 3.4)
    raised = random.random(100) + 0.5
    assert raised.mean() - calm.mean() > mean_difference_limit(calm, raised, 3.4)
    assert mean_difference_limit(np.ones(10), np.ones(5), 3.0) == 0.0
