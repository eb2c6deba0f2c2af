"""What lies in a spool and can't be read: the rest is shipped, and it is counted, named and purged by its id."""

import os
import struct
import zlib
from types import SimpleNamespace

import msgspec
import pytest

from slipway.errors import DataError
from slipway.journal import Shipper, SpoolWriter, find, read_spool, segment
from slipway.journal.damage import DamageCount, count_damaged, damaged_records
from slipway.journal.feedback import keep_file
from slipway.journal.label_type import ANY
from slipway.journal.purge import Places, purge
from slipway.journal.spool import backlog
from slipway.records import Prediction
from slipway.storage.journal_rows import MAX_DEPTH

SECRET = "Ada Lovelace"


def framed(payload):
    return struct.pack("<II", len(payload), zlib.crc32(payload)) + payload


def prediction(**fields):
    whole = {"id": "bad", "at": 1.0, "version": 1, "row": {"name": SECRET}, "prediction": "low"}
    return framed(b"P" + msgspec.json.encode({**whole, **fields}))


def nested(depth):
    return b'P{"id":"bad","at":1.0,"version":1,"row":{"x":' + b"[" * depth + b"]" * depth + b'},"prediction":"low"}'


UNREADABLE = {
    "deep in a row": framed(nested(985)),
    "just too deep": framed(nested(MAX_DEPTH)),
    "very deep": framed(nested(200_000)),
    "cut off": framed(b'P{"id":"bad","at":1.0,"ver'),
    "no JSON": framed(b'P?"id":"bad"'),
    "no UTF-8": framed(b'P{"id":"bad","at":1.0,"version":1,"row":{"x":"\xff"},"prediction":"low"}'),
    "a row that is a list": prediction(row=[1]),
    "no time": prediction(at=None),
    "a time beyond the calendar": prediction(at=1e18),
    "a version beyond any column": prediction(version=2**70),
    "a label that is an object": prediction(prediction={"of": 1}),
    "probabilities that are words": prediction(probabilities={"low": "much"}),
    "an unknown kind": framed(b'X{"id":"bad"}'),
    "a truth without a prediction": framed(b'T{"id":"t","prediction_id":"bad","at":1,"truth":null,"source":"api"}'),
}


@pytest.fixture
def places(tmp_path, storage):
    return Places(storage.journal, storage.decisions, tmp_path / ".slipway/spool", (tmp_path / "labelled.parquet",))


@pytest.fixture
def left(places, answer):
    """Leaves a segment with some bytes between two whole records."""

    def leave(middle, *, last=b""):
        path = places.spool / f"{1:020}-1-a{segment.SUFFIX}"
        path.parent.mkdir(parents=True)
        records = [segment.frame([answer(key)]) for key in ("before", "after")]
        path.write_bytes(segment.HEADER + records[0] + middle + records[1] + last)
        return path

    return leave


@pytest.mark.parametrize("kind", UNREADABLE)
def test_what_stands_around_it_is_shipped_and_it_is_counted_and_purged(tmp_path, places, left, kind):
    left(UNREADABLE[kind])
    assert [r.id for r in read_spool(places.spool)] == ["before", "after"]
    assert Shipper(places.spool, places.journal).ship() == 2
    assert segment.segments(places.spool) == []
    assert [p.id for p in places.journal.last(9)] == ["before", "after"]
    assert count_damaged(places.journal, places.spool) == 1
    (record,) = damaged_records(places.journal, places.spool, 9)
    assert record.id == "bad"
    purge(places, ["bad"], by="ada")
    assert count_damaged(places.journal, places.spool) == 0
    assert [path.name for path in tmp_path.rglob("*") if path.is_file() and b'"bad"' in path.read_bytes()] == []
    with pytest.raises(DataError, match="no prediction has the id 'bad'"):
        purge(places, ["bad"], by="ada")


@pytest.mark.parametrize("at", [0, 2, 5, 40])
def test_a_byte_that_a_disk_changed_costs_one_record(places, left, answer, at):
    """Also of the length, from which on nothing would be found."""
    frame = bytearray(segment.frame([answer("bad"), answer("good")]))
    frame[at] ^= 0x40
    left(bytes(frame))
    assert Shipper(places.spool, places.journal).ship() == 3
    assert set(places.journal.find(["before", "good", "after", "bad"])) == {"before", "good", "after"}
    assert count_damaged(places.journal, places.spool) == 1


@pytest.mark.parametrize("tail", [b"\0" * 8, b"\0" * 5_000, b"\xff" * 3, b"P{"])
def test_what_a_crash_of_the_machine_left_at_the_end_is_not_taken_for_records(places, left, tail):
    left(b"", last=tail)
    assert Shipper(places.spool, places.journal).ship() == 2
    assert segment.segments(places.spool) == []


def test_what_was_set_aside_before_a_crash_is_kept_once(places, left):
    path = left(UNREADABLE["deep in a row"])
    content = path.read_bytes()
    for _ in range(3):
        path.write_bytes(content)
        Shipper(places.spool, places.journal).ship()
    assert count_damaged(places.journal, places.spool) == 1
    assert places.journal.count() == (2, 0)


def test_one_value_that_a_database_does_not_take_stops_no_other(places, answer):
    class Particular:
        """A real journal that refuses one record, as a database may for whatever reason."""

        def __getattr__(self, name):
            return getattr(places.journal, name)

        def append(self, records):
            if any(record.id == "bad" for record in records):
                raise OverflowError("a number beyond the column")
            places.journal.append(records)

    writer = SpoolWriter(places.spool)
    writer.write([answer("a"), answer("bad"), answer("b")])
    assert Shipper(places.spool, Particular()).ship() == 2
    assert set(places.journal.find(["a", "b", "bad"])) == {"a", "b"}
    assert count_damaged(places.journal, places.spool) == 1
    # Nothing is wrong with it as such: whoever ships it once more has it.
    (kept,) = places.spool.glob("*.damaged")
    assert [part.content[1:2] for part in segment.split(kept.read_bytes())] == [b"P"]


def test_a_truth_for_an_id_that_no_database_keeps_blocks_nothing(places, answer, truth):
    """Truths are taken unchecked while the journal is away, of whatever id."""
    writer = SpoolWriter(places.spool)
    for key in ("\ud800", "\0", "x" * 100_000):
        writer.write([Prediction("p", 1.0, 1, {}, "low")])
        try:
            writer.write([truth(key, "low")])
        except (UnicodeError, msgspec.MsgspecError):  # then nothing was kept of it
            continue
    writer.write([answer("after")])
    Shipper(places.spool, places.journal).ship()
    assert read_spool(places.spool) == []
    assert set(places.journal.find(["after"])) == {"after"}


def test_looking_up_and_feedback_go_on_while_it_waits(tmp_path, places, left):
    left(UNREADABLE["very deep"])
    assert set(find(places.journal, places.spool, ["before", "bad", "after"])) == {"before", "after"}
    (tmp_path / "truths.csv").write_text("id,truth\nafter,low\n")
    kept = keep_file(places.journal, places.spool, tmp_path / "truths.csv", ANY, source="user:ada", is_correction=False)
    assert kept.kept == 1


def test_a_service_counts_them_again_and_again(places, left):
    damage = DamageCount(places.journal, places.spool)
    assert damage.count is None
    left(UNREADABLE["no JSON"])
    Shipper(places.spool, places.journal).ship()
    damage.look()
    assert damage.count == 1


def test_what_is_whole_by_the_time_it_is_read_again_is_not_damaged(places, answer, monkeypatch):
    """A reader asks how long the file is, and the writer goes on before it has read so far."""
    writer = SpoolWriter(places.spool)
    writer.write([answer("a"), answer("b"), answer("c")])
    (path,) = segment.segments(places.spool)
    size, real = len(segment.HEADER) + len(segment.frame([answer("a")])) + 20, os.fstat
    monkeypatch.setattr(os, "fstat", lambda handle: SimpleNamespace(st_size=size))
    chunk = segment.read_segment(path)
    monkeypatch.setattr(os, "fstat", real)
    assert ([r.id for r in chunk.records], chunk.damaged, chunk.is_torn) == (["a", "b", "c"], (), False)


def test_files_of_earlier_versions_are_counted_and_cleared_too(tmp_path, places, answer):
    """They hold whole segments, of which what was readable was shipped."""
    content = bytearray(segment.HEADER + segment.frame([answer("shipped"), answer("bad", row={"name": SECRET})]))
    content[-1] ^= 1
    places.spool.mkdir(parents=True)
    (places.spool / "1-1-x.damaged").write_bytes(content)
    places.journal.append([answer("shipped")])
    assert count_damaged(places.journal, places.spool) == 1
    purge(places, ["bad"], by="ada")
    assert count_damaged(places.journal, places.spool) == 0
    purge(places, ["shipped"], by="ada")
    assert list(places.spool.glob("*.damaged")) == []


@pytest.mark.parametrize("offset", ["999999", "-5", "1e3", "\x00", ""])
def test_a_note_of_how_far_it_was_shipped_that_can_not_be_is_none(places, left, offset):
    path = left(b"")
    path.with_suffix(".offset").write_text(offset)
    assert Shipper(places.spool, places.journal).ship() == 2
    assert places.journal.count() == (2, 0)


def test_a_segment_of_a_name_that_is_not_ours_is_shipped_and_has_no_age(places, left):
    path = left(b"")
    path.rename(path.with_name("copied by hand.segment"))
    assert (backlog(places.spool).segments, backlog(places.spool).since) == (1, None)
    assert Shipper(places.spool, places.journal).ship() == 2
