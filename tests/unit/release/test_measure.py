import math
from collections import Counter

import numpy as np
import pytest
import sklearn.metrics as sk
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from slipway.release.compare import Answers, mcnemar, paired
from slipway.release.measure import CannotMeasure, measure, metric


@st.composite
def classified(draw):
    n = draw(st.integers(5, 40))
    classes = draw(st.sampled_from([["a", "b"], ["a", "b", "c"], [0, 1], [1, 2, 3]]))
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    truths = [classes[i] for i in rng.integers(0, len(classes), n)]
    assume(set(truths) == set(classes))
    table = np.round(rng.dirichlet(np.ones(len(classes)), n), 1)  # rounded, so that there are ties
    table = (table + 0.01) / (table + 0.01).sum(axis=1, keepdims=True)
    predictions = [classes[i] for i in table.argmax(axis=1)]
    probabilities = [{str(label): float(p) for label, p in zip(classes, row, strict=True)} for row in table]
    weights = rng.integers(1, 4, n).astype(float)
    return truths, predictions, probabilities, table, weights


@given(classified())
@settings(deadline=None, max_examples=50)
def test_metrics_of_a_classifier_are_those_of_scikit_learn_with_weights_too(rows):
    truths, predictions, probabilities, table, weights = rows
    scores = table[:, 1] if table.shape[1] == 2 else table
    for w in (np.ones(len(truths)), weights):
        found = {
            name: metric(name, truths, predictions, probabilities)(w) for name in ("accuracy", "macro_f1", "log_loss")
        }
        assert found["accuracy"] == pytest.approx(sk.accuracy_score(truths, predictions, sample_weight=w))
        f1 = sk.f1_score(truths, predictions, average="macro", sample_weight=w, zero_division=0)
        assert found["macro_f1"] == pytest.approx(f1)
        assert found["log_loss"] == pytest.approx(sk.log_loss(truths, table, sample_weight=w))
        area = metric("auc", truths, predictions, probabilities)(w)
        assert area == pytest.approx(sk.roc_auc_score(truths, scores, multi_class="ovr", sample_weight=w))


@given(st.lists(st.tuples(*[st.floats(-1e3, 1e3)] * 2), min_size=2, max_size=30))
@settings(deadline=None)
def test_metrics_of_a_regression_are_those_of_scikit_learn(pairs):
    truths, predictions = map(list, zip(*pairs, strict=True))
    assume(np.ptp(truths) > 1e-3)
    found = measure("regression", truths, predictions)
    assert found["rmse"] == pytest.approx(sk.root_mean_squared_error(truths, predictions))
    assert found["mae"] == pytest.approx(sk.mean_absolute_error(truths, predictions))
    assert found["r2"] == pytest.approx(sk.r2_score(truths, predictions))


def test_four_rows_by_hand():
    truths, predictions = ["a", "a", "b", "b"], ["a", "b", "b", "b"]
    probabilities = [{"a": a, "b": 1 - a} for a in (0.8, 0.4, 0.4, 0.1)]
    found = measure("classification", truths, predictions, probabilities)
    assert found["accuracy"] == 0.75
    assert found["macro_f1"] == pytest.approx((2 / 3 + 4 / 5) / 2)
    assert found["log_loss"] == pytest.approx(-np.mean(np.log([0.8, 0.4, 0.6, 0.9])))
    assert found["auc"] == pytest.approx(3.5 / 4)  # of 4 pairs three are in order, one is a tie


def test_a_certain_error_costs_much_but_not_everything():
    loss = metric("log_loss", ["a"], ["b"], [{"a": 0.0, "b": 1.0}])(np.ones(1))
    assert loss == pytest.approx(-math.log(np.finfo(float).eps))


def test_what_has_no_value_is_left_out_or_says_why():
    assert set(measure("classification", ["a", "a"], ["a", "a"])) == {"accuracy", "macro_f1"}
    assert set(measure("regression", [1.0, 1.0], [1.0, 2.0])) == {"rmse", "mae"}
    assert measure("regression", [], []) == {}
    with pytest.raises(CannotMeasure, match="auc needs probabilities, which the model does not give"):
        metric("auc", ["a"], ["a"])
    with pytest.raises(CannotMeasure, match="auc needs rows of two classes"):
        metric("auc", ["a"], ["a"], [{"a": 1.0}])
    with pytest.raises(CannotMeasure, match="`f2` is none of the metrics"):
        metric("f2", ["a"], ["a"])
    with pytest.raises(CannotMeasure, match="there are no rows"):
        metric("accuracy", [], [])


def test_the_class_1_is_not_the_class_text_1():
    assert measure("classification", [1, 1], ["1", 1])["accuracy"] == 0.5


@pytest.mark.parametrize(
    ("worse", "better", "p"),
    [
        (0, 0, 1.0),
        (1, 0, 0.5),
        (5, 0, 1 / 32),
        (8, 2, 56 / 1024),
        (0, 9, 1.0),
        (600, 400, pytest.approx(1.36e-10, rel=0.01)),
    ],
)
def test_mcnemar_by_hand(worse, better, p):
    # (8, 2): of 2^10 ways to fall, C(10,8) + C(10,9) + C(10,10) = 56 have at least 8 worse.
    assert mcnemar(worse=worse, better=better) == p


def noisy(rng, truth, right_share, classes=("a", "b", "c")):
    predictions = [t if rng.random() < right_share else classes[(classes.index(t) + 1) % 3] for t in truth]
    probabilities = [{c: 0.8 if c == p else 0.1 for c in classes} for p in predictions]
    return Answers(predictions, probabilities)


@pytest.mark.parametrize("name", ["accuracy", "macro_f1", "log_loss", "auc"])
def test_a_worse_classifier_shows(name):
    rng = np.random.default_rng(1)
    truths = [("a", "b", "c")[i] for i in rng.integers(0, 3, 400)]
    better, worse = noisy(rng, truths, 0.85), noisy(rng, truths, 0.7)
    down, up = paired(name, truths, worse, better), paired(name, truths, better, worse)
    assert down.drop > 0 > up.drop
    assert down.drop == pytest.approx(-up.drop)
    assert down.p < 0.01
    assert up.p > 0.99


@pytest.mark.parametrize("name", ["rmse", "mae", "r2"])
def test_a_worse_regression_shows(name):
    rng = np.random.default_rng(1)
    truths = rng.normal(size=300)
    better, worse = (Answers(list(truths + rng.normal(0, s, 300)), None) for s in (0.5, 0.8))
    assert paired(name, list(truths), worse, better).p < 0.01
    assert paired(name, list(truths), worse, better).drop > 0


@pytest.mark.parametrize("name", ["accuracy", "macro_f1", "mae"])
def test_of_two_that_are_alike_few_look_worse(name):
    rng = np.random.default_rng(3)
    found = Counter()
    for _ in range(40):
        if name == "mae":
            truths = rng.normal(size=60)
            one, other = (Answers(list(truths + rng.normal(size=60)), None) for _ in range(2))
        else:
            truths = [("a", "b", "c")[i] for i in rng.integers(0, 3, 60)]
            one, other = noisy(rng, truths, 0.8), noisy(rng, truths, 0.8)
        found[paired(name, list(truths), one, other).p < 0.05] += 1
    assert found[True] <= 6  # 2 are expected; more than 6 of 40 come once in 100 tries


def test_the_same_answers_are_no_drop():
    truths = ["a", "b", "c"] * 20
    same = noisy(np.random.default_rng(1), truths, 0.8)
    for name in ("accuracy", "macro_f1", "log_loss", "auc"):
        found = paired(name, truths, same, same)
        assert (found.drop, found.p) == (0.0, 1.0)
