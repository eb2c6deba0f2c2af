import numpy as np
import pytest

from slipway.gate.compare import Answers, interval, paired
from slipway.gate.measure import CannotMeasure, metric
from slipway.gate.noninferiority import drop_interval, p_drop_exceeds

CLASSES = ("a", "b", "c")


def noisy(rng, truths, right_share):
    predictions = [t if rng.random() < right_share else CLASSES[(CLASSES.index(t) + 1) % 3] for t in truths]
    probabilities = [{c: 0.8 if c == p else 0.1 for c in CLASSES} for p in predictions]
    return Answers(predictions, probabilities)


def truths_of(rng, n):
    return [CLASSES[i] for i in rng.integers(0, 3, n)]


@pytest.mark.parametrize("name", ["accuracy", "macro_f1", "log_loss", "auc", "average_precision"])
def test_a_worse_classifier_shows(name):
    rng = np.random.default_rng(1)
    truths = truths_of(rng, 400)
    better, worse = noisy(rng, truths, 0.85), noisy(rng, truths, 0.7)
    down, up = paired(name, truths, worse, better), paired(name, truths, better, worse)
    assert down.drop > 0 > up.drop
    assert down.drop == pytest.approx(-up.drop)
    assert down.bounds[0] > 0 > up.bounds[1]
    assert down.chance(0.0) < 0.01
    assert up.chance(0.0) > 0.99


@pytest.mark.parametrize("name", ["rmse", "mae", "r2"])
def test_a_worse_regression_shows(name):
    rng = np.random.default_rng(1)
    truths = rng.normal(size=300)
    better, worse = (Answers(list(truths + rng.normal(0, s, 300)), None) for s in (0.5, 0.8))
    found = paired(name, list(truths), worse, better)
    assert found.chance(0.0) < 0.01
    assert found.bounds[0] > 0


@pytest.mark.parametrize("name", ["macro_f1", "log_loss", "auc", "average_precision", "rmse", "r2"])
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
    assert sum(f.bounds[0] > true for f in found) <= 26
    assert sum(f.bounds[1] < true for f in found) <= 26
    assert sum(f.bounds[0] > true or f.bounds[1] < true for f in found) >= 8  # nor are they far too wide


@pytest.mark.parametrize("name", ["macro_f1", "average_precision", "rmse"])
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
        new, old = (metric(name, [truths[i] for i in rows], *_said(side.take(rows))) for side in (one, other))
        drops.append(new.value - old.value)
    low, high = np.quantile(drops, [0.05, 0.95])
    found = paired(name, truths, one, other)
    assert found.bounds[1] - found.bounds[0] == pytest.approx(high - low, rel=0.12)


def _said(answers):
    return answers.predictions, answers.probabilities


def test_a_class_of_fewer_than_ten_rows_ranks_no_two_models():
    truths = ["yes"] * 9 + ["no"] * 300
    rng = np.random.default_rng(1)
    one, other = (Answers(["no"] * 309, [{"yes": p, "no": 1 - p} for p in rng.random(309)]) for _ in range(2))
    for name in ("auc", "average_precision"):
        with pytest.raises(CannotMeasure, match="9 test rows are `yes`, 10 are needed"):
            paired(name, truths, one, other)
    assert paired("average_precision", ["yes"] * 10 + ["no"] * 299, one, other).rows == 309


def test_accuracy_on_few_rows_is_compared_by_the_exact_test():
    truths = ["a"] * 50
    worse = Answers(["b"] * 9 + ["a"] * 41, None)
    found = paired("accuracy", truths, worse, Answers(["a"] * 47 + ["b"] * 3, None))
    # 9 rows are worse and 3 better, so that the drop measures 0.12.
    assert found.chance(0.05) == p_drop_exceeds(9, 3, 50, 0.05) > 0.1
    assert found.rules_out(0.3)
    assert not found.rules_out(0.12)
    assert found.bounds == drop_interval(9, 3, 50, 0.05)


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
