from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.profile.columns import NumberColumn, TextColumn, describe


def numbers(values):
    column = describe(pl.Series("x", values))
    assert isinstance(column, NumberColumn)
    return column


def texts(values, **options):
    column = describe(pl.Series("x", values), **options)
    assert isinstance(column, TextColumn)
    return column


def test_a_continuous_column_has_deciles_with_open_ends():
    column = numbers(np.random.default_rng(0).normal(size=10_000))
    assert len(column.bounds) == 9
    shares = column.bins(column.counts) / 10_000
    assert shares == pytest.approx(np.full(10, 0.1), abs=0.001)
    far = column.count(pl.Series("x", [-1e9, 1e9, float("inf"), float("-inf")]))
    assert column.bins(far).tolist() == [2, 0, 0, 0, 0, 0, 0, 0, 0, 2]


def test_a_constant_has_a_cell_for_itself_and_one_on_either_side():
    column = numbers([5.0] * 40)
    assert column.bins(column.counts).tolist() == [0, 40, 0]
    assert column.bins(column.count(pl.Series("x", [5.0, 7.0, 4.0, 7.5]))).tolist() == [1, 1, 2]


def test_few_values_have_a_cell_each():
    column = numbers([1, 1, 2, 3, 3, 3])
    assert column.values == (1.0, 2.0, 3.0)
    assert column.bins(column.counts).tolist() == [0, 2, 0, 1, 0, 3, 0]
    assert column.bins(column.count(pl.Series("x", [2.5, 3.0]))).tolist() == [0, 0, 0, 0, 1, 1, 0]


def test_a_value_that_holds_several_deciles_is_a_bin_by_itself():
    rng = np.random.default_rng(1)
    column = numbers(np.concatenate((np.zeros(600), rng.exponential(size=400))))
    at_zero = column.bins(column.count(pl.Series("x", [0.0] * 7)))
    below_zero = column.bins(column.count(pl.Series("x", [-0.1] * 7)))
    assert sorted(at_zero.tolist())[-1] == 7
    assert not np.array_equal(at_zero, below_zero)


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True, width=64), min_size=1, max_size=200))
def test_every_row_is_counted_once_whatever_it_is(values):
    column = describe(pl.Series("x", values, dtype=pl.Float64))
    assert isinstance(column, NumberColumn)
    counted = column.count(pl.Series("x", values, dtype=pl.Float64))
    assert int(counted.cells.sum()) + counted.nulls == len(values)
    assert int(column.bins(counted).sum()) == int(counted.cells.sum())
    assert np.isfinite([counted.total, counted.squares, column.centre]).all()
    assert np.isfinite(column.edges).all()
    assert (column.edges[1:] > column.edges[:-1]).all()  # a difference of two may be more than a float holds


def test_moments_are_those_of_the_values():
    values = np.random.default_rng(2).normal(1e6, 3.0, 5_000)
    column = numbers(values)
    moments = column.moments(column.counts)
    assert moments.n == 5_000
    assert moments.mean == pytest.approx(values.mean())
    assert moments.std == pytest.approx(values.std())


def test_nan_and_text_that_is_no_number_count_as_null():
    column = numbers([1.0, 2.0, 3.0])
    assert column.count(pl.Series("x", [1.0, float("nan"), None])).nulls == 2
    assert column.count(pl.Series("x", ["1", "one", None])).nulls == 2


def test_the_rest_of_the_categories_share_a_bin_with_unseen_ones():
    column = texts([f"c{i:02}" for i in range(30) for _ in range(100 - i)])
    assert column.top == tuple(f"c{i:02}" for i in range(25))
    bins = column.bins(column.count(pl.Series("x", ["c00", "c00", "c29", "new", None])).values)
    assert bins[0] == 2
    assert bins[-1] == 2
    assert bins.sum() == 4
    assert column.reference_bins().sum() == column.n


def test_near_unique_texts_look_like_ids_and_are_not_kept():
    column = texts([f"user {i}" for i in range(100)])
    assert column.flag == "id"
    assert column.categories == {}
    assert column.distinct == 100


def test_whole_numbers_that_never_repeat_look_like_ids_and_measured_ones_do_not():
    assert numbers(list(range(500))).flag == "id"
    assert numbers(np.random.default_rng(0).normal(size=500)).flag is None
    assert numbers([*range(500), 3]).flag is None


@pytest.mark.parametrize("values", [["2022-02", "2021-12"], ["2022-02-01"], ["01.02.2022"], ["2022-02-01 10:00:00"]])
def test_texts_that_read_as_dates_are_clocks(values):
    assert texts(values * 10).flag == "clock"


def test_texts_with_digits_are_not_clocks():
    assert texts(["160 m2", "5-10", "11-15"] * 10).flag is None


def test_dates_are_clocks_and_so_is_what_the_project_names():
    day = date(2024, 1, 1)
    column = numbers([day + timedelta(days=i) for i in range(50)])
    assert (column.type, column.flag) == ("time", "clock")
    assert column.count(pl.Series("x", [day])).n == 1
    assert texts(["spring", "autumn"], is_clock=True).flag == "clock"


def test_booleans_are_categories():
    column = texts([True, False, True, None])
    assert (column.type, dict(column.categories), column.nulls) == ("boolean", {"true": 2, "false": 1}, 1)


def test_a_nested_column_is_counted_for_nulls_alone():
    column = texts([[1, 2], None, [3]])
    counted = column.count(pl.Series("x", [None, None, [1]], dtype=pl.List(pl.Int64)))
    assert (column.type, counted.values, counted.nulls) == ("other", {}, 2)
