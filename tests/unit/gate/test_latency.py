import subprocess
import sys
import time
from dataclasses import replace

import pytest

from slipway.gate.latency import latency
from slipway.project import Replay

ROWS = [{"weight": 150.0 + i, "colour": "red", "age": 1.0} for i in range(5)]


class Slow:
    """A version that takes its time over each request."""

    def __init__(self, scorer, milliseconds):
        self.bundle = scorer.bundle
        self._scorer = scorer
        self._seconds = milliseconds / 1000

    def score(self, table):
        time.sleep(self._seconds)
        return self._scorer.score(table)


class Hindered(Slow):
    """A version beside which others use the processor every other time: it is not slower itself."""

    def __init__(self, scorer, milliseconds):
        super().__init__(scorer, milliseconds)
        self.asked = 0

    def score(self, table):
        self.asked += 1
        return super().score(table) if self.asked % 4 else self._scorer.score(table)


class Laborious:
    """A version that does the same work so many times."""

    def __init__(self, scorer, times):
        self.bundle, self._scorer, self._times = scorer.bundle, scorer, times

    def score(self, table):
        for _ in range(self._times):
            scores = self._scorer.score(table)
        return scores


@pytest.fixture
def busy_machine():
    """More processes than processors, which compute without pause."""
    command = [sys.executable, "-c", "while True: sum(range(10_000))"]
    others = [subprocess.Popen(command) for _ in range(6)]
    yield
    for other in others:
        other.kill()
        other.wait()


def test_on_a_busy_machine_the_same_version_is_not_refused_and_a_slower_one_is(good, busy_machine):
    tight = Replay(latency_factor=1.5, latency_floor_ms=0.5)
    assert {latency(good, good, ROWS, tight, "").outcome for _ in range(3)} == {"passed"}
    told = latency(Laborious(good, 8), good, ROWS, tight, "")
    assert told.outcome == "failed"
    assert "times, +" in told.uncertainty


def test_what_a_version_does_not_wait_every_time_is_not_its_own(good):
    told = latency(Hindered(good, 40), good, ROWS, Replay(), "")
    assert told.outcome != "failed"


def test_what_it_waits_every_time_does_not_pass_and_fails_where_nobody_else_uses_the_machine(good):
    told = latency(Slow(good, 40), good, ROWS, Replay(), "")
    assert told.outcome == "failed" or (told.outcome, "; by the clock " in told.measured) == ("cannot tell", True)


def test_what_cannot_be_told_refuses_nobody(good):
    rows = [{"weight": 150.0, "colour": "red"}]  # a row that neither takes
    told = latency(good, good, rows, Replay(), "")
    assert (told.outcome, told.counts) == ("cannot tell", False)


def test_a_version_beside_itself_is_as_fast(good):
    told = latency(good, good, ROWS, Replay(), "")
    assert told.outcome == "passed"
    assert told.varies
    assert "ms for a row alone" in told.measured


def test_a_version_that_takes_far_longer_fails(good):
    told = latency(Laborious(good, 20), good, ROWS, Replay(latency_factor=2.0, latency_floor_ms=2.0), "")
    assert told.outcome == "failed"
    assert told.asked == "at most 2 times production's, or 2 ms more"


@pytest.mark.parametrize("limit", [Replay(latency_factor=100.0), Replay(latency_floor_ms=500.0)])
def test_both_limits_have_to_be_passed(good, limit):
    assert latency(Laborious(good, 20), good, ROWS, limit, "").outcome == "passed"


def test_without_production_or_requests_that_it_takes_nothing_is_told_and_nobody_refused(good):
    told = latency(good, None, ROWS, Replay(), "nothing is live yet")
    assert (told.measured, told.outcome, told.counts) == ("nothing is live yet", "cannot tell", False)
    other = replace(good.bundle.schema, columns=good.bundle.schema.columns[:1])
    production = replace(good, bundle=replace(good.bundle, manifest=replace(good.bundle.manifest, schema=other)))
    told = latency(good, production, ROWS, Replay(), "")
    assert (told.measured, told.outcome, told.counts) == ("no requests that both take", "cannot tell", False)
