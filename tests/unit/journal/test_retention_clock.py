"""A clock that was wrong for a while removes nothing, and what is too old goes all the same."""

import json
import logging
import time
from datetime import UTC, datetime

import pytest

from slipway.journal import Shipper, SpoolWriter
from slipway.journal.purge import Places, expire
from slipway.journal.retention import Retention
from slipway.journal.retention_clock import DAY_SECONDS as DAY
from slipway.journal.retention_clock import Sighting, keep_sighting, look, read_sighting
from slipway.records import Decision

YEAR = 365 * DAY
NOW = time.time()


@pytest.fixture
def places(tmp_path, storage):
    return Places(
        storage.journal,
        storage.decisions,
        tmp_path / ".slipway/spool",
        (tmp_path / "labelled.parquet",),
        storage.ledger,
    )


@pytest.fixture
def at(monkeypatch):
    """Sets the clock, in seconds from now."""

    def set_to(later):
        monkeypatch.setattr(time, "time", lambda: NOW + later)

    set_to(0)
    return set_to


def left(places):
    return [p.id for p in places.journal.last(99)]


def fill(places, answer, **ages):
    """Predictions of so many days ago, in the order given."""
    for key, days in ages.items():
        places.journal.append([answer(key, at=NOW - days * DAY)])


@pytest.mark.parametrize("ahead", [40 * DAY, YEAR, 50 * YEAR])
def test_a_clock_that_is_ahead_for_a_while_removes_nothing(places, answer, at, ahead):
    fill(places, answer, old=20, new=0)
    assert expire(places, 30).predictions == 0
    for hours in range(0, 23, 4):  # a server goes on meanwhile, and journals what it answers
        at(ahead + hours * 3_600)
        places.journal.append([answer(f"ahead {hours}", at=time.time())])
        removed = expire(places, 30)
        assert removed.predictions == 0
        assert "In case it is wrong, only what was too old then is removed now" in removed.postponed
    at(24 * 3_600)
    assert "yet to come" in expire(places, 30).postponed
    places.journal.append([answer("today", at=time.time())])
    assert expire(places, 30).predictions == 0
    assert left(places)[:2] == ["old", "new"]
    # Right again for some days: what is too old goes, and what the clock had dated wrongly with it.
    for days in range(2, 36):
        at(days * DAY)
        places.journal.append([answer(f"day {days}", at=time.time())])
        expire(places, 30)
    assert not {"old", "new", "ahead 0", "ahead 20"} & set(left(places))
    assert "day 10" in left(places)


def test_a_clock_that_is_ahead_when_it_is_first_looked_at_removes_nothing(places, answer, at):
    """As a server that is begun before its machine's time is set."""
    fill(places, answer, old=20, new=0)
    at(YEAR)
    assert (expire(places, 30).predictions, left(places)) == (0, ["old", "new"])


@pytest.mark.parametrize("sign", ["decision", "ledger"])
def test_whatever_else_was_noted_says_what_time_it_is(places, answer, at, flats, sign):
    """Of a journal that was not asked for a year, all but this row is right to go."""
    fill(places, answer, old=YEAR / DAY)
    if sign == "decision":
        places.decisions.append(Decision("t", "check", "none", "", iso(NOW - 3_600)))
    else:
        flats.release(1)
        at(datetime.now(UTC).timestamp() - NOW)  # the ledger notes a time that no test sets
        places = Places(places.journal, places.decisions, places.spool, (), flats.storage.ledger)
    assert expire(places, 30).predictions == 1


def iso(at):
    return time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(at))


def test_after_a_pause_what_is_too_old_goes_when_a_day_has_passed(places, answer, at):
    fill(places, answer, old=20, new=0)
    expire(places, 30)
    at(60 * DAY)
    assert expire(places, 30).predictions == 0
    at(60 * DAY + 3_600)
    assert expire(places, 30).predictions == 0
    at(61 * DAY + 3_600)
    removed = expire(places, 30)
    assert (removed.predictions, removed.postponed) == (2, "")


def test_who_removes_once_a_month_is_one_call_late(places, answer, at):
    fill(places, answer, a=0)
    for month in range(1, 5):
        at(month * 30 * DAY)
        places.journal.append([answer(f"month {month}", at=time.time())])
        at(month * 30 * DAY + 2 * DAY)
        expire(places, 45)
    assert left(places) == ["month 2", "month 3", "month 4"]


def test_a_clock_that_is_behind_for_a_while_removes_nothing_and_says_so(places, answer, at):
    fill(places, answer, old=20, new=0)
    at(-YEAR)
    removed = expire(places, 10)
    assert removed.predictions == 0
    assert "which is yet to come: a clock was wrong, or this one is." in removed.sentence()
    at(60)
    assert expire(places, 10).predictions == 1


def test_a_server_says_so_once_and_knows_it(places, answer, at, caplog):
    fill(places, answer, new=-YEAR / DAY)
    retention = Retention(places, 30)
    with caplog.at_level(logging.WARNING):
        retention.start()
        give_up = time.monotonic() + 20
        while retention.postponed is None:
            assert time.monotonic() < give_up
            time.sleep(0.01)
        retention.stop()
    assert "a clock was wrong" in retention.postponed
    assert caplog.text.count("a clock was wrong") == 1
    assert left(places) == ["new"]


def test_what_is_still_in_the_spool_is_not_cleared_by_a_wrong_clock(places, answer, at):
    writer = SpoolWriter(places.spool)
    writer.write([answer("a", at=NOW), answer("b", at=NOW)])
    Shipper(places.spool, places.journal).ship()
    expire(places, 30)
    at(YEAR)
    expire(places, 30)
    for offset in places.spool.glob("*.offset"):  # as after a crash: it is read from its beginning
        offset.unlink()
    places.journal.remove(["a", "b"])
    assert Shipper(places.spool, places.journal).ship() == 2


def test_steady_time_is_trusted_and_a_jump_is_not():
    first = look(None, 100 * DAY, [99.5 * DAY])
    assert first.trusted == 100 * DAY
    jumped = look(first, 500 * DAY, [])
    assert (jumped.trusted, jumped.since) == (100 * DAY, 500 * DAY)
    assert look(jumped, 500.9 * DAY, []).trusted == 100 * DAY
    assert look(look(jumped, 500.9 * DAY, []), 501.1 * DAY, []).trusted == 501.1 * DAY
    back = look(jumped, 100.2 * DAY, [])
    assert (back.trusted, back.since) == (100 * DAY, 100.2 * DAY)
    assert look(None, 5.0, []) == Sighting(5.0, 5.0, 5.0)
    assert look(None, 100 * DAY, [300 * DAY, 99.9 * DAY]).trusted == 100 * DAY, "a sign of the future is none"


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b'{"seen":"x"}', json.dumps({"seen": 1, "since": 1, "trusted": 1, "format": 9}).encode()],
)
def test_a_file_that_can_not_be_read_is_none(tmp_path, content):
    path = tmp_path / "state/clock.json"
    keep_sighting(path, Sighting(1.0, 2.0, 3.0))
    assert read_sighting(path) == Sighting(1.0, 2.0, 3.0)
    path.write_bytes(content)
    assert read_sighting(path) is None
