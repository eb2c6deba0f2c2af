import time
from dataclasses import replace

import polars as pl
import pytest

from slipway.errors import BusyError, DataError
from slipway.journal import Shipper, SpoolWriter, find, read_spool, segment
from slipway.journal.labels import PREDICTION_ID
from slipway.journal.purge import DAY_SECONDS, Places, expire, purge
from slipway.journal.retention import Retention
from slipway.journal.ship import elected

SECRET = "Ada Lovelace"


@pytest.fixture
def places(tmp_path, storage):
    return Places(storage.journal, storage.decisions, tmp_path / ".slipway/spool", (tmp_path / "labelled.parquet",))


@pytest.fixture
def writer(places):
    opened = SpoolWriter(places.spool)
    yield opened
    opened.close()


def holding(folder, text):
    """The files below a folder whose bytes hold a text."""
    return [path.name for path in folder.rglob("*") if path.is_file() and text.encode() in path.read_bytes()]


def test_what_is_purged_is_in_no_byte_of_any_file(tmp_path, places, writer, answer, truth):
    writer.write([answer("a", row={"name": SECRET}), truth("a", "high"), answer("b", row={"name": "Charles"})])
    Shipper(places.spool, places.journal).ship()
    pl.DataFrame({"name": [SECRET, "Charles"], PREDICTION_ID: ["a", "b"]}).write_parquet(
        places.labelled[0], compression="uncompressed"
    )
    assert len(holding(tmp_path, SECRET)) >= 3  # the database or its log, the spool, the labelled rows
    purged = purge(places, ["a"], by="ada")
    assert (purged.predictions, purged.truths, purged.labelled_rows) == (1, 1, 1)
    assert holding(tmp_path, SECRET) == []
    assert holding(tmp_path, "Charles") != []
    assert find(places.journal, places.spool, ["a", "b"]).keys() == {"b"}
    assert places.journal.count() == (1, 0)
    # The writer goes on in the segment that was blanked, and nothing of it is lost.
    writer.write([answer("c")])
    assert [record.id for record in read_spool(places.spool)] == ["c"]
    Shipper(places.spool, places.journal).ship()
    assert places.journal.find(["b", "c"]).keys() == {"b", "c"}


def test_a_purge_is_recorded_without_what_it_removed(places, writer, answer):
    writer.write([answer("a", row={"name": SECRET})])
    purge(places, ["a"], by="ada")
    (decision,) = places.decisions.last(10)
    assert (decision.step, decision.outcome) == ("purge", "purged")
    assert decision.why == "1 predictions and 0 truths, asked for by ada."
    assert decision.detail == {"predictions": 1, "truths": 0, "labelled_rows": 0}


def test_with_an_unknown_id_nothing_is_purged(places, writer, answer):
    writer.write([answer("a")])
    with pytest.raises(DataError, match=r"no prediction has the id 'nobody'\. Nothing was removed"):
        purge(places, ["a", "nobody"], by="ada")
    assert places.journal.count() == (1, 0)
    assert places.decisions.last(10) == []


def test_what_a_crash_left_half_removed_can_be_purged_again(places, writer, answer):
    pl.DataFrame({"name": [SECRET], PREDICTION_ID: ["a"]}).write_parquet(places.labelled[0])
    assert purge(places, ["a"], by="ada").labelled_rows == 1


def test_while_another_process_ships_nothing_is_purged(places, writer, answer, monkeypatch):
    monkeypatch.setattr("slipway.journal.purge.SHIPPING_SECONDS", 0.0)
    writer.write([answer("a")])
    with elected(places.spool, 0.0), pytest.raises(BusyError, match="try again"):
        purge(places, ["a"], by="ada")
    assert len(read_spool(places.spool)) == 1


def test_a_segment_that_cannot_be_read_is_named(places, writer, answer):
    writer.write([answer("a")])
    (places.spool / "1-1-x.damaged").write_bytes(b"?")
    assert "1-1-x.damaged can't be read and may hold some" in purge(places, ["a"], by="ada").sentence()


def test_readers_that_begin_again_pass_over_what_was_blanked(places, writer, answer, truth):
    writer.write([answer("a"), answer("b"), truth("a", "high"), answer("c")])
    (path,) = segment.segments(places.spool)
    assert segment.blank(path, path.stat().st_size, lambda record: record.id == "a") == 1
    assert [getattr(r, "prediction_id", r.id) for r in segment.read_segment(path).records] == ["b", "a", "c"]
    assert segment.blank(path, path.stat().st_size, lambda record: record.id == "a") == 0


def test_what_is_older_than_the_days_goes_with_its_truths(tmp_path, places, writer, answer, truth):
    now = time.time()
    old, new = now - 10 * DAY_SECONDS, now - 2 * DAY_SECONDS
    late = replace(truth("old", "high"), at=now, source=SECRET)
    writer.write(
        [answer("old", at=old, row={"name": SECRET}), answer("new", at=new), late, truth("new", "low", at=now)]
    )
    Shipper(places.spool, places.journal).ship()
    pl.DataFrame({"name": [SECRET, "x", "f"], PREDICTION_ID: ["old", "new", None]}).write_parquet(places.labelled[0])
    assert expire(places, 30).predictions == 0
    expired = expire(places, 5)
    assert (expired.predictions, expired.truths, expired.labelled_rows) == (1, 1, 1)
    assert holding(tmp_path, SECRET) == []
    assert places.journal.count() == (1, 1)
    assert pl.read_parquet(places.labelled[0])["name"].to_list() == ["x", "f"]
    assert [d.outcome for d in places.decisions.last(10)] == ["expired"]
    assert expire(places, 5).predictions == 0  # and once more does nothing
    assert len(places.decisions.last(10)) == 1


def test_many_old_ones_are_removed_a_part_at_a_time(places, answer, monkeypatch):
    monkeypatch.setattr("slipway.storage.sqlite._REMOVED_AT_ONCE", 7)
    places.journal.append([answer(f"{n:03}", at=float(n)) for n in range(50)])
    assert places.journal.remove_before(40.0) == (40, 0)
    assert places.journal.count() == (10, 0)


def test_a_server_removes_what_is_too_old_from_its_start(places, answer):
    places.journal.append([answer("old", at=1.0), answer("new", at=time.time())])
    retention = Retention(places, 1.0)
    retention.start()
    give_up = time.monotonic() + 20
    while places.journal.count() != (1, 0):
        assert time.monotonic() < give_up
        time.sleep(0.02)
    retention.stop()


def test_without_an_age_nothing_is_removed(places, answer):
    places.journal.append([answer("old", at=1.0)])
    retention = Retention(places, None)
    retention.start()
    retention.stop()
    assert places.journal.count() == (1, 0)
