import polars as pl
import pytest

from slipway.journal.labels import PREDICTION_ID, drop_labelled, gather, ids_in
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


def given_by(journal, source, count, *, since):
    for n in range(count):
        key = f"{source}-{n}"
        journal.append([Prediction(key, 1.0, 1, {"area": "50 m2", "rooms": n % 3}, "low")])
        journal.append([Truth(f"t{key}", key, since + n, "high", source)])


def test_of_a_caller_with_too_great_a_share_the_newest_are_learnt_from(journal, path):
    given_by(journal, "token:shop", 150, since=0)
    given_by(journal, "user:ada", 110, since=1_000)
    found = gather(journal, SCHEMA, "price", path, max_share=0.5)
    assert [(s.source, s.labels, s.learnt) for s in found.sources] == [("token:shop", 150, 110), ("user:ada", 110, 110)]
    ids = set(pl.read_parquet(path)[PREDICTION_ID])
    assert found.rows == len(ids) == 220
    assert {f"token:shop-{n}" for n in range(40, 150)} < ids
    assert "token:shop-39" not in ids


def test_rows_of_a_file_count_as_a_source(journal, path):
    given_by(journal, "token:shop", 150, since=0)
    more = pl.DataFrame({"area": [f"{n} m2" for n in range(120)], "rooms": [3] * 120, "price": ["high"] * 120})
    found = gather(journal, SCHEMA, "price", path, more, max_share=0.5)
    assert [(s.source, s.learnt) for s in found.sources] == [("token:shop", 120), ("file", 120)]


def test_labels_that_are_gone_from_the_journal_leave_the_file(journal, path):
    answered(journal, "a", {"area": "50 m2", "rooms": 2}, "high")
    gather(journal, SCHEMA, "price", path)
    journal.remove(["a"])
    assert gather(journal, SCHEMA, "price", path).is_new
    assert pl.read_parquet(path).height == 0
    assert gather(journal, SCHEMA, "price", path).is_new is False


def test_labelled_rows_are_dropped_by_the_id_of_their_prediction(journal, path):
    answered(journal, "a", {"area": "50 m2", "rooms": 2}, "high")
    answered(journal, "b", {"area": "60 m2", "rooms": 2}, "high")
    more = pl.DataFrame({"area": ["90 m2"], "rooms": [3], "price": ["high"]})
    gather(journal, SCHEMA, "price", path, more)
    assert ids_in(path) == ["a", "b"]
    assert drop_labelled(path, ["a", "nobody"]) == 1
    assert pl.read_parquet(path)["area"].to_list() == ["90 m2", "60 m2"]
    written = path.stat().st_mtime_ns
    assert drop_labelled(path, ["a"]) == 0
    assert path.stat().st_mtime_ns == written
