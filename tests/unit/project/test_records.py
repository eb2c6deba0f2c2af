import time
from dataclasses import FrozenInstanceError

import pytest

from slipway import stage
from slipway.records import Decision, new_id


def test_ids_are_26_digits_and_sort_by_time():
    first = new_id()
    time.sleep(0.002)
    second = new_id()
    assert len(first) == len(second) == 26
    assert int(first, 16) < int(second, 16)
    assert first < second
    assert len({new_id() for _ in range(10_000)}) == 10_000


def test_an_id_carries_the_millisecond_it_was_made_in():
    before = time.time_ns() // 1_000_000
    assert before <= int(new_id()[:12], 16) <= time.time_ns() // 1_000_000


def test_records_are_frozen_and_share_nothing():
    one, other = (Decision("tick", "check", "none", "", "now") for _ in range(2))
    assert one == other
    assert one.detail is not other.detail
    with pytest.raises(FrozenInstanceError):
        one.outcome = "alarm"


def test_a_marked_function_stays_the_function_it_was():
    def double(table):
        return table * 2

    assert stage(double) is double
    assert stage(online=True, outputs=("a",), publish="t", key=["id"])(double) is double
    assert stage(double)(21) == 42
