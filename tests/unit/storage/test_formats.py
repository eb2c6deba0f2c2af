"""What earlier versions left is read by this one: each fixture was written by `scripts/formats.py` of its day."""

import runpy
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from slipway.errors import OutsideError
from slipway.journal import segment
from slipway.journal.ship import Shipper
from slipway.release.ledger import verify
from slipway.release.states import stand
from slipway.settings import read_settings
from slipway.storage import open_storage
from slipway.storage.sqlite import FORMAT

ROOT = Path(__file__).parents[3]
KEPT = ROOT / "tests/fixtures/formats"
WRITTEN = runpy.run_path(str(ROOT / "scripts/formats.py"))
STATES = sorted(KEPT.glob("state-*.sql"), key=lambda path: int(path.stem.split("-")[1]))


@pytest.fixture
def storage(tmp_path):
    opened = open_storage(read_settings(tmp_path, {}))
    yield opened
    opened.close()


@pytest.mark.parametrize("dump", STATES, ids=lambda path: path.stem)
def test_a_state_file_of_any_format_is_brought_up_to_this_one_with_all_that_it_holds(dump, storage, tmp_path):
    state = read_settings(tmp_path, {}).state_db
    state.parent.mkdir()
    with closing(sqlite3.connect(state)) as connection:
        connection.executescript(dump.read_text(encoding="utf-8"))
    found = (storage.journal.last(9), storage.journal.truths(), storage.decisions.last(9))
    assert found == (list(WRITTEN["PREDICTIONS"]), list(WRITTEN["TRUTHS"]), list(WRITTEN["DECISIONS"]))
    assert [(t.name, t.sha256, t.scopes) for t in storage.tokens.all()] == [
        (t.name, t.sha256, t.scopes) for t in WRITTEN["TOKENS"]
    ]
    entries = storage.ledger.entries()
    assert entries == WRITTEN["entries"]()
    assert verify(entries).ok
    assert (stand(entries).live, stand(entries).states[2]) == (1, "rolled back")
    assert storage.lease.holder("retrain") == WRITTEN["LEASE"][1]
    assert storage.pending.all() == (list(WRITTEN["WAITING"]) if int(dump.stem.split("-")[1]) > 2 else [])
    with closing(sqlite3.connect(state)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (FORMAT,)


def test_a_fixture_of_todays_format_is_kept():
    """After a new format: `python scripts/formats.py tests/fixtures/formats`."""
    assert STATES[-1].stem == f"state-{FORMAT}"
    assert (KEPT / f"spool-{segment.HEADER.split()[-1].decode()}.segment").is_file()


@pytest.mark.parametrize("kept", sorted(KEPT.glob("spool-*.segment")), ids=lambda path: path.stem)
def test_a_segment_of_any_format_is_shipped(kept, storage, tmp_path):
    (tmp_path / "spool").mkdir()
    shutil.copy(kept, tmp_path / "spool/00000000000000000001-1-a.segment")
    assert Shipper(tmp_path / "spool", storage.journal).ship() == len(WRITTEN["PREDICTIONS"]) + len(WRITTEN["TRUTHS"])
    assert storage.journal.last(9) == list(WRITTEN["PREDICTIONS"])
    assert storage.journal.truths() == list(WRITTEN["TRUTHS"])
    assert segment.segments(tmp_path / "spool") == []


def test_a_segment_of_a_newer_format_is_kept_and_holds_nothing_up(storage, tmp_path):
    spool = tmp_path / "spool"
    spool.mkdir()
    newer = spool / "00000000000000000001-1-a.segment"
    newer.write_bytes(segment.MAGIC + b"2\nwhat nobody here can read")
    shutil.copy(KEPT / "spool-1.segment", spool / "00000000000000000002-1-b.segment")
    with pytest.raises(OutsideError, match=r"written by another version of Slipway .slipway spool 2; this one knows"):
        Shipper(spool, storage.journal).ship()
    assert storage.journal.count()[0] == len(WRITTEN["PREDICTIONS"])
    assert segment.segments(spool) == [newer]


def test_a_segment_whose_beginning_was_damaged_is_kept_aside(storage, tmp_path):
    spool = tmp_path / "spool"
    spool.mkdir()
    content = bytearray((KEPT / "spool-1.segment").read_bytes())
    content[3] ^= 1
    (spool / "00000000000000000001-1-a.segment").write_bytes(content)
    assert segment.state(spool / "00000000000000000001-1-a.segment") == "damaged"
    assert Shipper(spool, storage.journal).ship() == 0
    assert [path.read_bytes() for path in spool.glob("*.damaged")] == [bytes(content)]
