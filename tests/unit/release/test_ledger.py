from dataclasses import fields, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slipway.errors import BusyError, CheckRefused
from slipway.records import LedgerEntry
from slipway.release.ledger import FIRST_PREVIOUS_HASH, entry_hash, entry_json, record, verify
from slipway.release.states import stand
from slipway.storage.sqlite import SqliteLedger, state_file

from .conftest import Entries


@pytest.fixture
def ledger(tmp_path):
    file = state_file(tmp_path / "state.db")
    yield SqliteLedger(file)
    file.close()


def history(ledger):
    """Two releases and a way back: six entries."""
    for version in (1, 2):
        record(ledger, "candidate", version, bundle=f"bundle {version}", by="ana", why="accuracy 0.8")
        record(ledger, "passed", version, bundle=f"bundle {version}", by="ana", why="6 lines passed", gate="g" * 64)
        record(ledger, "released", version, bundle=f"bundle {version}", by="ana", why="", gate="g" * 64)
    record(ledger, "rolled back", 1, bundle="bundle 1", by="bo", why="worse on Mondays")
    return ledger.entries()


def test_entries_are_a_chain_from_64_zeros(ledger):
    entries = history(ledger)
    assert entries[0].previous_hash == FIRST_PREVIOUS_HASH == "0" * 64
    assert [e.previous_hash for e in entries[1:]] == [e.hash for e in entries[:-1]]
    assert verify(entries).ok
    assert verify([]).ok


def test_the_hash_is_of_the_canonical_json_of_the_other_fields():
    entry = LedgerEntry(1, "2026-01-01T00:00:00", "candidate", 1, None, "b", None, "ü", "", "0" * 64, "")
    # printf %s '{"action":"candidate","at":…,"why":""}' | sha256sum
    assert entry_hash(entry) == "16a4559905524e661e3f0ec798c0b0821a3caa72c1a2129dad1f336501488ee8"
    assert entry_hash(replace(entry, hash="anything")) == entry_hash(entry)


def test_what_was_live_before_is_recorded_where_it_changes(ledger):
    assert [e.previous for e in history(ledger)] == [None, None, None, None, None, 1, 2]


@given(data=st.data())
@settings(deadline=None)
def test_any_edited_field_of_any_entry_is_found(data):
    entries = history(Entries())
    place = data.draw(st.integers(0, len(entries) - 1))
    name = data.draw(st.sampled_from([field.name for field in fields(LedgerEntry)]))
    old = getattr(entries[place], name)
    new = data.draw((st.integers(1, 99) | st.none() if isinstance(old, int) else st.text()).filter(lambda v: v != old))
    entries[place] = replace(entries[place], **{name: new})
    found = verify(entries)
    assert not found.ok
    assert f"entry {place + 1}" in found.problem or f"entry {place + 2}" in found.problem


@given(data=st.data())
@settings(deadline=None)
def test_any_removed_or_moved_entry_before_the_last_is_found(data):
    entries = history(Entries())
    place = data.draw(st.integers(0, len(entries) - 2))
    removed = entries.pop(place)
    assert f"entry {place + 1} is missing or out of order" in verify(entries).problem
    entries.insert(data.draw(st.integers(place + 1, len(entries))), removed)
    assert not verify(entries).ok


def test_an_edit_with_its_own_hash_made_anew_breaks_the_next_link(ledger):
    entries = history(ledger)
    edited = replace(entries[2], by="nobody")
    entries[2] = replace(edited, hash=entry_hash(edited))
    assert "entry 4 follows an entry with hash" in verify(entries).problem


def test_an_edit_is_told_with_its_entry(ledger):
    entries = history(ledger)
    entries[4] = replace(entries[4], why="all lines passed")
    assert verify(entries).problem.startswith("entry 5 (passed of version 2) was edited: its fields give hash ")


class Overtaken:
    """A ledger where another appends first, some times."""

    def __init__(self, ledger, times):
        self._ledger, self.times = ledger, times

    def append(self, entry):
        if self.times:
            self.times -= 1
            record(self._ledger, "candidate", 100 + self.times, bundle="b", by="bo", why="")
        return self._ledger.append(entry)

    def entries(self):
        return self._ledger.entries()

    def head(self):
        return self._ledger.head()


def test_an_entry_that_was_overtaken_is_made_anew_after_the_other(ledger):
    entry = record(Overtaken(ledger, 3), "candidate", 1, bundle="b", by="ana", why="")
    assert entry.seq == 4
    assert verify(ledger.entries()).ok


def test_an_entry_that_is_always_overtaken_gives_up(ledger):
    with pytest.raises(BusyError, match="The ledger changed 50 times while candidate of version 1"):
        record(Overtaken(ledger, 1000), "candidate", 1, bundle="b", by="ana", why="")


def test_an_entry_that_was_overtaken_is_validated_anew(ledger):
    record(ledger, "candidate", 1, bundle="b", by="ana", why="")
    record(ledger, "passed", 1, bundle="b", by="ana", why="")

    class ReleasedByAnother(Overtaken):
        def append(self, entry):
            if self.times:
                self.times = 0
                record(self._ledger, "released", 1, bundle="b", by="bo", why="")
            return self._ledger.append(entry)

    with pytest.raises(Exception, match="Version 1 is live already"):
        record(ReleasedByAnother(ledger, 1), "released", 1, bundle="b", by="ana", why="")


def test_what_was_decided_on_another_live_version_is_refused(ledger):
    two = stand(history(ledger)[:-1])
    assert two.live == 2
    record(ledger, "candidate", 3, bundle="b", by="ana", why="")
    record(ledger, "passed", 3, bundle="b", by="ana", why="")
    with pytest.raises(CheckRefused, match="Version 1 is live, not version 2, which this was decided on"):
        record(ledger, "released", 3, bundle="b", by="ana", why="", on=two)


def test_bytes_of_a_command_line_that_are_no_text_are_kept_readable(ledger):
    record(ledger, "candidate", 1, bundle="b", by="ana", why="caf\udce9")
    (entry,) = ledger.entries()
    assert entry.why == "caf\\udce9"
    assert verify([entry]).ok


def test_an_entry_as_json_has_the_keys_that_scripts_rely_on(ledger):
    entries = history(ledger)
    promised = {"seq", "at", "action", "version", "previous", "by", "why", "hash", "previous_hash"}
    assert promised <= entry_json(entries[0]).keys()
    assert entry_json(entries[-1])["previous"] == 2
