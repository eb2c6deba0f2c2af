import codecs

import pytest

from slipway.errors import DataError
from slipway.tables.csv_dialect import sniff


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


@pytest.mark.parametrize("text", ["", "\n\n", ",,\n"])
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
