from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.errors import DataError
from slipway.pipeline.tables import read_table, type_text, write_table


def read(tmp_path: Path, text: str | bytes) -> pl.DataFrame:
    path = tmp_path / "table.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_table(path)


def test_a_code_with_leading_zeros_stays_text(tmp_path):
    table = read(tmp_path, "code,rooms\n001,1\n2,2\n")
    assert table["code"].to_list() == ["001", "2"]
    assert table["rooms"].to_list() == [1, 2]


def test_the_last_row_of_a_long_column_decides_as_much_as_the_first(tmp_path):
    rows = "\n".join(["n", *map(str, range(5_000)), "unknown"])
    assert read(tmp_path, rows)["n"].dtype == pl.String


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        (["1", "-3", None], pl.Int64),
        (["1", "2.5"], pl.Float64),
        (["1e5", ".5", "1."], pl.Float64),
        (["1.5", "nan"], pl.Float64),
        (["true", "false", None], pl.Boolean),
        (["True", "false"], pl.String),
        (["12345678901234567890", "1"], pl.String),
        (["-", "."], pl.String),
        (["+5"], pl.String),
        (["E5"], pl.String),
        (["5 m2"], pl.String),
        (["1,5"], pl.String),
        ([None, None], pl.String),
    ],
)
def test_a_type_is_what_all_values_agree_on(values, dtype):
    assert type_text(pl.Series("x", values, dtype=pl.String)).dtype == dtype


@given(st.lists(st.integers(-(10**17), 10**17), min_size=1))
def test_integers_survive_text(values):
    assert type_text(pl.Series("x", [str(v) for v in values])).to_list() == values


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_floats_survive_text(values):
    assert type_text(pl.Series("x", [repr(v) for v in values])).cast(pl.Float64).to_list() == values


def test_empty_is_null_quoted_or_not(tmp_path):
    table = read(tmp_path, 'a,b,c\n1,,x\n,"",y\n')
    assert table["a"].to_list() == [1, None]
    assert table["b"].to_list() == [None, None]


def test_nan_in_a_column_of_numbers_is_null(tmp_path):
    assert read(tmp_path, "a,b\n1.5,x\nnan,y\n")["a"].to_list() == [1.5, None]


def test_a_semicolon_or_a_byte_order_mark_is_no_obstacle(tmp_path):
    assert read(tmp_path, b"\xef\xbb\xbfa;b\n1;x\n").columns == ["a", "b"]


def test_the_index_that_pandas_writes_gets_a_name(tmp_path):
    table = read(tmp_path, ",a\n0,x\n1,y\n")
    assert table.to_dict(as_series=False) == {"column_1": [0, 1], "a": ["x", "y"]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n1,2,3\n", "line 3: 3 values, the header names 2 columns"),
        ("a,a\n1,2\n", "line 1: two columns are named `a`"),
        ("", "empty: expected the columns' names"),
        (b"a,b\n1,x\n2,\xff\n", "line 3: not UTF-8"),
    ],
)
def test_a_file_that_is_wrong_is_named_with_its_line(tmp_path, text, message):
    with pytest.raises(DataError, match=message) as refused:
        read(tmp_path, text)
    assert "table.csv" in str(refused.value)


def test_what_is_no_table_is_refused(tmp_path):
    with pytest.raises(DataError, match="there is no such file"):
        read_table(tmp_path / "none.csv")
    (tmp_path / "a.xlsx").write_text("")
    with pytest.raises(DataError, match=r"a \.csv or a \.parquet file, not '\.xlsx'"):
        read_table(tmp_path / "a.xlsx")
    (tmp_path / "a.parquet").write_text("no")
    with pytest.raises(DataError, match=r"a\.parquet: can't be read as Parquet"):
        read_table(tmp_path / "a.parquet")


@pytest.mark.parametrize("name", ["t.parquet", "t.csv"])
def test_the_same_table_gives_the_same_bytes_and_comes_back(tmp_path, name):
    table = pl.DataFrame({"a": [1, None], "b": ["x", None], "c": [0.5, 1.0]})
    write_table(table, tmp_path / "one" / name)
    write_table(table, tmp_path / "two" / name)
    assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    assert read_table(tmp_path / "one" / name).equals(table)


def test_a_name_that_polars_takes_for_a_pattern_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"column `\^a\.\*\$`.*Rename it"):
        read(tmp_path, "^a.*$,b\n1,2\n")
    pl.DataFrame({"^a.*$": [1]}).write_parquet(tmp_path / "table.parquet")
    with pytest.raises(DataError, match="Rename it"):
        read_table(tmp_path / "table.parquet")


def test_a_folder_is_no_table(tmp_path):
    with pytest.raises(DataError, match="this is a folder"):
        read_table(tmp_path)
