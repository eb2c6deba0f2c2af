"""What breaks in practice, with the default thresholds, on a table that the benchmark does not have."""

import json
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from slipway.monitor.check import Window, check, judge
from slipway.monitor.quality import Answers
from slipway.monitor.words import direction, explanation, figure, limit, sentence, signal, verdict
from slipway.profile.count import Profile, build_profile
from slipway.project import Monitor


def orders(rows, seed):
    """Orders of a shop: amounts in cents, a code, a note that few have, a channel, days, and an id."""
    random = np.random.default_rng(seed)
    days = [date(2024, 1, 1) + timedelta(days=int(day)) for day in random.integers(0, 300, rows)]
    note = [f"note {random.integers(0, 9)}" if there else None for there in random.random(rows) < 0.03]
    return pl.DataFrame(
        {
            "amount": random.gamma(1.5, 4_000, rows).round(),
            "change": random.normal(0, 1, rows).round(4),
            "items": random.poisson(2, rows) + 1,
            "channel": random.choice(["Café", "Straße", "Web", "App"], rows, p=[0.4, 0.3, 0.25, 0.05]),
            "code": [f"P{i:03}" for i in random.zipf(1.3, rows) % 600],
            "note": note,
            "is_new": random.random(rows) < 0.3,
            "day": days,
            "order": random.permutation(10 * rows)[:rows],
        },
        schema_overrides={"note": pl.String},
    )


def answers(rows, seed):
    return np.random.default_rng(seed).choice(["keep", "return"], rows, p=[0.9, 0.1]).tolist()


@pytest.fixture(scope="module")
def learnt() -> Profile:
    t = orders(1_500, 1)
    return build_profile(t, answers(1_500, 2), t, kind="classification")


def judged(learnt, change, rows=1_000):
    window = orders(rows, 3)
    moved = window.with_columns(change) if change is not None else window
    return check(Monitor(), learnt, moved, answers(rows, 4), moved)


def some(share, value, name):
    """A share of the rows, drawn by chance."""
    hit = pl.Series(np.random.default_rng(9).random(1_000) < share)
    return pl.when(hit).then(value).otherwise(pl.col(name)).alias(name)


def found(report):
    return {(alert.column, alert.measure) for alert in report.alerts}


def test_a_window_as_the_reference_is_calm(learnt):
    assert judged(learnt, None).decision == "none"


@pytest.mark.parametrize(
    ("change", "alert"),
    [
        (some(0.04, None, "amount"), ("amount", "missing")),
        (some(0.06, None, "note"), None),  # of three notes in a hundred rows a few less is nothing new
        (some(0.05, None, "day"), ("day", "missing")),
        (some(0.05, None, "order"), ("order", "missing")),
        (pl.lit(None, dtype=pl.Boolean).alias("is_new"), ("is_new", "missing")),
        (some(0.1, pl.col("amount") * 1_000, "amount"), ("amount", "out_of_range")),
        (some(0.15, pl.col("amount") / 1_000, "amount"), ("amount", "out_of_range")),
        (some(0.1, pl.col("change") / 1_000, "change"), ("change", "spike")),
        ((pl.col("items") * 100).alias("items"), ("items", "psi")),
        (some(0.06, pl.lit(-1.0), "amount"), ("amount", "spike")),
        (some(0.06, pl.lit(9_999.0), "amount"), ("amount", "spike")),
        (some(0.08, pl.lit(0.0), "change"), ("change", "spike")),
        (some(0.06, pl.lit(""), "code"), ("code", "spike")),
        (some(0.04, pl.lit("n/a"), "channel"), ("channel", "spike")),
        (some(0.05, pl.lit(date(1900, 1, 1)), "day"), ("day", "out_of_range")),
        (some(0.05, pl.lit(date(1970, 1, 1)), "day"), ("day", "out_of_range")),
        (pl.col("amount").clip(upper_bound=9_999.0), ("amount", "psi")),
        (pl.col("code").str.head(2), ("code", "unseen")),
        ([pl.col("amount").alias("change"), pl.col("change").alias("amount")], ("change", "psi")),
        (pl.col("channel").str.replace("Straße", "StraÃŸe"), ("channel", "unseen")),
        (pl.col("channel").replace("App", "app"), ("channel", "spike")),
        (pl.col("code").str.to_lowercase(), ("code", "unseen")),
        (pl.lit(3).alias("items"), ("items", "psi")),
        (pl.lit(False).alias("is_new"), ("is_new", "psi")),
    ],
)  # fmt: skip
def test_what_breaks_alarms_with_the_default_thresholds(learnt, change, alert):
    report = judged(learnt, change)
    if alert is None:
        assert report.decision == "none"
        return
    assert alert in found(report)
    assert report.decision in ("alarm", "retrain")
    assert sentence(report.columns[alert[0]]).endswith(".")
    assert "None" not in sentence(report.columns[alert[0]])


def test_a_date_that_goes_on_is_no_alarm_and_one_from_before_all_others_says_so(learnt):
    assert judged(learnt, pl.col("day").dt.offset_by("2y")).decision == "none"
    early = judged(learnt, some(0.05, pl.lit(date(1900, 1, 1)), "day")).columns["day"]
    assert early.flag == "clock"
    assert "are from long before every value that the model learnt from" in sentence(early)


def test_values_that_the_online_stages_make_null_are_told_apart_from_nulls_that_came(learnt):
    raw = orders(1_000, 3).with_columns(some(0.05, None, "change"))
    features = raw.with_columns(some(0.12, None, "amount"))
    report = check(Monitor(), learnt, features, answers(1_000, 4), raw)
    assert found(report) == {("amount", "unreadable"), ("change", "missing")}
    assert "The online stages make null of 10 % more of the values" in sentence(report.columns["amount"])
    assert report.to_json()["columns"]["change"]["unreadable"] == 0.0


def test_a_reference_in_which_values_were_unreadable_too_is_what_a_window_is_held_against():
    raw = orders(1_500, 1)
    features = raw.with_columns(pl.when(pl.int_range(pl.len()) % 8 == 0).then(None).otherwise("amount").alias("amount"))
    profile = Profile.from_json(build_profile(features, answers(1_500, 2), raw, kind="classification").to_json())
    assert profile.unreadable is not None
    assert profile.unreadable["amount"] == 188
    window = orders(1_000, 3)
    alike = window.with_columns(pl.when(pl.int_range(pl.len()) % 8 == 3).then(None).otherwise("amount").alias("amount"))
    assert check(Monitor(), profile, alike, answers(1_000, 4), window).decision == "none"


def test_a_profile_of_the_first_format_is_read_and_has_nothing_to_say_of_unreadable_values(learnt):
    older = {key: value for key, value in learnt.to_json().items() if key != "unreadable"} | {"format": 1}
    profile = Profile.from_json(older)
    window = orders(1_000, 3)
    counts = profile.count(window, answers(1_000, 4), window)
    report = judge(Monitor(), profile, counts + counts)
    assert report.decision == "none"
    assert not any(r.measure == "unreadable" for c in report.columns.values() for r in c.readings)


def truths(rows, seed, *, right, rate=0.18):
    random = np.random.default_rng(seed)
    true = random.random(rows) < rate
    given = np.where(random.random(rows) < right, true, ~true)
    return Answers([str(t) for t in true], [str(g) for g in given])


def of_truths(learnt, **asked):
    window = orders(1_000, 3)
    counts = learnt.count(window, answers(1_000, 4), window)
    return judge(Monitor(), learnt, Window(counts, answers=truths(1_000, 6, **asked)), truths(600, 5, right=0.82))


@pytest.mark.parametrize(
    ("asked", "measures"),
    [
        ({"right": 0.18}, {"quality_drop"}),
        ({"right": 0.6}, {"quality_drop"}),
        ({"right": 0.82, "rate": 0.31}, {"truth_drift"}),
        ({"right": 0.95, "rate": 0.5}, {"truth_drift"}),
        ({"right": 0.82}, set()),
        ({"right": 0.9}, set()),
    ],
)
def test_truths_alarm_by_what_they_say_of_the_answers_and_by_themselves(learnt, asked, measures):
    report = of_truths(learnt, **asked)
    assert {alert.measure for alert in report.alerts} - {"quality_drop", "truth_drift"} == set()
    assert measures <= {alert.measure for alert in report.alerts}
    assert (report.decision == "none") == (not measures)


def test_a_rare_class_that_is_no_longer_found_is_worse_though_accuracy_hardly_moved(learnt):
    def rare(rows, seed, recall):
        random = np.random.default_rng(seed)
        true = random.random(rows) < 0.02
        given = true & (random.random(rows) < recall)
        return Answers([str(t) for t in true], [str(g) for g in given])

    window = orders(1_000, 3)
    counts = learnt.count(window, answers(1_000, 4), window)
    report = judge(Monitor(), learnt, Window(counts, answers=rare(1_000, 6, 0.0)), rare(1_000, 5, 0.9))
    quality = report.columns["quality"]
    assert quality.facts["metrics"]["accuracy"]["drop"] < 0.03
    assert (quality.facts["worst"], report.alerts[0].measure) == ("macro_f1", "quality_drop")


def test_the_direction_of_quality_is_in_words_wherever_it_is_told(learnt):
    worse, better = of_truths(learnt, right=0.5), of_truths(learnt, right=0.99)
    (reading,) = worse.columns["quality"].readings
    assert figure(reading).endswith("% worse")
    assert limit(reading) == "alarm above 10 % worse"
    assert f"Answers are {figure(reading)} than on the test rows" in sentence(worse.columns["quality"])
    assert signal(worse.alerts[0]) == f"answers {figure(reading)} than on the test rows > 10 %"
    assert figure(better.columns["quality"].readings[0]).endswith("% better")
    assert "% better than those to the test rows" in sentence(better.columns["quality"])
    assert [direction(drop) for drop in (0.23, -0.23, 0.0)] == ["23 % worse", "23 % better", "as good"]


def test_an_error_that_fell_is_better_and_one_that_rose_is_worse():
    random = np.random.default_rng(1)
    x = pl.DataFrame({"x": random.normal(size=400)})
    profile = build_profile(x, x["x"].to_list(), x, kind="regression")
    counts = profile.count(x, x["x"].to_list(), x)

    def noisy(noise):
        return Answers(x["x"].to_list(), (x["x"] + random.normal(0, noise, 400)).to_list())

    for noise, word in ((0.5, "worse"), (0.05, "better")):
        report = judge(Monitor(), profile, Window(counts, answers=noisy(noise)), noisy(0.2))
        assert figure(report.columns["quality"].readings[0]).endswith(word)
        assert ("quality_drop" in report.signals) == (word == "worse")


def test_an_answer_that_fell_is_told_as_down(learnt):
    random = np.random.default_rng(1)
    x = pl.DataFrame({"x": random.normal(size=500)})
    profile = build_profile(x, x["x"].to_list(), x, kind="regression")
    report = check(Monitor(), profile, x, (x["x"] - 0.7).to_list(), x)
    assert signal(report.alerts[0]).startswith("prediction_drift of prediction 0.767 down > 0.15")


def test_one_signal_beyond_its_critical_level_asks_for_a_retraining_and_says_so(learnt):
    nulls = some(0.5, None, "amount")
    window = orders(1_000, 3).with_columns(nulls)
    asked = {"out_of_range": None, "psi": None, "spike": None}
    alone = check(Monitor(**asked), learnt, window, answers(1_000, 4), window)
    assert (alone.decision, alone.signals) == ("alarm", ("missing",))
    critical = check(Monitor(**asked, critical={"missing": 0.3}), learnt, window, answers(1_000, 4), window)
    assert (critical.decision, critical.signals) == ("retrain", ("missing",))
    assert verdict(critical) == "One signal beyond its threshold, critical: retrain"
    assert "A critical level asks for a retraining by itself." in explanation(critical)


@pytest.mark.parametrize("far", [1e308, -1e308, 1e160, 1e100, 1e52])
@pytest.mark.parametrize("side", ["truth", "answer"])
def test_one_truth_or_answer_beyond_all_others_is_much_worse_and_all_of_it_is_told_in_numbers(far, side):
    random = np.random.default_rng(1)
    x = random.normal(size=400).tolist()
    table = pl.DataFrame({"x": x})
    profile = build_profile(table, x, table, kind="regression")
    true, given = list(x), (np.array(x) + random.normal(0, 0.2, 400)).tolist()
    (true if side == "truth" else given)[7] = far
    window = Window(profile.count(table, given, table), answers=Answers(true, given))
    report = judge(Monitor(), profile, window, Answers(x, (np.array(x) + random.normal(0, 0.2, 400)).tolist()))
    assert figure(report.columns["quality"].readings[0]).endswith("worse")
    assert json.dumps(report.to_json(), allow_nan=False)
