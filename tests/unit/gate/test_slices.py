from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from slipway.gate.slices import holm, slice_columns, slices_of
from slipway.model.schema import Schema
from slipway.project import Model


def test_holm_by_hand():
    # 0.01 times 4, 0.02 times 3, 0.03 times 2; the third is not below the second.
    assert holm([0.03, 0.01, 0.9, 0.02]) == pytest.approx([0.06, 0.04, 0.9, 0.06])
    assert holm([]) == []
    assert holm([0.4]) == [0.4]


def test_of_many_equal_slices_one_is_below_the_level_once_in_twenty():
    rng = np.random.default_rng(1)
    families = [min(holm(rng.random(40).tolist())) < 0.05 for _ in range(500)]
    assert sum(families) <= 40  # 25 are expected, three standard deviations are 15


def test_categories_that_are_few_are_sliced_by_unless_columns_are_named():
    table = pl.DataFrame(
        {
            "town": ["Ulm", "Bonn"] * 20,
            "street": [f"Street {i}" for i in range(40)],
            "is_member": [True, False] * 20,
            "rooms": [1, 2, 3, 4] * 10,
            "only": ["one"] * 40,
        }
    )
    schema = Schema.infer(table)
    asked = Model("classification", "kind")
    assert slice_columns(schema, table, asked) == ("town", "is_member")
    assert slice_columns(schema, table, replace(asked, slices=("rooms",))) == ("rooms",)
    assert slice_columns(schema, table, replace(asked, slices=())) == ()
    assert slice_columns(schema, table, replace(asked, personal=("town",))) == ("is_member",)


def test_a_row_is_in_one_slice_of_a_column_and_nulls_are_one():
    found = slices_of(pl.Series(["a", None, "b", "a", None, "a"]))
    assert [(each.level, each.rows) for each in found] == [("a", [0, 3, 5]), ("null", [1, 4]), ("b", [2])]


def test_numbers_of_many_values_are_sliced_in_quarters_and_few_by_value():
    found = slices_of(pl.Series([float(i) for i in range(100)] + [None]))
    assert {each.level: len(each.rows) for each in found} == {
        "up to 24": 25, "above 24": 25, "above 49": 25, "above 74": 25, "null": 1,
    }  # fmt: skip
    assert sorted(row for each in found for row in each.rows) == list(range(101))
    assert {each.level for each in slices_of(pl.Series([1, 2, 2, 3]))} == {"1", "2", "3"}


@pytest.mark.parametrize(
    "values",
    [
        ["2024-01-01", "2024-01-02"] * 30,
        ["2024-03", "2024-04", "2024-05"] * 20,
        [f"2024-05-0{day} 12:30:00" for day in range(1, 7)] * 10,
        [f"{day}/12/2023" for day in range(10, 20)] * 6,
        [f"C-{i:04}" for i in range(12)],
        [f"He called for the {i}th time and was not amused." for i in range(10)] * 2,
        [None] * 50 + [f"order {i}" for i in range(10)],
    ],
    ids=["days", "months", "moments", "days of another form", "ids", "free text", "mostly null ids"],
)
def test_dates_ids_and_free_text_are_not_sliced_by_unless_named(values):
    table = pl.DataFrame({"odd": values, "town": (["Ulm", "Bonn"] * len(values))[: len(values)]})
    schema, asked = Schema.infer(table), Model("classification", "kind")
    assert slice_columns(schema, table, asked) == ("town",)
    assert slice_columns(schema, table, replace(asked, slices=("odd",))) == ("odd",)


def test_categories_with_nulls_and_few_rows_a_value_are_still_sliced_by():
    table = pl.DataFrame({"plan": ["basic", "plus", None] * 10, "grade": ["a", "b", "c", "d"] * 7 + ["a", "b"]})
    assert slice_columns(Schema.infer(table), table, Model("classification", "kind")) == ("plan", "grade")
