import re

import numpy as np
import polars as pl
import pytest

from slipway.errors import ProjectError
from slipway.new.baseline import baseline
from slipway.new.columns import judge
from slipway.new.first_gate import _figure, ask, downwards, upwards

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


def test_a_gate_never_asks_for_less_than_the_commonest_class_alone_reaches():
    weak = np.where(X + RNG.normal(0, 4, 600) > -1.5, "yes", "no")
    judged, first = tried(SUM.with_columns(y=pl.Series(weak)))
    gate = ask(first, judged)
    assert first.mean("accuracy") - 3 * first.spread("accuracy") < first.without
    assert first.without <= gate.minimum < first.without + 0.01
    assert "min keeps out what is no better than that" in gate.why


def test_where_one_class_has_nearly_all_rows_accuracy_is_not_asked():
    rare = np.where(X + RNG.normal(0, 0.1, 600) > 1.3, "rare", "usual")
    judged, first = tried(SUM.with_columns(y=pl.Series(rare)))
    gate = ask(first, judged)
    assert gate.metric == "average_precision"
    assert gate.minimum > 0.5
    assert gate.toml() == f'{{ average_precision = {{ min = {gate.minimum:g} }}, log_loss = {{ max_drop = "5 %" }} }}'
    assert "Accuracy is not asked" in gate.why
    assert first.choice.rare == '"rare"'


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
    judged, first = tried(table)
    assert first.fold_rows >= 1
    gate = ask(first, judged)
    assert gate.toml() == "{ accuracy = { max_drop = 0.02 } }"  # of 2 test rows a limit would say nothing
    assert "too few for a limit" in gate.why


@pytest.mark.parametrize("kinds", [(2, 3, 4, 5, 6), (30, 20)])
def test_a_table_of_categories_alone_has_a_gate_that_its_model_passes(kinds):
    """Many rows agree in all but the target: nothing that is learnt of some of them may decide of the others."""
    rng = np.random.default_rng(2)
    columns = {f"c{i}": rng.integers(0, k, 2_000) for i, k in enumerate(kinds)}
    chance = 1 / (1 + np.exp(-2.5 * (2 * (columns["c0"] % 2) - 1.0)))
    table = pl.DataFrame({name: [f"v{v}" for v in values] for name, values in columns.items()})
    judged, first = tried(table.with_columns(y=pl.Series(np.where(rng.random(2_000) < chance, "yes", "no"))))
    stages = {"__name__": "pipeline"}
    exec(first.text, stages)
    train, test = stages["split"](first.features)
    reached = stages["metrics"](stages["model"](train), test)["accuracy"]
    least = float(re.search(r"min = ([0-9.]+)", ask(first, judged).toml())[1])
    assert least > 0.6
    assert reached >= least


def test_rows_that_no_split_divides_are_refused():
    table = pl.DataFrame({"x": [1.5] * 6 + [2.5] * 6, "y": ["a", "a", "a", "a", "a", "b"] * 2, "z": [None] * 12})
    with pytest.raises(ProjectError, match=r"can't be split|No column is left"):
        tried(table.with_columns(x=pl.lit(1.5)))


def test_large_figures_are_written_out():
    assert [_figure(value) for value in (21_712.4, 0.01234, 99.5)] == ["21,700", "0.0123", "99.5"]


def drawn(n, share, gain, *, seed=1, names=("yes", "no")):
    """Rows with two columns and noise, of which so many are of the first name; at gain 0 nothing tells which."""
    rng = np.random.default_rng(seed)
    columns = {f"x{i}": rng.normal(size=n) for i in range(4)} | {"town": rng.choice(list("abcde"), n).tolist()}
    score = gain * (columns["x0"] + 0.5 * columns["x1"]) + rng.logistic(size=n)
    is_rare = score > np.quantile(score, 1 - share)
    return pl.DataFrame(columns | {"y": np.where(is_rare, *names)})


@pytest.mark.parametrize(
    ("rows", "share", "names"),
    [
        (2_000, 1 / 20, ("fraud", "ok")),
        (6_000, 1 / 227, ("yes", "no")),
        (9_000, 1 / 140, (1, 0)),
        (3_000, 0.15, (True, False)),
    ],
)
def test_a_gate_of_a_rare_class_asks_for_more_than_its_share_however_it_is_called(rows, share, names):
    judged, first = tried(drawn(rows, share, 2.0, names=names))
    gate = ask(first, judged)
    assert first.rare.label == names[0]
    if rows * share * judged.test_share < 10:
        assert gate.minimum is None
        assert "too few to tell a good model from one that knows nothing" in gate.warnings[0]
        return
    assert (gate.metric, gate.max_drop) == ("average_precision", None)
    assert share * 0.99 <= gate.minimum < first.mean("average_precision")
    assert "answered from a probability on" in gate.warnings[0]


def test_a_handful_of_rows_of_a_class_is_warned_of_and_asks_nothing_of_them():
    judged, first = tried(drawn(4_000, 1 / 1_000, 2.0))
    gate = ask(first, judged)
    assert first.rare.rows == 4
    assert first.choice.rare is None  # no threshold is found on four rows
    assert gate.toml() == '{ log_loss = { max_drop = "5 %" } }'
    assert "about 1 of them in the test" in gate.warnings[0]


def test_several_rare_classes_are_measured_by_their_mean_precision():
    rng = np.random.default_rng(3)
    x = rng.normal(size=3_000)
    y = np.where(x > 2, "high", np.where(x < -2, "low", "usual"))
    judged, first = tried(pl.DataFrame({"x": x + rng.normal(0, 0.2, 3_000), "z": rng.normal(size=3_000), "y": y}))
    gate = ask(first, judged)
    assert (first.is_uneven, first.rare, first.choice.rare) == (True, None, None)
    assert gate.metric == "average_precision"
    assert 1 / 3 < gate.minimum < 1


def test_trees_that_go_astray_on_a_rare_class_are_not_written():
    judged, first = tried(drawn(4_000, 1 / 60, 0.8, seed=5))
    assert first.choice.is_linear
    assert "LogisticRegression" in first.text
    assert first.other["log_loss"] > first.mean("log_loss")
    assert "(linear, which did better than boosted trees)" in ask(first, judged).why


def test_of_what_a_sum_makes_a_linear_model_is_written_and_of_what_it_does_not_trees():
    exact = SUM.with_columns(y=10 + 3 * pl.col("x") - 2 * pl.col("noise"))
    _, first = tried(exact)
    assert first.choice.is_linear
    assert "Ridge" in first.text
    assert first.mean("rmse") < first.other["rmse"]
    product = SUM.with_columns(y=pl.col("x") * pl.col("noise"))
    assert not tried(product)[1].choice.is_linear
    assert not tried(SUM)[1].choice.is_linear  # a little better is not beyond chance


@pytest.mark.parametrize("kind", ["classes", "numbers", "a rare class"])
def test_a_target_that_no_column_tells_is_warned_of(kind):
    rng = np.random.default_rng(12)
    columns = {f"x{i}": rng.normal(size=1_200) for i in range(3)}
    y = {
        "classes": np.where(rng.random(1_200) < 0.6, "a", "b"),
        "numbers": rng.normal(size=1_200),
        "a rare class": np.where(rng.random(1_200) < 0.06, "a", "b"),
    }[kind]
    judged, first = tried(pl.DataFrame(columns | {"y": y}))
    gate = ask(first, judged)
    assert any("better than always saying" in warning for warning in gate.warnings), gate.warnings
    if kind == "numbers":
        assert gate.maximum <= first.without
    elif kind == "classes":
        assert gate.minimum >= first.without


def test_large_misses_of_a_few_rows_do_not_decide_what_is_asked():
    rng = np.random.default_rng(4)
    x = rng.normal(size=800)
    y = x + rng.normal(0, 0.3, 800) + np.where(rng.random(800) < 0.01, 400.0, 0.0)
    judged, first = tried(pl.DataFrame({"x": x, "z": rng.normal(size=800), "y": y}))
    gate = ask(first, judged)
    assert gate.maximum <= first.constants[gate.metric]


def test_tiny_classes_keep_nobody_from_being_tried():
    rng = np.random.default_rng(4)
    x = rng.normal(size=400)
    y = np.where(x > 0, "a", "b")
    y[:2] = "seldom"
    judged, first = tried(pl.DataFrame({"x": x, "z": rng.normal(size=400), "y": y}))
    assert ask(first, judged).minimum > 0.8


@pytest.mark.parametrize("value", [0.00632, 0.5, 1.0, 731.2, 1e-9])
def test_limits_are_rounded_to_two_digits_to_the_side_that_is_meant(value):
    assert downwards(value) <= value <= upwards(value)
    assert upwards(value) <= downwards(value) * 1.11
    assert upwards(upwards(value)) == upwards(value)
