import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from slipway.new.giveaways import giveaways

ROWS = 600
RNG = np.random.default_rng(2)
A, B, C = (RNG.normal(size=ROWS) for _ in range(3))


def said(columns, is_class, reached):
    return giveaways(pl.DataFrame(columns), "y", is_class=is_class, reached=reached)


def test_one_column_that_is_nearly_the_answer_is_named():
    grade = np.where(A > 0, "pass", "fail")
    shown = said({"points": A + RNG.normal(0, 1e-4, ROWS), "b": B, "y": grade}, True, 1.0)
    assert shown.startswith("`points` alone settles")
    assert "a leak, unless it is known before" in shown


def test_a_group_that_adds_up_to_the_target_is_named_without_the_others():
    assert said({"net": A, "tax": B, "c": C, "y": 2 * A + B}, False, 0.97).startswith("`net` and `tax` together")


def test_a_product_is_found_as_a_sum_is():
    units, price = np.exp(A), np.exp(B)
    assert said({"units": units, "price": price, "c": C, "y": units * price}, False, 0.97).startswith(
        "`units` and `price` together"
    )


def test_a_group_that_spells_the_class_out_is_named():
    kind = RNG.integers(0, 3, ROWS)
    columns = {"is_a": (kind == 0) * 1, "is_b": (kind == 1) * 1, "noise": C, "y": [f"k{k}" for k in kind]}
    shown = said(columns, True, 1.0)
    assert shown.startswith(("`is_a` and `is_b` together", "`is_b` and `is_a` together"))


def test_a_good_model_is_no_leak():
    assert said({"a": A, "b": B, "y": np.where(A + B + RNG.normal(0, 0.5, ROWS) > 0, "x", "z")}, True, 0.9) == ""
    assert said({"a": A, "b": B, "y": A + B + RNG.normal(0, 0.3, ROWS)}, False, 0.95) == ""


def test_few_rows_or_one_column_say_nothing():
    assert said({"a": A[:50], "b": B[:50], "y": A[:50] + B[:50]}, False, 1.0) == ""
    assert said({"a": A, "y": A}, False, 1.0) == ""


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000))
def test_chance_alone_is_never_named(seed):
    rng = np.random.default_rng(seed)
    columns = {"a": rng.normal(size=300), "b": rng.integers(0, 4, 300), "y": rng.integers(0, 2, 300)}
    assert said(columns, True, 1.0) == ""
