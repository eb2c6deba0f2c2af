import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from slipway.new.leaks import suspects
from slipway.new.target import judge_target

ROWS = 400
RNG = np.random.default_rng(11)
PRICE = np.exp(RNG.normal(12, 0.6, ROWS))
AREA = PRICE**0.7 * np.exp(RNG.normal(0, 0.3, ROWS))
CLASS = np.digitize(PRICE, np.quantile(PRICE, [0.4, 0.8]))
NAMES = np.array(["low", "medium", "high"])[CLASS]


def found(columns, target):
    table = pl.DataFrame(columns)
    return suspects(table, judge_target(table, target))


def test_the_target_under_another_name_is_found_whichever_is_the_target():
    columns = {"area": AREA, "category": CLASS, "category_name": NAMES}
    assert set(found(columns, "category")) == {"category_name"}
    assert set(found(columns, "category_name")) == {"category"}
    assert found(columns, "category")["category_name"].is_sure


def test_it_is_found_under_a_few_wrong_entries():
    dirty = CLASS.copy()
    dirty[:1] = 2 - dirty[:1]
    assert found({"area": AREA, "copy": dirty, "y": NAMES}, "y")["copy"].is_sure


def test_the_number_that_classes_were_cut_from_is_found():
    verdict = found({"area": AREA, "price": PRICE, "band": NAMES}, "band")
    assert set(verdict) == {"price"}
    assert verdict["price"].is_sure


def test_a_finer_text_that_settles_the_class_is_found():
    finer = [f"{name} {i % 4}" for i, name in enumerate(NAMES)]
    assert found({"area": AREA, "finer": finer, "band": NAMES}, "band")["finer"].is_sure


def test_a_column_filled_in_for_one_class_alone_is_found():
    left = np.where(CLASS == 0, "yes", "no")
    date = [f"2022-01-{1 + i % 28:02}" if gone == "yes" else None for i, gone in enumerate(left)]
    assert "filled in" in found({"area": AREA, "cancelled": date, "left": left}, "left")["cancelled"].why


def test_the_target_in_another_unit_and_its_bands_are_found():
    verdict = found(
        {"area": AREA, "euros": PRICE * 0.93, "rank": PRICE.argsort().argsort(), "band": CLASS, "y": PRICE}, "y"
    )
    assert set(verdict) == {"euros", "rank", "band"}
    assert all(v.is_sure for v in verdict.values())


def test_an_honest_line_with_noise_is_no_leak():
    x = np.linspace(0, 20, 100)
    assert found({"x": x, "y": 2 * x + 1 + np.random.RandomState(42).normal(0, 0.5, 100)}, "y") == {}


def test_strong_honest_columns_stay():
    strong = np.where(RNG.random(ROWS) < 0.97, CLASS, RNG.integers(0, 3, ROWS))
    assert found({"area": AREA, "strong": strong, "y": NAMES}, "y") == {}


def test_a_rule_in_made_up_data_is_kept_and_said_when_nothing_else_tells():
    income = RNG.uniform(0, 100, ROWS)
    verdict = found({"noise": RNG.normal(size=ROWS), "income": income, "poor": income < 30}, "poor")
    assert set(verdict) == {"income"}
    assert not verdict["income"].is_sure
    assert "kept" in verdict["income"].why


def test_few_rows_prove_nothing():
    assert found({"a": ["x", "y"] * 6, "y": ["x", "y"] * 6}, "y") == {}


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 5), st.booleans())
def test_columns_of_chance_are_never_found(seed, classes, with_nulls):
    rng = np.random.default_rng(seed)
    text = [None if with_nulls and i % 7 == 0 else f"t{v}" for i, v in enumerate(rng.integers(0, 15, 300))]
    columns = {"a": rng.normal(size=300), "b": rng.integers(0, 4, 300), "c": text, "y": rng.integers(0, classes, 300)}
    columns["y"][:classes] = np.arange(classes)
    assert found(columns, "y") == {}
