import resource

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.serve.http.limits import MAX_CONNECTIONS, ConnectionLimit, connections_within, raise_open_files


class Door:
    """A connection of which is known alone that it was closed for another."""

    def __init__(self):
        self.is_closed = False

    def give_way(self):
        self.is_closed = True


def admitted(limit, count, address="10.0.0.1"):
    doors = [Door() for _ in range(count)]
    assert all(limit.admit(door, address) for door in doors)
    return doors


def test_at_the_cap_the_one_that_waited_longest_gives_way():
    limit = ConnectionLimit(8)
    doors = admitted(limit, 4) + admitted(limit, 4, "10.0.0.2")
    limit.work(doors[0])
    limit.wait(doors[0])  # it has asked meanwhile, so that it waits the shortest
    admitted(limit, 2)
    assert [door.is_closed for door in doors] == [False, True, True, False, False, False, False, False]
    assert len(limit) == 8


def test_one_address_has_half_of_the_places_and_takes_them_from_itself_alone():
    limit = ConnectionLimit(100)
    (other,) = admitted(limit, 1, "10.0.0.2")
    doors = admitted(limit, 1_000)
    assert len(limit) == 51
    assert not other.is_closed
    assert sum(not door.is_closed for door in doors) == 50


def test_in_all_the_most_crowded_address_gives_way():
    limit = ConnectionLimit(10)
    crowd, few = admitted(limit, 5), admitted(limit, 4, "10.0.0.2")
    admitted(limit, 1, "10.0.0.3")
    admitted(limit, 1, "10.0.0.4")
    assert [door.is_closed for door in crowd] == [True, False, False, False, False]
    assert not any(door.is_closed for door in few)


def test_who_is_being_answered_is_not_closed_and_a_newcomer_is_refused_then():
    limit = ConnectionLimit(4)
    doors = admitted(limit, 2) + admitted(limit, 2, "10.0.0.2")
    for door in doors:
        limit.work(door)
    assert not limit.admit(Door(), "10.0.0.1")
    assert not limit.admit(Door(), "10.0.0.3")
    assert not any(door.is_closed for door in doors)
    limit.leave(doors[0])
    assert limit.admit(Door(), "10.0.0.3")


@given(st.lists(st.tuples(st.sampled_from("awdl"), st.integers(0, 5), st.sampled_from("xyz")), max_size=60))
def test_counts_hold_whatever_connections_do(steps):
    limit, doors = ConnectionLimit(6), []
    for step, which, address in steps:
        if step == "a":
            door = Door()
            if limit.admit(door, address):
                doors.append((door, address))
        elif doors:
            door = doors[which % len(doors)][0]
            {"w": limit.wait, "d": limit.work, "l": limit.leave}[step](door)
            if step == "l":
                door.is_closed = True
        open_now = [address for door, address in doors if not door.is_closed]
        assert len(limit) == len(open_now) <= 6
        assert all(open_now.count(address) <= 3 for address in "xyz")


@pytest.mark.parametrize(("files", "connections"), [(64, 32), (256, 128), (1_024, 768), (4_096, 3_840)])
def test_descriptors_are_left_for_the_spool_and_the_database(files, connections):
    assert connections_within(files) == connections


def test_a_limit_without_an_end_is_no_reason_for_connections_without_one():
    assert connections_within(2**20) == MAX_CONNECTIONS


def test_the_soft_limit_of_files_is_raised_to_the_hard_one():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lower = min(soft, 512)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lower, hard))
    try:
        assert raise_open_files() > lower
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] > lower
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
