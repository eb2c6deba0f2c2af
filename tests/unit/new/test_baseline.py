import numpy as np
import polars as pl
import pytest

from slipway.errors import ProjectError
from slipway.new.baseline import _figure, ask, baseline
from slipway.new.columns import judge

RNG = np.random.default_rng(5)
X = RNG.normal(size=600)
SUM = pl.DataFrame({"x": X, "noise": RNG.normal(size=600), "y": 10 + X + RNG.normal(0, 0.3, 600)})


def tried(table):
    judged = judge(table, "y")
    return judged, baseline(table, judged)


def test_the_gate_leaves_three_spreads_of_the_folds_to_chance():
    judged, first = tried(SUM)
    gate = ask(first, judged)
    assert (gate.metric, gate.minimum) == ("rmse", None)
    mean, spread = first.mean("rmse"), first.spread("rmse")
    assert len(first.folds["rmse"]) == 4
    assert spread >= mean / np.sqrt(2 * 150)
    assert mean + 3 * spread <= gate.maximum < (mean + max(3 * spread, 0.1 * mean)) * 1.1
    assert f"missed by {_figure(mean)} ± {_figure(spread)}" in gate.why


def test_a_fold_of_few_rows_spreads_at_least_as_chance_does():
    table = SUM.head(60).with_columns(y=pl.when(pl.col("x") > 0).then(pl.lit("a")).otherwise(pl.lit("b")))
    _, first = tried(table)
    assert first.spread("accuracy") >= np.sqrt(0.0025 / 15)


def test_a_model_a_little_worse_than_the_first_still_passes():
    classes = np.where(X + RNG.normal(0, 0.8, 600) > 0, "a", "b")
    judged, first = tried(SUM.with_columns(y=pl.Series(classes)))
    gate = ask(first, judged)
    assert gate.metric == "accuracy"
    assert first.mean("accuracy") - 0.2 < gate.minimum <= first.mean("accuracy") - 3 * first.spread("accuracy")
    assert gate.minimum > 0.5


def test_a_gate_keeps_out_a_model_that_knows_nothing_where_a_weak_one_leaves_room():
    weak = np.where(X + RNG.normal(0, 4, 600) > -1.5, "yes", "no")
    judged, first = tried(SUM.with_columns(y=pl.Series(weak)))
    gate = ask(first, judged)
    reached, spread = first.mean("accuracy"), first.spread("accuracy")
    assert reached - 3 * spread < first.without
    assert gate.minimum == pytest.approx(min(first.without, reached - spread), abs=0.01)
    assert "no better than that" in gate.why or first.without > reached - spread


def test_where_one_class_has_nearly_all_rows_accuracy_is_not_asked():
    rare = np.where(X + RNG.normal(0, 0.1, 600) > 1.3, "rare", "usual")
    judged, first = tried(SUM.with_columns(y=pl.Series(rare)))
    gate = ask(first, judged)
    assert gate.metric == "macro_f1"
    assert "not accuracy" in gate.why


def test_rows_with_a_time_are_tried_in_their_order():
    # What was learnt of the past stops to hold: folds that mix past and future would not notice.
    days = pl.Series(range(600)).cast(pl.Int32).cast(pl.Date)
    sign = np.where(np.arange(600) < 300, 1, -1)
    table = SUM.with_columns(created=days, y=pl.Series(10 + sign * X + RNG.normal(0, 0.1, 600)))
    judged, first = tried(table)
    assert judged.time == "created"
    assert max(first.folds["rmse"]) > 1
    assert "each newer than what it had learnt from" in ask(first, judged).why


def test_ten_rows_are_enough_to_be_tried():
    table = pl.DataFrame({"x": range(0, 100, 10), "y": ["a", "b"] * 5}).with_columns(pl.col("x") * 1.5)
    assert tried(table)[1].fold_rows >= 1


def test_rows_that_no_split_divides_are_refused():
    table = pl.DataFrame({"x": [1.5] * 6 + [2.5] * 6, "y": ["a", "a", "a", "a", "a", "b"] * 2, "z": [None] * 12})
    with pytest.raises(ProjectError, match=r"can't be split|No column is left"):
        tried(table.with_columns(x=pl.lit(1.5)))


def test_large_figures_are_written_out():
    assert [_figure(value) for value in (21_712.4, 0.01234, 99.5)] == ["21,700", "0.0123", "99.5"]
