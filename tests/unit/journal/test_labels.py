import polars as pl
import pytest

from slipway.journal.labels import PREDICTION_ID, gather
from slipway.model.schema import Schema
from slipway.records import Prediction, Truth

SCHEMA = Schema.infer(pl.DataFrame({"area": ["50 m2", "60 m2"], "rooms": [2, None]}), {"area": ("text", "number")})


@pytest.fixture
def path(tmp_path):
    return tmp_path / "data/labelled/raw.parquet"


def answered(journal, key, row, truth=None):
    journal.append([Prediction(key, 1.0, 1, row, "low")])
    if truth is not None:
        journal.append([Truth(f"t{key}", key, 2.0, truth, "api")])


def test_rows_with_a_truth_are_kept_with_it(journal, path):
    answered(journal, "a", {"area": "50 m2", "rooms": 2}, "high")
    answered(journal, "b", {"area": 70, "rooms": None}, "low")
    answered(journal, "c", {"area": "80 m2", "rooms": 1})
    found = gather(journal, SCHEMA, "price", path)
    assert (found.rows, found.is_new) == (2, True)
    assert pl.read_parquet(path).to_dict(as_series=False) == {
        "area": ["50 m2", "70"],
        "rooms": [2, None],
        "price": ["high", "low"],
        PREDICTION_ID: ["a", "b"],
    }


def test_nothing_new_leaves_the_file_as_it_is(journal, path):
    answered(journal, "a", {"area": "50 m2", "rooms": 2}, "high")
    gather(journal, SCHEMA, "price", path)
    written = path.stat().st_mtime_ns
    assert gather(journal, SCHEMA, "price", path).is_new is False
    assert path.stat().st_mtime_ns == written


def test_a_correction_takes_the_place_of_what_it_corrects(journal, path):
    answered(journal, "a", {"area": "50 m2", "rooms": 2}, "high")
    gather(journal, SCHEMA, "price", path)
    journal.append([Truth("again", "a", 3.0, "low", "api", is_correction=True)])
    assert gather(journal, SCHEMA, "price", path).is_new
    assert pl.read_parquet(path)["price"].to_list() == ["low"]


def test_rows_of_a_file_are_added_once_and_stay(journal, path):
    more = pl.DataFrame({"area": ["90 m2"], "rooms": [3], "price": ["high"], "note": ["x"]})
    assert gather(journal, SCHEMA, "price", path, more).rows == 1
    assert gather(journal, SCHEMA, "price", path, more).is_new is False
    answered(journal, "a", {"area": "90 m2", "rooms": 3}, "high")
    assert gather(journal, SCHEMA, "price", path).rows == 2


def test_rows_of_an_earlier_schema_are_left_out_and_counted(journal, path):
    answered(journal, "a", {"surface": "50 m2"}, "high")
    found = gather(journal, SCHEMA, "price", path)
    assert (found.rows, found.left_out, path.exists()) == (0, 1, False)
