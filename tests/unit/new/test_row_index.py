import io

import numpy as np
import pandas as pd
import pytest

from slipway.new.columns import judge
from slipway.new.draft import read_with_facts

ROWS = 300
RNG = np.random.default_rng(5)
FLATS = pd.DataFrame({"rooms": RNG.integers(1, 6, ROWS), "m2": RNG.uniform(30, 160, ROWS).round(1)})
FLATS["rent"] = (FLATS.m2 * 6 + np.arange(ROWS) / 4 + RNG.normal(0, 60, ROWS)).round(0)
LARGE = FLATS[FLATS.m2 > 45]


def uses(folder, table, name, **how):
    path = folder / f"t.{name}"
    getattr(table, f"to_{name}")(path, **how)
    read, facts, _ = read_with_facts(path)
    return {column.name: column.use for column in judge(read, "rent", facts).columns}


@pytest.mark.parametrize("name", ["csv", "parquet"])
@pytest.mark.parametrize(
    "table",
    [
        LARGE,
        LARGE.sample(frac=1, random_state=1),
        FLATS.sample(2 * ROWS, replace=True, random_state=2),
        pd.concat([FLATS, FLATS + 1]),
        FLATS.set_axis(np.arange(ROWS) * 1.5),
        FLATS.set_axis([f"row {i % 37}" for i in range(ROWS)]),
        FLATS.set_index([pd.Index(np.arange(ROWS) // 30), pd.Index(np.arange(ROWS) % 30)]),
        pd.concat({"a": FLATS, "b": FLATS + 1}),
        LARGE.reset_index(),
        pd.concat([FLATS, FLATS + 1]).reset_index().reset_index(),
    ],
    ids=["holes", "shuffled", "drawn", "put together", "floats", "texts", "two levels", "keys", "column", "columns"],
)
def test_an_index_that_pandas_wrote_is_no_feature_whatever_its_values(tmp_path, table, name):
    found = uses(tmp_path, table, name)
    assert {column for column, use in found.items() if use != "left out"} == {"rooms", "m2"}


def test_nor_is_one_that_was_read_back_written_again_or_joined(tmp_path):
    again = pd.read_csv(io.StringIO(LARGE.to_csv()))
    joined = again.merge(again[["Unnamed: 0", "m2"]], on="m2")
    for table, how in ((again, {"index": False}), (again[again.m2 < 140], {}), (joined, {"index": False})):
        found = uses(tmp_path, table, "csv", **how)
        assert {column for column, use in found.items() if use != "left out"} == {"rooms", "m2"}


def test_an_index_that_the_file_itself_names_is_none_either(tmp_path):
    found = uses(tmp_path, LARGE.assign(block=LARGE.rooms % 3).set_index("block"), "parquet")
    assert found["block"] == "left out"


@pytest.mark.parametrize("name", ["csv", "parquet"])
def test_an_index_of_dates_is_the_time_of_its_rows(tmp_path, name):
    days = pd.date_range("2024-01-01", periods=ROWS, freq="7h", tz="Europe/Berlin")
    found = uses(tmp_path, FLATS.set_axis(days), name)
    assert "date" in found.values()


def test_a_column_without_a_name_among_others_is_data(tmp_path):
    table = FLATS.assign(**{"": RNG.uniform(0, 1, ROWS)})[["rooms", "", "m2", "rent"]]
    assert uses(tmp_path, table, "csv", index=False)["column_2"] == "number"
    assert uses(tmp_path, FLATS.assign(index=RNG.normal(100, 5, ROWS)), "csv", index=False)["index"] == "number"
