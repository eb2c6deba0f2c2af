import codecs

import polars as pl
import pytest

from slipway.errors import DataError
from slipway.tables.csv_dialect import sniff
from slipway.tables.files import read_table


def sniffed(tmp_path, content):
    path = tmp_path / "table.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return sniff(path)


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        ("a,b\n1,é\n".encode(), "utf-8"),
        (codecs.BOM_UTF8 + "a,b\n1,é\n".encode(), "utf-8-sig"),
        ("a,b\n1,é\n".encode("utf-16"), "utf-16"),
        (codecs.BOM_UTF16_BE + "a,b\n1,é\n".encode("utf-16-be"), "utf-16"),
        ("a,b\n1,Größe €\n".encode("cp1252"), "cp1252"),
        ("a,b\n1,Füße\n".encode("latin-1"), "cp1252"),
    ],
)
def test_the_encoding_is_told_from_the_bytes(tmp_path, content, encoding):
    dialect = sniffed(tmp_path, content)
    assert (dialect.encoding, dialect.names) == (encoding, ("a", "b"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a,b\näöü,éè\n".encode() + b"1,\xff\n", "line 3: not UTF-8 .byte 0xff., though most of it is"),
        ("a,b\n1,x\n2,Привет\n".encode("cp1251"), "line 3: not UTF-8 .byte 0xcf., nor Windows-1252"),
        ("a,b\n1,こんにちは世界\n".encode("shift-jis"), "line 2: not UTF-8 .byte 0x82., nor Windows-1252"),
        ("a,b\n1,2\n".encode("utf-16-le"), "line 1: a zero byte"),
        (codecs.BOM_UTF8 + b"a,b\n1,\xff\n", "line 2: not UTF-8 .byte 0xff., it begins with UTF-8's mark"),
        (codecs.BOM_UTF16_LE + b"a\x00,\x00b\x00\n\x00\x00\xd8\x01\x00", "line 1 or after: no UTF-16"),
        (b"PK\x03\x04\x00\x00", "line 1: a zero byte: no text"),
    ],
)
def test_another_encoding_is_refused_with_the_line(tmp_path, content, message):
    with pytest.raises(DataError, match=rf"table\.csv: {message}"):
        sniffed(tmp_path, content)


@pytest.mark.parametrize(
    ("text", "separator"),
    [
        ("a,b\n1,2\n", ","),
        ("a;b\n1,5;2,5\n", ";"),
        ("a\tb\n1\t2\n", "\t"),
        ("a|b\n1|2\n", "|"),
        ('"price, in EUR";area\n1;2\n3;4\n', ";"),
        ('a,b\n"x;y;z",1\n"x;y;z",2\n', ","),
        ("a;b,c;d\n1;2;3\n4;5;6\n", ";"),
        ("sep=;\na;b\n1;2\n", ";"),
        ("alone\n1\n", ","),
        ("a,b\n1,2\n1,2,3\n", ","),  # a ragged row changes nothing
    ],
)
def test_the_separator_is_the_one_that_rows_agree_on(tmp_path, text, separator):
    assert sniffed(tmp_path, text).separator == separator


def test_names_lose_their_spaces_and_lines_above_the_header_are_counted(tmp_path):
    dialect = sniffed(tmp_path, "sep=,\n\n a, b c ,\n1,2,3\n")
    assert dialect.names == ("a", "b c", "column_3")
    assert (dialect.header_lines, dialect.has_rows) == (3, True)
    assert not sniffed(tmp_path, "a,b\n\n").has_rows


@pytest.mark.parametrize(
    "line",
    [
        'sep=;', '"sep=;"', 'SEP=;', "Sep = ;", "sep=;  ", "sep=;;", '"sep=;";', '"sep=;",', "  sep=;", "\nsep=;",
        'sep=\\t', "sep=\t", '"sep=\t"', '"SEP=^"',
    ],
)  # fmt: skip
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_line_that_names_the_separator_is_no_header(tmp_path, line, end, encoding):
    separator = "\t" if "\\t" in line or "\t" in line else "^" if "^" in line else ";"
    rows = [separator.join(row) for row in (("grade", "size"), ("good", "1,5"), ("bad", "2,5"))]
    text = end.join([*line.split("\n"), *rows, ""])
    dialect = sniffed(tmp_path, text.encode(encoding))
    assert (dialect.separator, dialect.names, dialect.titles) == (separator, ("grade", "size"), ())
    assert dialect.header_lines == line.count("\n") + 2
    assert read_table(tmp_path / "table.csv").rows() == [("good", 1.5), ("bad", 2.5)]


@pytest.mark.parametrize("line", ["sep=;", '"sep=;",'])
def test_a_line_for_another_separator_than_the_rows_have_decides_nothing(tmp_path, line):
    dialect = sniffed(tmp_path, f"{line}\na,b\n1,2\n3,4\n")
    assert (dialect.separator, dialect.names) == (",", ("a", "b"))


@pytest.mark.parametrize(
    ("above", "titles"),
    [
        ("# exported 2024-05-01\n# by, hand\n", ("# exported 2024-05-01", "# by, hand")),
        ("#\n\n# a, b, c\n", ("#", "# a, b, c")),
        ("Sales of 2024\n", ("Sales of 2024",)),
        ("Sales of 2024,,\n,,\n", ("Sales of 2024",)),
        ('"Sales, all"\n\n', ("Sales, all",)),
        ("Made,2024-05-01\n\n", ("Made,2024-05-01",)),
        ("Report\nMade,2024-05-01\n", ("Report", "Made,2024-05-01")),
        ('5" pipes\n\n', ('5" pipes',)),
    ],
)
def test_titles_and_comments_above_the_header_are_passed_over_and_said(tmp_path, above, titles):
    dialect = sniffed(tmp_path, f"{above}region,units,2024\nnorth,1,2\nsouth,3,4\n")
    assert (dialect.names, dialect.titles) == (("region", "units", "2024"), titles)
    assert titles[0] in dialect.words()
    assert read_table(tmp_path / "table.csv").rows() == [("north", 1, 2), ("south", 3, 4)]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("#chrom\tstart\nx\t1\ny\t2\n", ("#chrom", "start")),
        ("#name,city\nann,Graz\nbob,Linz\n", ("#name", "city")),
        ("#id\n1\n2\n", ("#id",)),
        (",value\n0,5\n1,6\n", ("column_1", "value")),
        ("a,\n1,\n2,\n", ("a", "column_2")),
    ],
)
def test_a_header_that_looks_like_a_comment_or_a_title_is_one(tmp_path, text, names):
    dialect = sniffed(tmp_path, text)
    assert (dialect.names, dialect.titles) == (names, ())


def test_columns_without_a_name_are_known_to_have_none(tmp_path):
    assert sniffed(tmp_path, ',"",column_9,b, \n1,2,3,4,5\n').unnamed == ("column_1", "column_2", "column_5")


def test_a_header_with_too_few_names_is_not_taken_for_a_title(tmp_path):
    dialect = sniffed(tmp_path, "x,y\nred,blue,green\nred,green,blue\n")
    assert dialect.names == ("x", "y")
    with pytest.raises(DataError, match="line 2: 3 values, the header names 2 columns"):
        read_table(tmp_path / "table.csv")


@pytest.mark.parametrize("text", ["", "\n\n", ",,\n", "sep=;\n"])
def test_a_file_without_names_is_empty(tmp_path, text):
    with pytest.raises(DataError, match=r"table\.csv: empty: expected the columns' names"):
        sniffed(tmp_path, text)


def test_two_columns_of_one_name_are_refused_by_their_places(tmp_path):
    with pytest.raises(DataError, match="line 1: two columns are named `a`, number 1 and number 3"):
        sniffed(tmp_path, "a,b, a\n1,2,3\n")


def test_what_is_unusual_is_said(tmp_path):
    assert sniffed(tmp_path, "a,b\n1,2\n").words() == ""
    german = sniffed(tmp_path, "a;b\nä;ö\n".encode("cp1252"))
    assert german.words().startswith("semicolons between the values; the encoding Windows-1252 (it is not UTF-8;")


@pytest.mark.parametrize(
    ("line", "separator"), [('sep=";"', ";"), ("'sep=;'", ";"), ("sep='|'", "|"), ("sep= ", " "), ('"sep= "', " ")]
)
def test_quotes_and_a_blank_in_a_line_that_names_the_separator_are_understood(tmp_path, line, separator):
    rows = "a,b\n1,2\n3,4\n".replace(",", separator)
    found = sniffed(tmp_path, f"{line}\n{rows}")
    assert (found.separator, found.names) == (separator, ("a", "b"))


@pytest.mark.parametrize(
    "above",
    [
        "Report,,,\nFrom,2024-01-01,,\n\n",
        "Report,Sales\nFrom,2024-01-01\nTo,2024-02-01\n",
        "# made by hand\nUser,Bob,,\n,,,\n",
    ],
)
def test_names_with_values_above_the_header_are_passed_over_padded_or_not(tmp_path, above):
    rows = "".join(f"{i},x{i % 3},{i}.5,y\n" for i in range(20))
    assert sniffed(tmp_path, f"{above}day,kind,price,sold\n{rows}").names == ("day", "kind", "price", "sold")


@pytest.mark.parametrize("text", ["a,b,,\n1,2,3,4\n5,6,7,8\n", "a,b\n1,2\n", ",,c,d\nx,y,z,w\nx,y,z,v\n"])
def test_a_header_that_names_half_of_the_columns_is_one_above_rows(tmp_path, text):
    assert sniffed(tmp_path, text).header_lines == 1


@pytest.mark.parametrize("name", ["*", "^a", "^a.*$"])
def test_a_name_that_polars_takes_for_all_names_is_refused_in_both_formats(tmp_path, name):
    table = pl.DataFrame({"a": [1, 2], name: [3, 4]})
    table.write_csv(tmp_path / "t.csv")
    table.write_parquet(tmp_path / "t.parquet")
    for file in ("t.csv", "t.parquet"):
        if name == "^a":
            assert read_table(tmp_path / file).columns == ["a", "^a"]
            continue
        with pytest.raises(DataError, match=r"are taken for all names\. Rename it"):
            read_table(tmp_path / file)


@pytest.mark.parametrize("row", ['1, "x, y"', '2,  "x, ""y"""', '3,\t"a,b"'])
def test_a_blank_before_a_quote_is_told(tmp_path, row):
    (tmp_path / "t.csv").write_text(f"a,b\n0,z\n{row}\n")
    with pytest.raises(DataError, match=r"line 3: 3 values.* A blank stands before a double quote"):
        read_table(tmp_path / "t.csv")
