import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.tables.column_types import TextColumn, known_texts, type_columns


def type_text(values):
    """A column of text with the type that all its values agree on, as a file's column is read."""
    column, known = TextColumn(), known_texts(values.to_frame()).to_series()
    column.see(known)
    return column.read(known)


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        (["1", "-3", None], pl.Int64),
        ([" 1", "3 "], pl.Int64),
        (["1", "2.5"], pl.Float64),
        (["1e5", ".5", "1."], pl.Float64),
        (["1.5", "nan", "?", " NA ", ""], pl.Float64),
        (["true", "false", None], pl.Boolean),
        (["True", "false"], pl.String),
        (["12345678901234567890", "1"], pl.String),
        (["-", "."], pl.String),
        (["+5"], pl.String),
        (["E5"], pl.String),
        (["5 m2"], pl.String),
        (["001", "2"], pl.String),
        ([None, None], pl.String),
        (["?", "NA"], pl.String),
    ],
)
def test_a_type_is_what_all_values_agree_on(values, dtype):
    assert type_text(pl.Series("x", values, dtype=pl.String)).dtype == dtype


@pytest.mark.parametrize(
    ("values", "read"),
    [
        (["12,5", "3"], [12.5, 3.0]),
        (["0,125", "1,234"], [0.125, 1.234]),
        (["1234,567"], [1234.567]),
        (["1,234", "12,500"], ["1,234", "12,500"]),  # thousands, or a decimal comma before three digits
        (["12,5", "1.5"], ["12,5", "1.5"]),
        (["1.234,5"], ["1.234,5"]),  # points between thousands: left to the pipeline, which says so
        (["12,5", "01,5"], ["12,5", "01,5"]),
    ],
)
def test_a_decimal_comma_is_read_where_it_can_be_nothing_else(values, read):
    assert type_text(pl.Series("x", values)).to_list() == read


def test_what_says_nothing_is_null_and_other_texts_keep_their_spaces():
    assert type_text(pl.Series("x", [" a ", "?", " N/A", "null", "none", "-"])).to_list() == [
        " a ", None, None, None, "none", "-",
    ]  # fmt: skip


def test_a_part_that_says_something_else_decides_for_all():
    parts = [pl.DataFrame({"a": ["1", "2"], "b": ["1,50", "2"]}), pl.DataFrame({"a": ["x"], "b": ["3"]})]
    found = type_columns(parts, ())
    assert found["a"].read(parts[0]["a"]).to_list() == ["1", "2"]
    assert found["b"].read(parts[1]["b"]).to_list() == [3.0]
    assert (found["a"].has_commas, found["b"].has_commas) == (False, True)


def test_a_column_that_stays_text_is_never_typed():
    column = TextColumn(stays_text=True)
    column.see(pl.Series(["1"]))
    assert column.read(pl.Series(["1"])).to_list() == ["1"]


@given(st.lists(st.integers(-(10**17), 10**17), min_size=1))
def test_integers_survive_text(values):
    assert type_text(pl.Series("x", [str(v) for v in values])).to_list() == values


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_floats_survive_text(values):
    assert type_text(pl.Series("x", [repr(v) for v in values])).cast(pl.Float64).to_list() == values
