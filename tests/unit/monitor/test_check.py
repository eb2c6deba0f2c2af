import json

import numpy as np
import polars as pl
import pytest

from slipway.errors import DataError
from slipway.monitor.check import check, judge
from slipway.profile.count import build_profile
from slipway.project import Monitor


def alerts(report):
    return {(alert.column, alert.measure) for alert in report.alerts}


def test_a_window_like_the_reference_has_no_alert(scene, window):
    report = scene.check(window)
    assert (report.decision, report.alerts, report.rows) == ("none", (), 1_000)


@pytest.mark.parametrize("many", [100, 300, 1_000])
def test_windows_without_drift_rarely_alarm(scene, many):
    thresholds = {"missing": 0.05, "unseen": 0.05, "mean_shift": 0.15}
    windows = [(scene.rows(many, 1_000 + seed), scene.answers(many, 2_000 + seed)) for seed in range(100)]
    alarms = [bool(scene.check(w, p, **thresholds).alerts) for w, p in windows]
    assert sum(alarms) <= 3


def test_a_regression_without_drift_rarely_alarms():
    rng = np.random.default_rng(8)
    reference = pl.DataFrame({"x": rng.normal(size=2_000)})
    profile = build_profile(reference, (reference["x"] * 2).to_list(), reference, kind="regression")
    alarms = 0
    for _ in range(100):
        window = pl.DataFrame({"x": rng.normal(size=100)})
        alarms += bool(check(Monitor(), profile, window, (window["x"] * 2).to_list(), window).alerts)
    assert alarms <= 2


def test_a_scaled_number_is_an_alarm_and_one_signal_however_many_columns_it_hits(scene, window):
    report = scene.check(window.with_columns(pl.col("area") * 1.8, rooms=pl.lit(2)))
    assert report.decision == "alarm"
    # The index of one value against all others is no second signal beside the column's own.
    assert alerts(report) == {("area", "psi"), ("area", "spike"), ("rooms", "psi"), ("rooms", "spike")}
    assert report.signals == ("psi",)


def test_two_different_signals_ask_for_retraining(scene, window):
    report = scene.check(window.with_columns(pl.col("area") * 1.8), ["high"] * 1_000)
    assert report.decision == "retrain"
    assert set(report.signals) == {"psi", "prediction_drift"}
    assert scene.check(window, ["high"] * 1_000, signals_to_retrain=1).decision == "retrain"


def test_a_new_category_alarms_by_its_rows_and_by_the_shape_of_the_column(scene, window):
    new = pl.when(pl.int_range(pl.len()) < 300).then(pl.lit("elsewhere")).otherwise("city")
    assert set(scene.check(window.with_columns(city=new), unseen=None).signals) == {"psi"}
    report = scene.check(window.with_columns(city=new))
    assert alerts(report) == {("city", "psi"), ("city", "spike"), ("city", "unseen")}
    assert report.columns["city"].facts["spike_at"] == {
        "value": "elsewhere", "window": pytest.approx(0.3), "reference": 0.0
    }  # fmt: skip
    city = report.to_json()["columns"]["city"]
    assert city["unseen"] == pytest.approx(0.3)
    assert city["unseen_examples"] == ["elsewhere"]


def test_a_vanished_category_is_named(scene, window):
    report = scene.check(window.filter(pl.col("city") != "city 1"))
    assert report.to_json()["columns"]["city"]["vanished"] == ["city 1"]
    assert ("city", "psi") in alerts(report)


def test_many_more_distinct_values_pass_the_cardinality_ratio(scene, window):
    street = pl.format("street {}", pl.int_range(pl.len()) + 100_000)
    report = scene.check(
        window.with_columns(street=pl.when(pl.int_range(pl.len()) < 600).then(street).otherwise("street"))
    )
    assert ("street", "cardinality_ratio") in alerts(report)


@pytest.mark.parametrize(
    ("measure", "change"),
    [
        ("missing", pl.when(pl.int_range(pl.len()) % 5 > 0).then("area").alias("area")),
        ("mean_shift", (pl.col("area") + 20).alias("area")),
    ],
)
def test_a_shown_measure_becomes_a_signal_by_a_threshold(scene, window, measure, change):
    assert measure not in {m for _, m in alerts(scene.check(window.with_columns(change), missing=None))}
    report = scene.check(window.with_columns(change), **{measure: 0.1})
    assert ("area", measure) in alerts(report)


def test_unseen_becomes_a_signal_by_a_threshold(scene, window):
    new = pl.when(pl.int_range(pl.len()) < 100).then(pl.lit("elsewhere")).otherwise("city")
    assert ("city", "unseen") in alerts(scene.check(window.with_columns(city=new), unseen=0.05))


def test_missing_is_measured_on_raw_rows_and_nulls_on_features(scene, window):
    raw = window.with_columns(area=pl.when(pl.int_range(pl.len()) < 200).then(None).otherwise("area"))
    report = check(Monitor(missing=0.1), scene.profile, window, scene.answers(1_000, 1), raw)
    area = report.to_json()["columns"]["area"]
    assert (area["missing"], area["nulls"]) == (pytest.approx(0.2), 0.0)
    assert alerts(report) == {("area", "missing")}


def test_a_raw_column_that_the_model_never_sees_can_still_go_missing():
    reference = pl.DataFrame({"x": [1.0, 2.0, 3.0, 4.0] * 50})
    raw = reference.with_columns(note=pl.lit("n"))
    profile = build_profile(reference, [0.0, 1.0] * 100, raw, kind="regression")
    gone = raw.with_columns(note=pl.lit(None, dtype=pl.String))
    report = check(Monitor(missing=0.5), profile, reference, [0.0, 1.0] * 100, gone)
    assert alerts(report) == {("note", "missing")}


def test_clocks_and_ids_are_flagged_and_never_alarm(scene, window):
    later = window.with_columns(month=pl.lit("2025-01"), id=pl.col("id") + 1_000_000)
    report = scene.check(later, missing=0.1)
    assert report.alerts == ()
    columns = report.to_json()["columns"]
    assert (columns["month"]["flag"], columns["id"]["flag"]) == ("clock", "id")
    assert columns["month"]["psi"] > 1


def test_a_column_named_as_a_clock_later_does_not_alarm(scene, window):
    scaled = window.with_columns(pl.col("area") * 3)
    assert scene.check(scaled).alerts
    assert not scene.check(scaled, clocks=("area",)).alerts


def test_a_small_window_says_so_and_never_alarms(scene, window):
    report = scene.check(window.head(99).with_columns(pl.col("area") * 100), ["high"] * 99)
    assert (report.decision, report.alerts) == ("too small", ())
    assert report.to_json()["columns"]["area"]["psi"] > 1


def test_an_empty_window_is_too_small(scene, window):
    report = scene.check(window.head(0))
    assert (report.decision, report.rows) == ("too small", 0)
    json.dumps(report.to_json(), allow_nan=False)


def test_a_constant_that_changes_is_an_alarm_and_one_that_stays_is_not():
    reference = pl.DataFrame({"k": [5] * 300})
    profile = build_profile(reference, ["a", "b"] * 150, reference, kind="classification")
    stays = check(Monitor(), profile, reference, ["a", "b"] * 150, reference)
    assert stays.decision == "none"
    assert stays.columns["k"].readings[0].value == pytest.approx(0.0)
    moved = reference.with_columns(k=pl.lit(6))
    found = alerts(check(Monitor(), profile, moved, ["a", "b"] * 150, moved))
    assert found == {("k", "psi"), ("k", "spike"), ("k", "out_of_range")}


def test_numbers_predicted_are_compared_by_their_mean():
    reference = pl.DataFrame({"x": np.random.default_rng(0).normal(size=1_000)})
    profile = build_profile(reference, reference["x"].to_list(), reference, kind="regression")
    report = check(Monitor(), profile, reference, (reference["x"] + 0.5).to_list(), reference)
    assert alerts(report) == {("prediction", "prediction_drift")}
    assert report.alerts[0].value == pytest.approx(0.5, abs=0.02)


def test_a_column_without_any_value_has_nothing_to_compare(scene, window):
    report = scene.check(window.with_columns(area=pl.lit(None, dtype=pl.Float64)))
    assert report.to_json()["columns"]["area"]["psi"] is None
    json.dumps(report.to_json(), allow_nan=False)


def test_json_has_the_keys_of_the_contract(scene, window):
    found = scene.check(window.with_columns(pl.col("area") * 1.8), ["high"] * 1_000).to_json()
    assert set(found) == {"decision", "rows", "alerts", "columns"}
    assert all(set(alert) == {"column", "measure", "value", "threshold", "level"} for alert in found["alerts"])
    assert {"psi", "psi_without_drift"} <= set(found["columns"]["area"])
    assert "prediction_drift" in found["columns"]["prediction"]
    assert set(found["columns"]) == {*window.columns, "prediction"}
    for alert in found["alerts"]:
        assert alert["value"] == found["columns"][alert["column"]][alert["measure"]]
    json.dumps(found, allow_nan=False)


def test_the_worst_column_comes_first(scene, window):
    report = scene.check(window.with_columns(pl.col("area") * 1.5, city=pl.lit("elsewhere")))
    assert next(iter(report.columns)) == "city"
    assert list(dict.fromkeys(alert.column for alert in report.alerts)) == ["city", "area"]


def test_a_feature_called_prediction_does_not_hide_the_predictions():
    t = pl.DataFrame({"prediction": np.random.default_rng(0).normal(size=200)})
    profile = build_profile(t, ["a", "b"] * 100, t, kind="classification")
    found = check(Monitor(), profile, t, ["a", "b"] * 100, t).to_json()["columns"]
    assert "prediction_drift" in found["prediction"]
    assert "psi" in found["prediction (feature)"]


def test_windows_counted_apart_are_judged_together(scene, window):
    p = scene.answers(1_000, 5)
    first, second = window.head(50), window.tail(950)
    counts = scene.profile.count(first, p[:50], first) + scene.profile.count(second, p[50:], second)
    apart, together = judge(Monitor(), scene.profile, counts), scene.check(window, p)
    assert apart.decision == together.decision
    assert apart.columns["area"].readings[0].value == together.columns["area"].readings[0].value


def test_a_window_that_lacks_a_column_is_refused(scene, window):
    with pytest.raises(DataError, match="no column `city`"):
        scene.check(window.drop("city"))
