"""Columns that CSV can't hold are texts there, and every other column stays what it is."""

import datetime as dt
import io
import json
from decimal import Decimal

import polars as pl
import pytest

from slipway.model.batch import write_csv, write_parts
from slipway.tables.files import read_table, write_table
from slipway.tables.texts import csv_table, parquet_table

MOMENT = dt.datetime(2026, 1, 31, 12, 30)


class Thing:
    def __str__(self):
        return "a thing"


FLOATS = [[1.0, float("nan")], [2.0, float("inf")]]
DEEP = [[{"at": [MOMENT], "b": b"x", "t": dt.timedelta(hours=1)}], None]
COLUMNS = {
    "list": (pl.Series([[1, 2], None]), ["[1, 2]", None]),
    "texts": (pl.Series([["é", None], []]), ['["é", null]', "[]"]),
    "struct": (
        pl.Series([{"a": 1.5, "b": MOMENT.date()}, {"a": None, "b": None}]),
        ['{"a": 1.5, "b": "2026-01-31"}', '{"a": null, "b": null}'],
    ),
    "array": (pl.Series(FLOATS, dtype=pl.Array(pl.Float64, 2)), ["[1.0, null]", '[2.0, "inf"]']),
    "deep": (pl.Series(DEEP), ['[{"at": ["2026-01-31T12:30:00"], "b": "eA==", "t": "PT1H"}]', None]),
    "duration": (pl.Series([dt.timedelta(hours=1, minutes=30), None]), ["PT1H30M", None]),
    "binary": (pl.Series([b"ab", None]), ["YWI=", None]),
    "object": (pl.Series([Thing(), None], dtype=pl.Object), ["a thing", None]),
    "decimals": (pl.Series([[Decimal("1.5")], None]), ["[1.5]", None]),
}
HELD = pl.DataFrame(
    {
        "whole": [1, 2],
        "wide": pl.Series([2**70, 1], dtype=pl.Int128),
        "time": [dt.time(12), None],
        "at": [MOMENT, None],
        "decimal": [Decimal("1.50"), None],
        "category": pl.Series(["a", "b"], dtype=pl.Categorical),
        "enum": pl.Series(["a", "b"], dtype=pl.Enum(["a", "b"])),
        "nothing": [None, None],
        "zoned": pl.Series([MOMENT, None]).dt.replace_time_zone("Europe/Berlin"),
    }
)


@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_that_csv_cannot_hold_is_text_there(tmp_path, name):
    series, expected = COLUMNS[name]
    table = HELD.with_columns(series.alias("x"))
    assert csv_table(table)["x"].to_list() == expected
    file = io.BytesIO()
    assert write_csv([table, table], file) == 4
    write_table(table, tmp_path / "t.csv")
    assert file.getvalue().startswith((tmp_path / "t.csv").read_bytes())
    assert pl.read_csv(tmp_path / "t.csv")["x"].to_list() == expected


def test_a_table_that_csv_holds_is_left_alone():
    assert csv_table(HELD) is HELD
    assert HELD.write_csv()


def test_parquet_keeps_all_but_objects(tmp_path):
    table = pl.DataFrame([series.alias(name) for name, (series, _) in COLUMNS.items()])
    write_table(table, tmp_path / "t.parquet")
    write_parts([table], tmp_path / "parts.parquet")
    for path in ("t.parquet", "parts.parquet"):
        read = read_table(str(tmp_path / path))
        assert read["object"].to_list() == ["a thing", None]
        assert read.drop("object").equals(table.drop("object"))
    assert parquet_table(HELD) is HELD


def test_nested_values_are_read_back_from_the_text_as_json():
    (text, _) = csv_table(pl.DataFrame({"x": COLUMNS["deep"][0]}))["x"].to_list()
    assert json.loads(text)[0]["at"] == ["2026-01-31T12:30:00"]
