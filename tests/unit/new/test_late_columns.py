import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slipway.new.giveaways import warnings_of_leaks

ROWS = 1_200
RNG = np.random.default_rng(9)
X = RNG.normal(size=ROWS)
CHURNED = X + RNG.normal(size=ROWS) > 0.8
Y = np.where(CHURNED, "gone", "there")
TEXTS = np.array([f"reason {k}" for k in RNG.integers(0, 9, ROWS)], dtype=object)


def where(marks, values=TEXTS):
    """The values in the marked rows, and null in the others."""
    return pl.Series([value if mark else None for value, mark in zip(values.tolist(), marks, strict=True)])


def chance(share):
    return RNG.random(ROWS) < share


def said(columns, is_class=True, moments=(), y=Y):
    table = pl.DataFrame({"x": X, **columns, "y": y})
    return warnings_of_leaks(table, "y", is_class=is_class, reached=0.9, moments=moments)


@pytest.mark.parametrize(
    ("columns", "named"),
    [
        ({"left_on": where((CHURNED & chance(0.95)) | chance(0.01), RNG.uniform(0, 9, ROWS))}, "left_on"),
        ({"refund": where(CHURNED & chance(0.2))}, "refund"),  # filled seldom, and for one class alone
        ({"renewed": where(~CHURNED & chance(0.5))}, "renewed"),
        ({"last_call": where(~(CHURNED & chance(0.3)), RNG.uniform(0, 9, ROWS))}, "last_call"),  # empty for one class
        ({"code": where(chance(0.5), np.where(CHURNED ^ chance(0.02), "K1", "B2").astype(object))}, "code"),
        ({"fee": np.where(CHURNED & chance(0.95), RNG.uniform(1, 9, ROWS).round(1), 0.0)}, "fee"),
    ],
)
def test_a_column_that_is_filled_once_the_outcome_is_known_is_named(columns, named):
    (warning,) = said(columns)
    assert warning.startswith(f"`{named}` ")
    assert warning.endswith("a leak, unless it is known before the answer is asked for.")


def test_columns_that_tell_it_together_by_which_of_them_are_filled_are_named_together():
    part = RNG.integers(0, 3, ROWS)
    columns = {
        f"letter_{k}": where((CHURNED & (part == k) & chance(0.96)) | chance(0.015)) for k in range(3)
    }  # each is filled for a third of those who left, and by mistake for some others
    warnings = said(columns)
    assert all(any(f"`{name}`" in warning for warning in warnings) for name in columns)
    assert "together" in warnings[0] or "Which of" in warnings[0]


def test_two_moments_that_lie_apart_as_the_target_says_are_named():
    due = RNG.uniform(19_000, 20_000, ROWS)
    paid = due + np.where(CHURNED, 1, -1) * RNG.uniform(0.5, 9, ROWS)
    (warning,) = said({"due": due, "paid": paid}, moments=("due", "paid"))
    assert warning.startswith("How far `due` and `paid` lie apart all but tells `y`")


def test_a_number_to_predict_is_told_by_being_filled_too():
    loss = np.where(CHURNED, 900 + 50 * X, 100 + 50 * X)
    (warning,) = said({"closed": where(CHURNED)}, is_class=False, y=loss)
    assert warning.startswith("`closed` is filled in")


def test_honest_columns_are_not_named_however_strong():
    strong = X + RNG.normal(scale=0.1, size=ROWS)
    target = np.where(X + RNG.normal(scale=0.3, size=ROWS) > 0.5, "gone", "there")
    columns = {
        "strong": where(chance(0.6), strong),  # missing by chance
        "income": where(chance(np.where(target == "gone", 0.7, 0.45)), RNG.normal(size=ROWS)),  # missing tells a little
        "cabin": where(chance(np.where(target == "gone", 0.6, 0.1))),
        "visits": RNG.poisson(0.7, ROWS) * RNG.integers(1, 9, ROWS),
        "since": RNG.uniform(0, 9, ROWS),
        "until": RNG.uniform(9, 12, ROWS) + 0.5 * X,
    }
    assert said(columns, y=target, moments=("since", "until")) == []


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.02, 0.98), st.integers(2, 5))
def test_columns_that_are_empty_by_chance_are_never_named(seed, share, classes):
    rng = np.random.default_rng(seed)
    rows = 600
    columns = {
        f"c{k}": pl.Series([float(v) if rng.random() < share else None for v in rng.integers(0, 20, rows)])
        for k in range(6)
    }
    table = pl.DataFrame({**columns, "y": rng.integers(0, classes, rows)})
    assert warnings_of_leaks(table, "y", is_class=True, reached=0.5) == []
