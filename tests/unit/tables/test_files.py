import csv
import io
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slipway.errors import DataError
from slipway.tables import csv_rows
from slipway.tables.column_types import NOTHING
from slipway.tables.csv_dialect import sniff
from slipway.tables.csv_rows import escaped_quote_line, read_csv
from slipway.tables.files import column_names, read_parts, read_table, write_table
from slipway.tables.many_files import read_files


def read(tmp_path: Path, text: str | bytes, **how: object) -> pl.DataFrame:
    path = tmp_path / "table.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_table(path, **how)


def test_a_code_with_leading_zeros_stays_text(tmp_path):
    table = read(tmp_path, "code,rooms\n001,1\n2,2\n")
    assert table["code"].to_list() == ["001", "2"]
    assert table["rooms"].to_list() == [1, 2]


def test_the_last_row_of_a_long_column_decides_as_much_as_the_first(tmp_path):
    rows = "\n".join(["n", *map(str, range(5_000)), "unknown"])
    assert read(tmp_path, rows)["n"].dtype == pl.String


def test_empty_is_null_quoted_or_not(tmp_path):
    table = read(tmp_path, 'a,b,c\n1,,x\n,"",y\n')
    assert table["a"].to_list() == [1, None]
    assert table["b"].to_list() == [None, None]


def test_a_column_that_a_model_learnt_as_text_is_read_as_text(tmp_path):
    text = "version,on,n\n1.50,True,1\n1.10,False,2\n"
    assert read(tmp_path, text)["version"].to_list() == [1.5, 1.1]
    table = read(tmp_path, text, stay_text={"version", "on", "absent"})
    assert table.row(0) == ("1.50", "True", 1)


def test_a_word_that_is_read_as_null_elsewhere_says_something_where_that_is_told(tmp_path):
    text = "region,city\nNA,NA\n?,Graz\n NA ,Linz\nEU,\n"
    assert read(tmp_path, text)["region"].to_list() == [None, None, None, "EU"]
    table = read(tmp_path, text, literal={"region": ["NA"], "absent": ["NA"]})
    assert table.to_dict(as_series=False) == {
        "region": ["NA", None, "NA", "EU"],
        "city": [None, "Graz", "Linz", None],
    }
    path = tmp_path / "table.csv"
    assert pl.concat(read_parts(path, literal={"region": ["NA"]})).equals(table)
    assert read_files([path, path], {"region": ["NA"]})["region"].to_list() == table["region"].to_list() * 2


def test_words_that_are_read_as_null_are_counted(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,b,c\nNA,1,x\n na,?,\n NA,2,y\n,null,z\n")
    assert read_csv(path).words == {"a": {"NA": 2}, "b": {"?": 1, "null": 1}}


def test_the_index_that_pandas_writes_gets_a_name(tmp_path):
    table = read(tmp_path, ",a\n0,x\n1,y\n")
    assert table.to_dict(as_series=False) == {"column_1": [0, 1], "a": ["x", "y"]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n1,2,3\n", "line 3: 3 values, the header names 2 columns. Put a value that contains ','"),
        ("a,b\n1,2\n3\n4,5\n", "line 3: 1 value, the header names 2 columns. Complete the row"),
        ('a,b\n1,"x\ny"\n3\n', "line 4: 1 value, the header names 2 columns"),
        ("a,b\n1,2,\n3,4,\n", "line 2: 3 values.*It ends with ',': take that away"),
        ("a,b\n1,2\n# later\n3,4\n", "line 3: 1 value.*A comment may stand above the header alone"),
        ("a,b\n1,2\nTotal\n", "line 3: 1 value.*Text below the table is no row"),
        ('a,b\n1,2\n"say \\"x, y\\"",2\n', "line 3: 3 values.*In line 3 a backslash stands before a quote"),
        ('a,b\n1,2\n3,"x\n5,6\n', "line 3: a double quote is opened in this row and never closed"),
    ],
)
def test_a_ragged_row_is_named_with_its_line(tmp_path, text, message):
    with pytest.raises(DataError, match=message) as refused:
        read(tmp_path, text)
    assert "table.csv" in str(refused.value)


def test_a_lone_quote_inside_a_value_is_a_sign_like_others(tmp_path):
    assert read(tmp_path, 'size,b\n5" pipe,x\n6,"say ""hi""\nthere"\n').rows() == [
        ('5" pipe', "x"),
        ("6", 'say "hi"\nthere'),
    ]


def test_a_backslash_that_ends_a_value_escapes_nothing(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text('a,b\n"C:\\",1\n"D:\\"\n')
    assert escaped_quote_line(path, sniff(path)) is None
    path.write_text('a,b\n"C:\\",1\n"a \\"good\\" one",2\n')
    assert escaped_quote_line(path, sniff(path)) == 3


def test_empty_lines_are_passed_over_but_for_a_table_of_one_column(tmp_path):
    assert read(tmp_path, "a,b\n1,2\n\n3,4\n\n").height == 2
    assert read(tmp_path, "a\n1\n\n3\n")["a"].to_list() == [1, None, 3]


@pytest.mark.parametrize("text", ["a,b", "a,b\n", "a,b\r\n\r\n"])
def test_a_header_alone_is_a_table_without_rows(tmp_path, text):
    table = read(tmp_path, text)
    assert (table.height, table.columns) == (0, ["a", "b"])


def test_what_is_no_table_is_refused(tmp_path):
    with pytest.raises(DataError, match="there is no such file"):
        read_table(tmp_path / "none.csv")
    (tmp_path / "a.xlsx").write_text("")
    with pytest.raises(DataError, match=r"a \.csv or a \.parquet file, not '\.xlsx'"):
        read_table(tmp_path / "a.xlsx")
    (tmp_path / "a.parquet").write_text("no")
    with pytest.raises(DataError, match=r"a\.parquet: can't be read as Parquet"):
        read_table(tmp_path / "a.parquet")
    with pytest.raises(DataError, match="this is a folder"):
        read_table(tmp_path)


@pytest.mark.parametrize("name", ["t.parquet", "t.csv"])
def test_the_same_table_gives_the_same_bytes_and_comes_back(tmp_path, name):
    table = pl.DataFrame({"a": [1, None], "b": ["x", None], "c": [0.5, 1.0]})
    write_table(table, tmp_path / "one" / name)
    write_table(table, tmp_path / "two" / name)
    assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    assert read_table(tmp_path / "one" / name).equals(table)
    assert column_names(tmp_path / "one" / name) == ["a", "b", "c"]


def test_a_name_that_polars_takes_for_a_pattern_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"column `\^a\.\*\$`.*Rename it"):
        read(tmp_path, "^a.*$,b\n1,2\n")
    pl.DataFrame({"^a.*$": [1]}).write_parquet(tmp_path / "table.parquet")
    with pytest.raises(DataError, match="Rename it"):
        read_table(tmp_path / "table.parquet")


@pytest.mark.parametrize("name", ["t.parquet", "t.csv"])
def test_parts_make_the_whole(tmp_path, name, monkeypatch):
    rows = 3_000
    table = pl.DataFrame({"n": range(rows), "late": ["1"] * (rows - 1) + ["x"], "t": ["word " * 9] * rows})
    write_table(table, tmp_path / name)
    monkeypatch.setattr(csv_rows, "_BLOCK", 1 << 14)
    monkeypatch.setattr(csv_rows, "_KEPT", 1 << 10)  # so that the file is parsed twice, as a large one is
    parts = list(read_parts(tmp_path / name))
    assert len(parts) > 5 or name == "t.parquet"
    assert pl.concat(parts).equals(read_table(tmp_path / name))
    assert pl.concat(parts).equals(table)


def is_text(value: str) -> bool:
    """Whether no reading would make it something else than itself."""
    return value.strip() not in NOTHING and bool(value.strip())


# Letters that are in every encoding below; digits alone would be numbers, and "True" alone a truth.
words = st.text(st.sampled_from("abcÄéß ,;\t|\"'\n.?-x"), min_size=1, max_size=9).map(lambda t: f"w{t}").filter(is_text)
columns = st.one_of(
    st.lists(st.none() | words, min_size=4, max_size=4),
    st.lists(st.none() | st.integers(-(10**17), 10**17), min_size=4, max_size=4),
    st.lists(st.none() | st.floats(allow_nan=False, allow_infinity=False), min_size=4, max_size=4),
    st.lists(st.none() | st.booleans(), min_size=4, max_size=4),
)


@settings(max_examples=60, deadline=None)
@given(
    columns=st.lists(columns, min_size=2, max_size=5),
    separator=st.sampled_from(",;\t|"),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]),
    line_end=st.sampled_from(["\n", "\r\n"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    nothing=st.sampled_from(["", "?", "NA", "  ", "NaN"]),
    has_commas=st.booleans(),
)
def test_however_a_table_is_written_the_same_values_are_read(
    tmp_path_factory, columns, separator, encoding, line_end, quoting, nothing, has_commas
):
    def written(value: object) -> str:
        if value is None:
            return nothing
        if isinstance(value, float):
            text = f"{value:.3f}5" if has_commas else repr(value)  # four digits, so that no comma is between thousands
            return text.replace(".", ",") if has_commas else text
        return str(value)

    file = io.StringIO()
    writer = csv.writer(file, delimiter=separator, lineterminator=line_end, quoting=quoting)
    writer.writerow([f"Spalte {k}" for k in range(len(columns))])
    writer.writerows([written(column[row]) for column in columns] for row in range(4))
    path = tmp_path_factory.getbasetemp() / "dialect.csv"
    path.write_bytes(file.getvalue().encode(encoding))
    table = read_table(path)
    assert table.columns == [f"Spalte {k}" for k in range(len(columns))]
    for name, column in zip(table.columns, columns, strict=True):
        expected = [float(f"{v:.3f}5") if has_commas and isinstance(v, float) else v for v in column]
        assert table[name].to_list() == expected
