import logging

import pytest

from slipway.serve.access import attempts
from slipway.serve.access.attempts import Attempts


@pytest.fixture
def clock(monkeypatch):
    """The time that `Attempts` sees, in seconds."""
    now = [1_000.0]
    monkeypatch.setattr(attempts.time, "monotonic", lambda: now[0])
    return now


def test_the_first_is_told_at_once_and_the_rest_once_a_minute(clock, caplog):
    caplog.set_level(logging.WARNING)
    made = Attempts()
    made.denied("an unknown token", "10.0.0.3")
    assert caplog.messages == ["requests were denied: 1 with an unknown token; from 10.0.0.3 (1)"]
    for n in range(1_200):
        made.denied("an unknown token", "10.0.0.3")
        made.denied("no token", f"10.0.1.{n % 7}")
    made.tell()
    assert len(caplog.messages) == 1
    clock[0] += 61
    made.tell()
    assert caplog.messages[1].startswith(
        "requests were denied: 1,200 with an unknown token, 1,200 with no token; from 10.0.0.3 (1,200), 10.0.1.0 (172)"
    )
    assert caplog.messages[1].endswith("and 3 more")
    clock[0] += 61
    made.tell()
    assert len(caplog.messages) == 2  # nobody came


def test_many_addresses_are_counted_without_being_remembered(clock, caplog):
    made = Attempts()
    made.denied("no token", "first")
    for n in range(5_000):
        made.denied("no token", f"10.{n}")
    clock[0] += 61
    made.tell()
    assert "elsewhere (4,000)" in caplog.messages[-1]
