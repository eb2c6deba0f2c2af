import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from slipway.gate.compare import Answers, interval, mcnemar, paired, tango_bound, tango_score
from slipway.gate.measure import metric

CLASSES = ("a", "b", "c")


def noisy(rng, truths, right_share):
    predictions = [t if rng.random() < right_share else CLASSES[(CLASSES.index(t) + 1) % 3] for t in truths]
    probabilities = [{c: 0.8 if c == p else 0.1 for c in CLASSES} for p in predictions]
    return Answers(predictions, probabilities)


def truths_of(rng, n):
    return [CLASSES[i] for i in rng.integers(0, 3, n)]


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


@pytest.mark.parametrize("name", ["accuracy", "macro_f1", "log_loss", "auc"])
def test_a_worse_classifier_shows(name):
    rng = np.random.default_rng(1)
    truths = truths_of(rng, 400)
    better, worse = noisy(rng, truths, 0.85), noisy(rng, truths, 0.7)
    down, up = paired(name, truths, worse, better), paired(name, truths, better, worse)
    assert down.drop > 0 > up.drop
    assert down.drop == pytest.approx(-up.drop)
    assert down.low > 0 > up.high
    assert down.chance(0.0) < 0.01
    assert up.chance(0.0) > 0.99


@pytest.mark.parametrize("name", ["rmse", "mae", "r2"])
def test_a_worse_regression_shows(name):
    rng = np.random.default_rng(1)
    truths = rng.normal(size=300)
    better, worse = (Answers(list(truths + rng.normal(0, s, 300)), None) for s in (0.5, 0.8))
    found = paired(name, list(truths), worse, better)
    assert found.chance(0.0) < 0.01
    assert found.low > 0


@pytest.mark.parametrize("name", ["accuracy", "macro_f1", "log_loss", "auc", "rmse", "r2"])
def test_the_bounds_hold_the_true_drop_as_often_as_they_say(name):
    """Of 300 comparisons of models whose true drop is known, each bound misses it in 5 of 100."""
    rng = np.random.default_rng(3)
    is_number = name in ("rmse", "r2")

    def sides(n):
        if is_number:
            truths = rng.normal(size=n)
            return list(truths), *(Answers(list(truths + rng.normal(0, s, n)), None) for s in (0.55, 0.5))
        truths = truths_of(rng, n)
        return truths, noisy(rng, truths, 0.77), noisy(rng, truths, 0.8)

    true = paired(name, *sides(60_000)).drop
    found = [paired(name, *sides(150)) for _ in range(300)]
    # 0.05 of 300 is 15, and three standard deviations of that are 11.
    assert sum(f.low > true for f in found) <= 26
    assert sum(f.high < true for f in found) <= 26
    assert sum(f.low > true or f.high < true for f in found) >= 8  # nor are they far too wide


@pytest.mark.parametrize("name", ["macro_f1", "rmse"])
def test_resampled_influences_spread_like_the_metric_on_resampled_rows(name):
    rng = np.random.default_rng(5)
    if name == "rmse":
        truths = list(rng.normal(size=200))
        one, other = (Answers(list(np.array(truths) + rng.normal(0, s, 200)), None) for s in (0.55, 0.5))
    else:
        truths = truths_of(rng, 200)
        one, other = noisy(rng, truths, 0.77), noisy(rng, truths, 0.8)
    drops = []
    for _ in range(600):
        rows = rng.integers(0, 200, 200).tolist()
        new, old = (metric(name, [truths[i] for i in rows], side.take(rows).predictions) for side in (one, other))
        drops.append(new.value - old.value)
    low, high = np.quantile(drops, [0.05, 0.95])
    found = paired(name, truths, one, other)
    assert found.high - found.low == pytest.approx(high - low, rel=0.12)


def test_the_same_answers_are_no_drop():
    truths = ["a", "b", "c"] * 20
    same = noisy(np.random.default_rng(1), truths, 0.8)
    for name in ("accuracy", "macro_f1", "log_loss", "auc"):
        found = paired(name, truths, same, same)
        assert found.drop == 0.0
        assert found.chance(0.0) == 1.0


def test_one_in_a_million_is_told_from_one_in_a_thousand():
    """A correction for many comparisons needs it."""
    rng = np.random.default_rng(2)
    truths = list(rng.normal(size=2_000))
    good, bad = (Answers(list(np.array(truths) + rng.normal(0, s, 2_000)), None) for s in (0.3, 0.9))
    assert paired("mae", truths, bad, good).chance(0.0) < 1e-6


def test_the_interval_of_an_accuracy_is_wilsons():
    truths, predictions = ["a"] * 100, ["a"] * 90 + ["b"] * 10
    low, high = interval("accuracy", truths, metric("accuracy", truths, predictions))
    assert (low, high) == (pytest.approx(0.8400, abs=1e-3), pytest.approx(0.9392, abs=1e-3))  # z = 1.645
    assert interval("accuracy", ["a"], metric("accuracy", ["a"], ["a"]))[0] < 0.3
