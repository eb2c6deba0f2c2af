"""The budget that the documentation states: without drift an alarm in at most 5 % of windows, retraining in 1 %."""

import numpy as np
import polars as pl
import pytest

from slipway.monitor.check import judge
from slipway.profile.count import build_profile
from slipway.project import Monitor
from slipway.project.facts import SIGNALS

WINDOWS = 200
ALARMS, RETRAININGS = 0.05, 0.01
REFERENCE = 5_000

COLUMNS = {
    "normal": lambda r, n: r.normal(size=n),
    "skewed": lambda r, n: r.lognormal(0, 1.5, n),
    "heavy": lambda r, n: r.pareto(2.5, n),
    "counts": lambda r, n: r.poisson(3, n),
    "mostly zero": lambda r, n: r.exponential(1, n) * (r.random(n) < 0.3),
    "rounded": lambda r, n: r.normal(50, 20, n).round(-1),
    "often null": lambda r, n: np.where(r.random(n) < 0.1, np.nan, r.normal(size=n)),
    "flag": lambda r, n: r.random(n) < 0.02,
    "few": lambda r, n: text(r.choice(5, n, p=[0.6, 0.2, 0.1, 0.09, 0.01])),
    "forty": lambda r, n: text(r.zipf(1.3, n) % 40),
    "flat": lambda r, n: text(r.integers(0, 200, n)),
    "thousand": lambda r, n: text(r.zipf(1.2, n) % 1_000),
    "endless": lambda r, n: text(r.zipf(1.4, n) % 1_000_000),
}


def text(codes):
    return pl.Series(codes).cast(pl.String)


def table(random, rows):
    return pl.DataFrame({name: draw(random, rows) for name, draw in COLUMNS.items()}, nan_to_null=True)


def answers(random, rows, shares=(0.5, 0.35, 0.15)):
    return random.choice(["low", "medium", "high"], rows, p=shares).tolist()


def learnt(bins):
    random = np.random.default_rng(5)
    rows = table(random, REFERENCE)
    is_kept = bins == "equal-width"
    return build_profile(rows, answers(random, REFERENCE), rows, kind="classification", keeps_sample=is_kept)


@pytest.fixture(scope="module")
def profiles():
    return {bins: learnt(bins) for bins in ("deciles", "equal-width")}


def windows(profile, rows, many):
    random = np.random.default_rng(rows)
    drawn, answered = table(random, rows * many), answers(random, rows * many)
    for start in range(0, rows * many, rows):
        rows_of = drawn[start : start + rows]
        yield profile.count(rows_of, answered[start : start + rows], rows_of)


@pytest.mark.parametrize(
    ("bins", "rows", "many"),
    [
        ("deciles", 100, WINDOWS),
        ("deciles", 300, WINDOWS),
        ("deciles", 1_000, WINDOWS),
        ("deciles", 10_000, WINDOWS),
        ("equal-width", 300, 40),
    ],
)
def test_windows_without_drift_keep_the_budget_whatever_the_thresholds(profiles, bins, rows, many):
    profile = profiles[bins]
    lowest = {name: 1.0 if name == "cardinality_ratio" else 0.0 for name in SIGNALS}
    rules = {"as they are": Monitor(bins=bins), "as low as they go": Monitor(**lowest, bins=bins)}
    decisions = {name: [] for name in rules}
    for counts in windows(profile, rows, many):
        for name, monitor in rules.items():
            decisions[name].append(judge(monitor, profile, counts).decision)
    for name, found in decisions.items():
        assert np.mean([decision != "none" for decision in found]) <= ALARMS, name
        assert np.mean([decision == "retrain" for decision in found]) <= RETRAININGS, name


DRIFTS = {
    "a number scaled by a tenth of its mean": ("rounded", pl.col("rounded") + 15, "psi"),
    "a number a standard deviation on": ("normal", pl.col("normal") + 1.0, "psi"),
    "a new category in three rows of ten": (
        "few",
        pl.when(pl.int_range(pl.len()) % 10 < 3).then(pl.lit("new")).otherwise("few"),
        "psi",
    ),
    "twice as many distinct values": (
        "flat",
        pl.when(pl.int_range(pl.len()) % 2 == 0).then(pl.col("flat") + "b").otherwise("flat"),
        "cardinality_ratio",
    ),
}


@pytest.mark.parametrize("rows", [300, 1_000])
@pytest.mark.parametrize("drift", DRIFTS)
@pytest.mark.parametrize("bins", ["deciles", "equal-width"])
def test_windows_with_drift_alarm(profiles, bins, rows, drift):
    profile = profiles[bins]
    name, change, measure = DRIFTS[drift]
    random = np.random.default_rng(rows + 1)
    seen = 0
    for _ in range(20):
        drifted = table(random, rows).with_columns(change.alias(name))
        report = judge(Monitor(bins=bins), profile, profile.count(drifted, answers(random, rows), drifted))
        seen += (name, measure) in {(alert.column, alert.measure) for alert in report.alerts}
    assert seen >= 19


def test_answers_that_moved_by_a_quarter_alarm(profiles):
    profile = profiles["deciles"]
    random = np.random.default_rng(3)
    same = table(random, 300)
    moved = profile.count(same, answers(random, 300, (0.25, 0.35, 0.4)), same)
    assert judge(Monitor(), profile, moved).signals == ("prediction_drift",)
