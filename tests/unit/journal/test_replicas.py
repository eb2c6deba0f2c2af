"""Several replicas of a service on one folder: a spool each, looked into by all, and adopted when its owner is gone."""

import os
import subprocess
import threading
from contextlib import suppress

import pytest

from slipway.errors import OutsideError
from slipway.journal import segment
from slipway.journal.segment import ALIVE
from slipway.journal.ship import Shipper, hold, remove_left
from slipway.journal.spool import SpoolWriter, backlog, read_spool
from slipway.journal.window import find, find_waiting


@pytest.fixture
def spool(tmp_path):
    return tmp_path / "spool"


class Replica:
    """What one process has of the spool; it lives until it is gone."""

    def __init__(self, spool, journal, name):
        self.folder = spool / name
        self.held = hold(self.folder)
        self.writer, self.shipper = SpoolWriter(self.folder), Shipper(spool, journal, self.folder)

    def is_gone(self):
        """As after a kill: what it held is free, and nothing was tidied."""
        self.writer.close()
        os.close(self.held)


def test_each_ships_its_own_and_looks_into_all(spool, journal, answer):
    one, two = Replica(spool, journal, "one"), Replica(spool, journal, "two")
    mine, other = answer("mine"), answer("other")
    one.writer.write([mine])
    two.writer.write([other])
    assert [record.id for record in read_spool(spool)] == ["mine", "other"]
    assert set(find_waiting(spool, ["mine", "other"])) == {"mine", "other"}
    assert find(journal, spool, ["other"])["other"].prediction == other
    assert backlog(one.folder).segments == backlog(two.folder).segments == 1
    assert one.shipper._ship_folder(one.folder) == 1
    assert backlog(one.folder).bytes == 0
    assert [record.id for record in read_spool(spool)] == ["other"]


def test_what_one_that_is_gone_left_is_shipped_by_another_and_its_folder_removed(spool, journal, answer):
    gone, living = Replica(spool, journal, "gone"), Replica(spool, journal, "living")
    gone.writer.write([answer("a"), answer("b")])
    gone.is_gone()
    assert living.shipper.ship() == 2
    assert not gone.folder.exists()
    assert living.folder.exists(), "it lives, though nothing waits there"
    assert journal.count() == (2, 0)


def test_one_that_lives_keeps_its_folder_whoever_ships_it(spool, journal, answer):
    quiet = Replica(spool, journal, "quiet")
    quiet.writer.write([answer("a")])
    assert Shipper(spool, journal).ship() == 1  # as a job, or the loop, does
    assert segment.segments(quiet.folder), "the one being written stays"
    quiet.writer.write([answer("b")])
    assert Shipper(spool, journal).ship() == 1
    assert journal.count() == (2, 0)


def test_one_that_starts_again_under_its_name_goes_on_in_its_folder(spool, journal, answer):
    before = Replica(spool, journal, "one")
    before.writer.write([answer("a")])
    before.is_gone()
    again = Replica(spool, journal, "one")
    again.writer.write([answer("b")])
    assert again.shipper.ship() == 2
    assert journal.count() == (2, 0)


def test_a_folder_is_not_removed_under_one_that_begins(spool, journal, answer):
    done = threading.Event()

    def keep_removing():
        while not done.is_set():
            for folder in segment.folders(spool):
                if folder != spool:
                    remove_left(folder)

    spool.mkdir()
    remover = threading.Thread(target=keep_removing)
    remover.start()
    try:
        for number in range(50):
            replica = Replica(spool, journal, "one")
            replica.writer.write([answer(str(number))])
            assert (replica.folder / ALIVE).exists()
            replica.is_gone()
    finally:
        done.set()
        remover.join()
    assert Shipper(spool, journal).ship() == 50


def test_what_is_not_ours_is_neither_shipped_nor_removed(spool, journal, answer):
    gone = Replica(spool, journal, "gone")
    (gone.folder / "notes.txt").write_text("why it was stopped")
    (spool / "elsewhere").mkdir()
    (spool / "elsewhere" / "x.segment").write_bytes(b"somebody's")
    gone.is_gone()
    Shipper(spool, journal).ship()
    assert (gone.folder / "notes.txt").exists()
    assert (spool / "elsewhere" / "x.segment").exists()


def test_an_end_by_request_leaves_no_folder(spool, journal, answer):
    shipper = Shipper(spool, journal, spool / "one")
    shipper.start()
    writer = SpoolWriter(spool / "one")
    writer.write([answer("a")])
    writer.close()
    shipper.stop()
    assert journal.count() == (1, 0)
    assert not (spool / "one").exists()


def test_a_few_ids_are_found_among_many_records(spool, answer, truth):
    writer = SpoolWriter(spool, segment_bytes=2_000)
    for number in range(100):
        writer.write([answer(f"key-{number:03}")])
    writer.write([truth("key-007", "high")])
    found = find_waiting(spool, ["key-007", "key-099", "nobody"])
    assert {key: each.truth and each.truth.truth for key, each in found.items()} == {"key-007": "high", "key-099": None}
    assert len(read_spool(spool, ["key-007"])) < 50, "most segments were not read"


def _fill(writer, answer):
    """Write until the disk is full; the ids that were acknowledged."""
    kept = []
    with suppress(OutsideError):
        for number in range(10_000):
            writer.write([answer(f"{number:05}")])
            kept.append(f"{number:05}")
    return kept


def test_where_the_disk_has_no_room_to_note_it_shipping_goes_on_and_makes_room(spool, journal, answer, caplog):
    spool.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", spool], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("only root can make a small disk here")
    try:
        writer, shipper = SpoolWriter(spool, segment_bytes=64 * 1024), Shipper(spool, journal)
        kept = _fill(writer, answer)
        (spool / "filler").write_bytes(b"")
        with pytest.raises(OSError, match="No space left"):
            (spool / "filler").write_bytes(bytes(1_000_000))
        assert [record.id for record in read_spool(spool)] == kept
        assert writer.check() is not None
        assert shipper.ship() == len(kept)
        assert "how far it is shipped can't be noted" in caplog.text
        assert [p.id for p in journal.last(10_000)] == kept
        assert writer.check() is None
        writer.write([answer("after")])
        assert shipper.ship() == 1
        writer.close()
    finally:
        subprocess.run(["umount", "--lazy", spool], check=True)
    assert journal.count() == (len(kept) + 1, 0)
