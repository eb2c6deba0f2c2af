import math

import numpy as np
import pytest
import sklearn.metrics as sk
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from slipway.gate.measure import CannotMeasure, class_name, measure, metric


@st.composite
def classified(draw):
    n = draw(st.integers(5, 40))
    classes = draw(st.sampled_from([["a", "b"], ["a", "b", "c"], [0, 1], [1, 2, 3], [False, True]]))
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    truths = [classes[i] for i in rng.integers(0, len(classes), n)]
    assume(set(truths) == set(classes))
    table = np.round(rng.dirichlet(np.ones(len(classes)), n), 1)  # rounded, so that there are ties
    table = (table + 0.01) / (table + 0.01).sum(axis=1, keepdims=True)
    predictions = [classes[i] for i in table.argmax(axis=1)]
    probabilities = [{class_name(label): float(p) for label, p in zip(classes, row, strict=True)} for row in table]
    return truths, predictions, probabilities, table


def by_scikit_learn(truths, predictions, table, weights):
    """The five metrics over weighted rows."""
    scores = table[:, 1] if table.shape[1] == 2 else table
    classes = sorted(set(truths))
    if len(classes) == 2:  # the rarer one; of equally many, the greater
        classes = [classes[0] if truths.count(classes[0]) < truths.count(classes[1]) else classes[1]]
    places = {label: place for place, label in enumerate(sorted(set(truths)))}
    precisions = [
        sk.average_precision_score([t == c for t in truths], table[:, places[c]], sample_weight=weights)
        for c in classes
    ]
    return {
        "accuracy": sk.accuracy_score(truths, predictions, sample_weight=weights),
        "macro_f1": sk.f1_score(truths, predictions, average="macro", sample_weight=weights, zero_division=0),
        "log_loss": sk.log_loss(truths, table, sample_weight=weights),
        "auc": sk.roc_auc_score(truths, scores, multi_class="ovr", sample_weight=weights),
        "average_precision": np.mean(precisions),
    }


@given(classified())
@settings(max_examples=40)
def test_metrics_of_a_classifier_are_those_of_scikit_learn(rows):
    truths, predictions, probabilities, table = rows
    expected = by_scikit_learn(truths, predictions, table, np.ones(len(truths)))
    assert measure("classification", truths, predictions, probabilities) == pytest.approx(expected)


@given(classified())
@settings(max_examples=25)
def test_influence_is_how_a_metric_moves_with_each_rows_weight(rows):
    truths, predictions, probabilities, table = rows
    n, step = len(truths), 1e-5
    before = by_scikit_learn(truths, predictions, table, np.ones(n))
    for row in range(0, n, 7):
        after = by_scikit_learn(truths, predictions, table, np.ones(n) + step * (np.arange(n) == row))
        for name, value in before.items():
            influence = metric(name, truths, predictions, probabilities).influence
            assert influence[row] / n == pytest.approx((after[name] - value) / step, abs=1e-3)
            assert influence.mean() == pytest.approx(0, abs=1e-12)


@given(st.lists(st.tuples(*[st.floats(-1e3, 1e3)] * 2), min_size=2, max_size=30))
def test_metrics_of_a_regression_are_those_of_scikit_learn(pairs):
    truths, predictions = map(list, zip(*pairs, strict=True))
    assume(np.ptp(truths) > 1e-3)
    found = measure("regression", truths, predictions)
    assert found["rmse"] == pytest.approx(sk.root_mean_squared_error(truths, predictions))
    assert found["mae"] == pytest.approx(sk.mean_absolute_error(truths, predictions))
    assert found["r2"] == pytest.approx(sk.r2_score(truths, predictions))


@pytest.mark.parametrize(
    ("name", "by_sk"), [("rmse", sk.root_mean_squared_error), ("mae", sk.mean_absolute_error), ("r2", sk.r2_score)]
)
def test_influence_on_the_errors_of_a_regression(name, by_sk):
    rng = np.random.default_rng(1)
    truths = rng.normal(size=20)
    predictions = truths + rng.normal(0, 0.5, 20)
    influence = metric(name, truths.tolist(), predictions.tolist()).influence
    for row in range(20):
        after = by_sk(truths, predictions, sample_weight=np.ones(20) + 1e-6 * (np.arange(20) == row))
        assert influence[row] / 20 == pytest.approx((after - by_sk(truths, predictions)) / 1e-6, abs=1e-4)


def test_four_rows_by_hand():
    truths, predictions = ["a", "a", "b", "b"], ["a", "b", "b", "b"]
    probabilities = [{"a": a, "b": 1 - a} for a in (0.8, 0.4, 0.4, 0.1)]
    found = measure("classification", truths, predictions, probabilities)
    assert found["accuracy"] == 0.75
    assert found["macro_f1"] == pytest.approx((2 / 3 + 4 / 5) / 2)
    assert found["log_loss"] == pytest.approx(-np.mean(np.log([0.8, 0.4, 0.6, 0.9])))
    assert found["auc"] == pytest.approx(3.5 / 4)  # of 4 pairs three are in order, one is a tie
    # Of b, by its scores 0.9 (b), 0.6 (a and b), 0.2 (a): precision 1 at the first, 2/3 at the two that tie.
    assert found["average_precision"] == pytest.approx((1 + 2 / 3) / 2)


@pytest.mark.parametrize(("rare", "usual"), [("fraud", "ok"), ("yes", "no"), (True, False), (0, 1)])
def test_average_precision_is_of_the_rarer_class_whatever_it_is_called(rare, usual):
    truths = [rare] + [usual] * 9
    probabilities = [{class_name(rare): p, class_name(usual): 1 - p} for p in (0.4, 0.5, *[0.1] * 8)]
    assert metric("average_precision", truths, [usual] * 10, probabilities).value == 0.5


def test_classes_that_are_whole_numbers_or_truths_measure_like_their_names():
    truths, predictions = [1, 1, 0, 0, 1], [1, 0, 0, 0, 1]
    words = {1: "yes", 0: "no"}
    expected = measure("classification", [words[t] for t in truths], [words[p] for p in predictions])
    assert expected["macro_f1"] == pytest.approx(0.8)
    assert measure("classification", truths, predictions) == expected
    assert measure("classification", [t == 1 for t in truths], [p == 1 for p in predictions]) == expected


def test_a_certain_error_costs_much_but_not_everything():
    loss = metric("log_loss", ["a"], ["b"], [{"a": 0.0, "b": 1.0}])
    assert loss.value == pytest.approx(-math.log(np.finfo(float).eps))


def test_a_model_without_error_has_no_influence_that_is_no_number():
    assert not metric("rmse", [1.0, 2.0], [1.0, 2.0]).influence.any()


def test_what_has_no_value_is_left_out_or_says_why():
    assert set(measure("classification", ["a", "a"], ["a", "a"])) == {"accuracy", "macro_f1"}
    assert set(measure("regression", [1.0, 1.0], [1.0, 2.0])) == {"rmse", "mae"}
    assert measure("regression", [], []) == {}
    with pytest.raises(CannotMeasure, match="auc needs probabilities, which the model does not give"):
        metric("auc", ["a"], ["a"])
    with pytest.raises(CannotMeasure, match="auc needs test rows of two classes, and all of these are `a`"):
        metric("auc", ["a"], ["a"], [{"a": 1.0}])
    with pytest.raises(CannotMeasure, match="`f2` is none of the metrics"):
        metric("f2", ["a"], ["a"])
    with pytest.raises(CannotMeasure, match="there are no rows"):
        metric("accuracy", [], [])


def test_the_class_1_is_not_the_class_text_1():
    assert measure("classification", [1, 1], ["1", 1])["accuracy"] == 0.5
