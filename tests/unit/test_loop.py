"""Ticks one after another: what ends them and what does not. A tick itself is in tests/flow."""

import os
import signal

import pytest

from slipway.errors import BusyError, ProjectError, StageError
from slipway.loop import keep_ticking, tick_seconds


@pytest.mark.parametrize("before", [signal.SIG_DFL, signal.SIG_IGN, signal.default_int_handler])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_ticks_and_is_given_back(number, before):
    ours = signal.signal(number, before)
    try:
        keep_ticking(lambda: os.kill(os.getpid(), number), 3_600, lambda error: None)
        assert signal.getsignal(number) == before
    finally:
        signal.signal(number, ours)


def test_what_may_be_over_by_the_next_tick_is_told_and_ends_nothing():
    told, ticks = [], iter([BusyError("busy"), StageError("broken")])

    def tick():
        raise next(ticks)

    with pytest.raises(StageError, match="broken"):
        keep_ticking(tick, 0.01, told.append)
    assert [str(error) for error in told] == ["busy"]


@pytest.mark.parametrize("every", ["0s", "15", "m", "-1s", "1w"])
def test_an_interval_needs_a_number_above_nothing_and_a_unit(every):
    with pytest.raises(ProjectError, match="such as 15m"):
        tick_seconds(every)
