"""Two levels of a threshold, measures that count once they have one, and the bins that the project chooses."""

import numpy as np
import polars as pl
import pytest

from slipway.monitor.check import Window, check, count_pieces, judge
from slipway.monitor.quality import Answers
from slipway.profile.count import Profile, build_profile
from slipway.profile.joint import joint_psi
from slipway.project import Monitor


def levels(report):
    return {(alert.column, alert.measure): alert.level for alert in report.alerts}


def test_a_critical_signal_asks_for_retraining_by_itself(scene, window):
    scaled = window.with_columns(pl.col("area") * 3)
    alone = {"out_of_range": None}
    assert scene.check(scaled, critical={"psi": 5.0}, **alone).decision == "alarm"
    report = scene.check(scaled, critical={"psi": 0.5}, **alone)
    assert report.decision == "retrain"
    assert levels(report) == {("area", "psi"): "critical", ("area", "spike"): "alert"}
    alert = next(alert for alert in report.to_json()["alerts"] if alert["measure"] == "psi")
    assert (alert["level"], alert["threshold"]) == ("critical", 0.5)


def test_what_is_critical_comes_first(scene, window):
    both = window.with_columns(pl.col("area") * 3, city=pl.lit("elsewhere"))
    report = scene.check(both, psi=0.2, unseen=0.05, critical={"psi": 3.0})
    assert next(iter(report.columns)) == "city"
    assert levels(report)[("city", "psi")] == "critical"
    assert levels(report)[("area", "psi")] == "alert"


@pytest.mark.parametrize(
    ("measure", "column", "change"),
    [
        ("jensen_shannon", "area", pl.col("area") * 1.6),
        ("ks", "area", pl.col("area") * 1.6),
        ("out_of_range", "area", pl.when(pl.int_range(pl.len()) % 10 == 0).then(10_000.0).otherwise("area")),
        ("vanished_share", "city", pl.col("city").replace("city 1", "city 0")),
    ],
)
def test_a_measure_counts_once_it_has_a_threshold(scene, window, measure, column, change):
    drifted = window.with_columns(change.alias(column))
    assert measure not in {m for _, m in levels(scene.check(drifted, **{measure: None}))}
    assert scene.check(drifted).columns[column].to_json()[measure] > 0.05
    assert (column, measure) in levels(scene.check(drifted, **{measure: 0.05}))


def test_every_measure_of_a_window_like_the_reference_is_small(scene, window):
    area = scene.check(window).columns["area"].to_json()
    assert area["jensen_shannon"] < 0.1
    assert area["ks"] < 0.06
    assert area["out_of_range"] < 0.01


@pytest.fixture(scope="module")
def answered():
    """Answers to rows of three classes, of which a share is right."""
    random = np.random.default_rng(9)

    def answers(rows, share):
        truths = random.choice(["a", "b", "c"], rows, p=[0.5, 0.3, 0.2])
        wrong = random.choice(["a", "b", "c"], rows)
        return Answers(truths.tolist(), np.where(random.random(rows) < share, truths, wrong).tolist())

    return answers


def judged(scene, window, answered, rows, share, **thresholds):
    counts = scene.profile.count(window, scene.answers(window.height, 77), window)
    seen = Window(counts, answers=answered(rows, share))
    return judge(Monitor(**thresholds), scene.profile, seen, answered(2_000, 0.9))


def test_worse_answers_alarm_by_how_much_worse_they_are(scene, window, answered):
    levels_of = {"quality_drop": 0.05, "critical": {"quality_drop": 0.30}}
    report = judged(scene, window, answered, 1_000, 0.75, **levels_of)
    assert levels(report) == {("quality", "quality_drop"): "alert"}
    assert levels(judged(scene, window, answered, 1_000, 0.3, **levels_of)) == {("quality", "quality_drop"): "critical"}
    metrics = report.columns["quality"].facts["metrics"]
    assert set(metrics) == {"accuracy", "precision", "recall", "f1", "macro_f1"}
    assert metrics["accuracy"]["window"] == pytest.approx(metrics["recall"]["window"])  # weighted by class, it is that


def test_better_answers_and_few_truths_are_no_alarm(scene, window, answered):
    assert not judged(scene, window, answered, 1_000, 1.0, quality_drop=0.01).alerts
    assert not judged(scene, window, answered, 12, 0.75, quality_drop=0.01).alerts


def test_without_a_threshold_quality_is_shown_alone(scene, window, answered):
    report = judged(scene, window, answered, 1_000, 0.3, quality_drop=None)
    assert report.decision == "none"
    assert report.columns["quality"].to_json()["quality_drop"] > 0.3


def test_answers_as_good_as_on_the_test_rows_rarely_alarm(scene, window, answered):
    found = [judged(scene, window, answered, 100, 0.9, quality_drop=0.0).decision for _ in range(100)]
    assert found.count("alarm") <= 5


def test_numbers_predicted_are_worse_by_their_errors():
    random = np.random.default_rng(2)
    rows = pl.DataFrame({"x": random.normal(size=500)})
    truths = (rows["x"] * 2).to_list()
    profile = build_profile(rows, truths, rows, kind="regression")

    def answers(noise):
        return Answers(truths, (np.array(truths) + random.normal(0, noise, 500)).tolist())

    counts = profile.count(rows, truths, rows)
    report = judge(Monitor(quality_drop=0.5), profile, Window(counts, answers=answers(0.4)), answers(0.2))
    assert levels(report) == {("quality", "quality_drop"): "alert"}
    assert report.alerts[0].value == pytest.approx(1.0, abs=0.15)


@pytest.mark.parametrize("is_written", [False, True])
def test_equal_width_bins_give_the_index_of_the_joint_range(is_written):
    random = np.random.default_rng(3)
    before, after = random.gamma(2, 50, 4_000), random.gamma(2, 60, 1_500)
    learnt, window = pl.DataFrame({"x": before}), pl.DataFrame({"x": after})
    profile = build_profile(learnt, [0.0, 1.0], learnt, kind="regression", keeps_sample=True)
    if is_written:
        profile = Profile.from_json(profile.to_json())
    found = check(Monitor(bins="equal-width"), profile, window, [0.0, 1.0], window).columns["x"].to_json()
    assert found["psi"] == pytest.approx(joint_psi(before, after), abs=1e-12)


def test_a_large_reference_keeps_quantiles_which_come_within_a_hundredth():
    random = np.random.default_rng(4)
    before, after = random.normal(0, 1, 60_000), random.normal(0.5, 1, 20_000)
    learnt, window = pl.DataFrame({"x": before}), pl.DataFrame({"x": after})
    exact = joint_psi(before, after)
    for keeps_sample, error in ((True, 0.01), (False, 0.05)):  # False: a profile of before bins were chosen
        profile = build_profile(learnt, [0.0, 1.0], learnt, kind="regression", keeps_sample=keeps_sample)
        found = check(Monitor(bins="equal-width"), profile, window, [0.0, 1.0], window).columns["x"].to_json()
        assert found["psi"] == pytest.approx(exact, abs=error)


def test_a_rare_category_that_becomes_common_is_not_lost_among_the_others(scene):
    shares = np.append(np.full(40, 1.0), np.full(40, 0.1))
    random = np.random.default_rng(6)

    def districts(rows, weights):
        return pl.DataFrame({"district": [f"d{i}" for i in random.choice(80, rows, p=weights / weights.sum())]})

    learnt, moved = districts(8_000, shares), districts(4_000, shares[::-1])
    profile = build_profile(learnt, ["a", "b"], learnt, kind="classification")
    psi = check(Monitor(), profile, moved, ["a", "b"], moved).columns["district"].to_json()["psi"]
    assert psi == pytest.approx(80 * 0.9 / 44 * np.log(10), rel=0.05)  # each share is 1/44 or a tenth of it


def test_a_course_shows_when_a_column_drifted(scene):
    rows = scene.rows(1_200, 5)
    late = rows.with_columns(pl.when(pl.int_range(pl.len()) >= 900).then(pl.col("area") * 4).otherwise("area"))
    answers = scene.answers(600, 1) + ["high"] * 600
    pieces = count_pieces(scene.profile, late, answers, late)
    counts = sum(pieces[1:], pieces[0])
    whole = scene.profile.count(late, answers, late)
    assert counts.columns["area"].cells.tolist() == whole.columns["area"].cells.tolist()
    columns = judge(Monitor(), scene.profile, Window(counts, pieces)).to_json()["columns"]
    psi = columns["area"]["over_time"]["psi"]
    assert len(psi) == 12
    assert max(psi[:9]) < 0.25 < min(psi[9:])
    assert columns["prediction"]["over_time"]["high"][6:] == [1.0] * 6
    assert "over_time" not in columns["id"]


def test_a_window_of_few_rows_has_no_course(scene):
    rows = scene.rows(119, 5)
    assert count_pieces(scene.profile, rows, scene.answers(119, 1), rows) == []
