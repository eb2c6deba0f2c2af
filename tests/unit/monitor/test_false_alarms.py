"""The stated budget: without drift at most 2 % of windows alarm. What breaks in practice does."""

import importlib.util
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import NormalDist
from types import ModuleType

import numpy as np
import polars as pl
import pytest

from slipway.monitor.check import Window, judge
from slipway.monitor.quality import Answers
from slipway.profile.count import build_profile
from slipway.project import Monitor
from slipway.project.facts import SIGNALS

ROOT = Path(__file__).parents[3]
BUDGET = 0.02
WINDOWS = 500
LOWEST = {name: 1.0 if name == "cardinality_ratio" else 0.0 for name in SIGNALS} | {"mean_shift": None}
"""Every threshold at nothing; a window that is drawn as counts has no means."""
SMALL = ("a mean half a standard deviation up", "a base rate of 26 %, 18 % before", "accuracy 0.82 → 0.72")
"""What 1,000 rows do not always show."""


@pytest.fixture(scope="module")
def drawn() -> Iterator[ModuleType]:
    """The benchmark, whose columns, shifts and windows these are."""
    spec = importlib.util.spec_from_file_location("benchmark_of_the_monitor", ROOT / "benchmarks/monitor.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, spec.name, module)  # its dataclasses ask for their module
        spec.loader.exec_module(module)
        yield module


@pytest.fixture(scope="module")
def population(drawn):
    return drawn.Population(drawn.table(np.random.default_rng(5), 20_000))


@pytest.mark.parametrize("rows", [100, 300, 1_000, 10_000])
def test_of_five_hundred_windows_of_21_columns_without_drift_two_in_a_hundred_alarm_at_most(drawn, population, rows):
    assert len(drawn.COLUMNS) == 21
    alarms, _ = drawn.false_alarms(population, rows, WINDOWS, monitor=Monitor(), has_truths=False)
    assert alarms <= BUDGET


@pytest.mark.parametrize(("rows", "reference"), [(100, 300), (1_000, 1_000)])
def test_truths_and_a_small_reference_keep_the_budget_too(drawn, population, rows, reference):
    alarms, _ = drawn.false_alarms(population, rows, 50, monitor=Monitor(), has_truths=True, reference=reference)
    assert alarms <= BUDGET


def test_the_budget_holds_with_every_threshold_at_nothing(drawn, population):
    alarms, _ = drawn.false_alarms(population, 1_000, 100, monitor=Monitor(**LOWEST), has_truths=False)
    assert alarms <= BUDGET


def test_bins_of_equal_width_keep_the_budget(drawn, population):
    random = np.random.default_rng(4)
    profile = population.profile(random, keeps_sample=True)
    alarms = 0
    for _ in range(20):
        window = population.rows[random.integers(0, population.rows.height, 300)]
        counts = profile.count(window, drawn.given(random, 300), window)
        alarms += judge(Monitor(bins="equal-width"), profile, counts).decision != "none"
    assert alarms <= 1


@pytest.mark.parametrize("draw", ["lognormal", "pareto", "standard_cauchy"])
def test_answers_and_errors_with_a_heavy_tail_keep_the_budget(draw):
    random = np.random.default_rng(8)
    shape = {"lognormal": (0, 1.5), "pareto": (1.2,), "standard_cauchy": ()}[draw]

    def values(rows):
        return getattr(random, draw)(*shape, size=rows)

    def answers(rows):
        given = values(rows)
        return Answers((given + values(rows)).tolist(), given.tolist())

    alarms = 0
    for _ in range(25):
        tested, x = answers(300), pl.DataFrame({"x": random.normal(size=300)})
        profile = build_profile(x, tested.predictions, x, kind="regression")
        for _ in range(4):
            seen, window = answers(400), pl.DataFrame({"x": random.normal(size=400)})
            counts = profile.count(window, seen.predictions, window)
            alarms += judge(Monitor(), profile, Window(counts, answers=seen), tested).decision != "none"
    assert alarms <= 4  # of 100; 2 are allowed, and 4 are chance once in twenty where 2 are the rule


def test_what_breaks_in_practice_alarms_in_a_window_of_a_thousand_rows(drawn, population):
    seen = {shift: drawn.power(population, shift, 1_000, 5) for shift in (*drawn.ROWS, *drawn.TRUTHS)}
    missed = {shift: share for shift, share in seen.items() if share < 1 and shift not in SMALL}
    assert set(missed) <= {"a base rate of 31 %, 18 % before"}  # held against the truths of 500 test rows
    assert seen["a base rate of 31 %, 18 % before"] >= 0.6


def test_each_measure_that_can_alarm_has_its_share_of_the_budget(drawn, population):
    """A measure that alarms and is not counted among the looks would be chance beyond the budget."""
    random = np.random.default_rng(6)
    profile, answers = population.profile(random), drawn.answered(random, 200)
    window = population.rows[:200]
    counts = profile.count(window, drawn.given(random, 200), window)
    every = Monitor(**dict.fromkeys(SIGNALS, 1.0))
    report = judge(every, profile, Window(counts, answers=answers), answers)
    readings = [reading for column in report.columns.values() for reading in column.readings]
    # What fell can't alarm in this window, but counts: it could have risen.
    rises = ("missing", "unreadable", "quality_drop")
    held = [r for r in readings if r.threshold is not None or r.measure in rises]
    psi = next(reading for reading in report.columns["area"].readings if reading.measure == "psi")
    n, m, bins = profile.rows, counts.rows, 10
    # Wilson and Hilferty's quantile of the index, at an equal share of 2 % for each measure with a threshold.
    spread = 2 / (9 * (bins - 1))
    z = NormalDist().inv_cdf(1 - BUDGET / len(held))
    limit = (bins - 1) * (1 / n + 1 / m) * (1 - spread + z * spread**0.5) ** 3
    assert len(held) > 100
    assert psi.by_chance == pytest.approx(limit, rel=0.01)


def test_the_tables_of_the_page_are_those_of_the_benchmark(drawn):
    page = (ROOT / "docs/monitor.md").read_text(encoding="utf-8")
    power, budget = (
        re.search(f"<!-- {name}: benchmarks/monitor.py -->\n(.*?)\n<!-- end of {name} -->", page, re.DOTALL)[1]
        for name in ("power", "budget")
    )
    head = drawn.HEAD.format("windows that alarm").splitlines()
    assert power.splitlines()[:2] == head
    assert [line.split(" | ")[0][2:] for line in power.splitlines()[2:]] == [*drawn.ROWS, *drawn.TRUTHS]
    figures = [cell for line in power.splitlines()[2:] for cell in line.strip("| ").split(" | ")[1:]]
    assert all(re.fullmatch(r"\d{1,3} %", figure) for figure in figures)
    without = [cell for line in budget.splitlines()[2:] for cell in line.strip("| ").split(" | ")[1:]]
    assert len(without) == 4 * 3
    assert all(re.fullmatch(r"[01]\.\d\d %", figure) for figure in without)
    assert drawn.written(page, {"power": power, "budget": budget}) == page
