from dataclasses import replace

import pytest

from registry import Registry
from slipway.errors import CheckRefused
from slipway.records import LedgerEntry
from slipway.release.anchor import accept, bring_forward, check_anchors, compare, head_of
from slipway.release.ledger import FIRST_PREVIOUS_HASH, entry_hash, record, verify
from slipway.settings import read_settings
from slipway.storage import open_storage


@pytest.fixture
def ledger(tmp_path):
    storage = open_storage(read_settings(tmp_path, {}))
    for action in ("candidate", "passed", "released", "settled"):
        record(storage.ledger, action, 1, bundle="b" * 64, by="ana", why="")
    yield storage.ledger
    storage.close()


def written_anew(entries: list[LedgerEntry], place: int, **changes) -> list[LedgerEntry]:
    """The chain with one entry changed and every hash from there on made anew, so that it holds in itself."""
    chain = list(entries[:place])
    for entry in entries[place:]:
        before = chain[-1].hash if chain else FIRST_PREVIOUS_HASH
        bare = replace(entry, previous_hash=before, **(changes if entry is entries[place] else {}))
        chain.append(replace(bare, hash=entry_hash(bare)))
    return chain


def test_without_a_head_there_is_nothing_to_compare_with(ledger):
    found = check_anchors(Registry(), "flats", ledger.entries()[:2])
    assert (found.seq, found.problem) == (None, None)
    assert "nothing to compare it with" in found.sentence()


def test_a_head_is_brought_forward_after_a_crash_came_between(ledger):
    tracker, entries = Registry(), ledger.entries()
    assert bring_forward(tracker, "flats", entries[:3]) is None
    assert tracker.heads == {1: f"3:{entries[2].hash}"}
    assert compare(entries, tracker.heads).seq == 3
    assert check_anchors(tracker, "flats", entries).problem is None
    assert tracker.heads == {1: head_of(entries)}
    assert check_anchors(tracker, "flats", entries).sentence() == "the tracker confirms it up to entry 4"


@pytest.mark.parametrize("place", [0, 1, 2, 3])
def test_a_chain_that_was_written_anew_holds_and_is_found_all_the_same(ledger, place):
    tracker, entries = Registry(), ledger.entries()
    bring_forward(tracker, "flats", entries)
    forged = written_anew(entries, place, by="nobody")
    assert verify(forged).ok
    found = check_anchors(tracker, "flats", forged)
    assert found.problem == (
        f"version 1 in the tracker was marked at entry 4 with hash {entries[3].hash[:12]}, and the ledger has "
        f"{forged[3].hash[:12]} there: it was written anew"
    )
    assert tracker.heads == {1: head_of(entries)}, "the evidence stays"


def test_a_chain_that_was_cut_short_is_found(ledger):
    tracker, entries = Registry(), ledger.entries()
    bring_forward(tracker, "flats", entries)
    found = check_anchors(tracker, "flats", entries[:3])
    assert "marked at entry 4" in found.problem
    assert "the ledger ends with entry 3: entries were cut off" in found.problem


def test_a_head_that_is_no_head_is_a_problem(ledger):
    assert "written anew" in compare(ledger.entries(), {1: "banana"}).problem


def test_the_next_release_does_not_cover_up_what_was_found(ledger):
    tracker, entries = Registry(), ledger.entries()
    bring_forward(tracker, "flats", entries)
    forged = written_anew(entries, 2, why="all is well")
    assert "the ledger is not the one that was written" in bring_forward(tracker, "flats", forged)
    assert tracker.heads == {1: head_of(entries)}


@pytest.mark.parametrize("kept", [0, 2, 4])
def test_a_copy_put_back_on_purpose_can_be_accepted(ledger, kept):
    tracker, entries = Registry(), ledger.entries()
    bring_forward(tracker, "flats", entries)
    accept(tracker, "flats", entries[:kept])
    assert check_anchors(tracker, "flats", entries[:kept]).problem is None


def test_a_tracker_that_is_away_is_a_warning_where_the_ledger_changes(ledger):
    tracker = Registry()
    tracker.is_away = True
    assert "could not be kept in the tracker" in bring_forward(tracker, "flats", ledger.entries())


def test_nothing_is_recorded_on_a_chain_that_does_not_hold(ledger):
    class Edited:
        def entries(self):
            first, *others = ledger.entries()
            return [replace(first, by="nobody"), *others]

        append = ledger.append

    with pytest.raises(CheckRefused, match=r"The ledger does not hold: entry 1 .* was edited.* Nothing is built on it"):
        record(Edited(), "candidate", 2, bundle="c" * 64, by="ana", why="")
    assert len(ledger.entries()) == 4
