"""A lease that was taken while the clock was wrong holds nobody up; one that is held is not lost by a small step."""

import time

import pytest

import backends
from slipway.storage.clock import SKEW_SECONDS


@pytest.fixture(params=backends.BACKENDS)
def lease_at(request, tmp_path, monkeypatch):
    """The lease as it is at a time of the store's clock."""
    now = time.time()
    if request.param == "postgres":
        clock = request.getfixturevalue("postgres_server").clock
        clock.write_text(str(now))
    storage = backends.open_backend(request.param, tmp_path, has_own_clock=True)

    def at(later):
        if request.param == "postgres":
            clock.write_text(str(now + later))
        else:
            monkeypatch.setattr(time, "time", lambda: now + later)
        return storage.lease

    yield at
    storage.close()
    backends.forget(tmp_path)


@pytest.mark.parametrize("ahead", [3_600, 86_400, 365 * 86_400])
def test_who_died_while_the_clock_was_ahead_keeps_nothing(lease_at, ahead):
    assert lease_at(ahead).acquire("retrain", "dead", 60)
    assert lease_at(ahead).holder("retrain") == "dead"
    assert lease_at(0).holder("retrain") is None
    assert lease_at(0).acquire("retrain", "ana", 60)
    assert lease_at(1).holder("retrain") == "ana"


def test_who_lives_learns_that_it_was_lost_meanwhile(lease_at):
    assert lease_at(3_600).acquire("retrain", "ana", 60)
    assert lease_at(0).acquire("retrain", "bo", 60)
    assert not lease_at(1).renew("retrain", "ana", 60)


def test_who_lives_goes_on_if_it_is_the_first_to_say_so(lease_at):
    assert lease_at(3_600).acquire("retrain", "ana", 60)
    assert lease_at(0).renew("retrain", "ana", 60)
    assert not lease_at(1).acquire("retrain", "bo", 60)
    assert lease_at(61).acquire("retrain", "bo", 60)


def test_a_small_step_back_takes_it_from_nobody(lease_at):
    assert lease_at(SKEW_SECONDS - 1).acquire("retrain", "ana", 60)
    assert not lease_at(0).acquire("retrain", "bo", 60)


def test_a_clock_that_goes_on_by_a_jump_ends_it_as_time_does(lease_at):
    assert lease_at(0).acquire("retrain", "ana", 60)
    assert lease_at(3_600).acquire("retrain", "bo", 60)
