import threading
import time

import pytest

from slipway.errors import OutsideError
from slipway.journal import segment
from slipway.journal.ship import Shipper
from slipway.journal.spool import SpoolWriter, read_spool


class Away:
    """A journal that can be switched off, in front of a real one."""

    def __init__(self, journal):
        self.journal = journal
        self.is_away = False

    def append(self, records):
        if self.is_away:
            raise OutsideError("the database is away")
        self.journal.append(records)


def wait_until(is_so, seconds=10):
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


def test_everything_goes_once_and_what_is_done_with_is_deleted(tmp_path, journal, answer, truth):
    spool = tmp_path / "spool"
    writer = SpoolWriter(spool, segment_bytes=1000)
    predictions = [answer(at=float(n)) for n in range(30)]
    for prediction in predictions:
        writer.write([prediction])
    writer.write([truth(predictions[0].id, "high")])
    shipper = Shipper(spool, journal)
    assert shipper.ship() == 31
    assert shipper.ship() == 0
    assert journal.last(100) == predictions
    assert [t.truth for t in journal.truths()] == ["high"]
    assert len(segment.segments(spool)) == 1, "the one being written stays"
    writer.close()
    shipper.ship()
    assert segment.segments(spool) == []
    assert [p.name for p in spool.iterdir()] == ["shipper.lock"]


def test_a_segment_being_written_goes_on_from_where_it_was(tmp_path, journal, answer):
    writer, shipper = SpoolWriter(tmp_path), Shipper(tmp_path, journal)
    for n in range(5):
        writer.write([answer(at=float(n))])
        assert shipper.ship() == 1
    assert read_spool(tmp_path) == []
    assert len(journal.last(10)) == 5


def test_shipped_twice_is_kept_once(tmp_path, journal, answer):
    writer, shipper = SpoolWriter(tmp_path), Shipper(tmp_path, journal)
    writer.write([answer(), answer()])
    shipper.ship()
    for offset in tmp_path.glob("*.offset"):  # as after a crash between the journal and the note
        offset.unlink()
    assert shipper.ship() == 2
    assert len(journal.last(10)) == 2


def test_a_torn_end_waits_for_a_living_writer_and_is_dropped_after_a_dead_one(tmp_path, journal, answer):
    writer, shipper = SpoolWriter(tmp_path), Shipper(tmp_path, journal)
    whole, torn = answer(), segment.frame([answer()])
    writer.write([whole])
    (path,) = segment.segments(tmp_path)
    with path.open("ab") as file:
        file.write(torn[:-3])
    assert shipper.ship() == 1
    assert segment.segments(tmp_path) == [path]
    with path.open("ab") as file:  # the living writer's write was under way, and is whole now
        file.write(torn[-3:] + torn[:-3])
    assert shipper.ship() == 1
    writer.close()
    assert shipper.ship() == 0
    assert segment.segments(tmp_path) == []
    assert len(journal.last(10)) == 2


def test_what_a_disk_damaged_is_kept_to_be_looked_at(tmp_path, journal, answer):
    writer = SpoolWriter(tmp_path)
    writer.write([answer(), answer()])
    writer.close()
    (path,) = segment.segments(tmp_path)
    content = bytearray(path.read_bytes())
    content[-10] ^= 1
    path.write_bytes(content)
    assert Shipper(tmp_path, journal).ship() == 1
    assert {p.suffix for p in tmp_path.iterdir() if p.is_file()} == {".damaged", ".lock"}


def test_one_ships_at_a_time_and_another_can_wait_for_it(tmp_path, journal, answer):
    writer = SpoolWriter(tmp_path)
    writer.write([answer()])
    begun, finish = threading.Event(), threading.Event()

    class Slow:
        def append(self, records):
            begun.set()
            finish.wait(10)
            journal.append(records)

    slow = threading.Thread(target=Shipper(tmp_path, Slow()).ship)
    slow.start()
    begun.wait(10)
    other = Shipper(tmp_path, journal)
    assert other.ship() == 0, "somebody else ships"
    threading.Timer(0.1, finish.set).start()
    assert other.ship(wait_seconds=10) == 0, "it waited, and then nothing was left"
    slow.join()
    assert len(journal.last(10)) == 1


def test_a_journal_that_is_away_costs_nothing_but_delay(tmp_path, journal, answer):
    away = Away(journal)
    away.is_away = True
    writer, shipper = SpoolWriter(tmp_path), Shipper(tmp_path, away)
    shipper.start()
    writer.write([answer()])
    wait_until(lambda: shipper.problem is not None)
    assert "away" in str(shipper.problem)
    away.is_away = False
    writer.write([answer()])
    wait_until(lambda: len(journal.last(10)) == 2)
    wait_until(lambda: shipper.problem is None)
    shipper.stop()


def test_stopping_ships_what_is_left(tmp_path, journal, answer):
    writer, shipper = SpoolWriter(tmp_path), Shipper(tmp_path, journal)
    shipper.start()
    writer.write([answer() for _ in range(10)])
    writer.close()
    shipper.stop()
    assert len(journal.last(100)) == 10


def test_stopping_without_a_journal_leaves_it_in_the_spool(tmp_path, journal, answer):
    away = Away(journal)
    away.is_away = True
    writer, shipper = SpoolWriter(tmp_path), Shipper(tmp_path, away)
    writer.write([answer()])
    writer.close()
    shipper.start()
    shipper.stop()
    assert len(read_spool(tmp_path)) == 1


def test_no_spool_is_nothing_to_ship(tmp_path, journal):
    assert Shipper(tmp_path / "none", journal).ship() == 0


def test_a_spool_that_cannot_be_read_is_outside(tmp_path, journal):
    (tmp_path / f"1-1-a{segment.SUFFIX}").mkdir()
    with pytest.raises(OutsideError, match="can't be read"):
        Shipper(tmp_path, journal).ship()
