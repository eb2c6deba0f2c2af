import subprocess
import sys
import time

import pytest

from slipway.gate.patience import processor_seconds, wait_for_work


def child(code):
    return subprocess.Popen(
        [sys.executable, "-I", "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


WORK = "import time\nend = time.monotonic() + {}\nwhile time.monotonic() < end: sum(range(1000))\nprint('done')"


def test_a_child_that_ends_gives_what_it_wrote():
    assert wait_for_work(child("import sys; print('a'); print('b', file=sys.stderr)"), 60) == ("a\n", "b\n")


@pytest.mark.skipif(processor_seconds(1) is None, reason="the system does not tell what a process has used")
def test_a_child_that_works_is_waited_for_though_the_clock_is_beyond():
    """It may use 1.5 s of the processor; its pauses make it take longer than that by the clock."""
    worker = child("import time\nfor _ in range(7):\n    sum(range(2_000_000)); time.sleep(0.25)\nprint('done')")
    started = time.monotonic()
    assert wait_for_work(worker, 1.5)[0] == "done\n"
    assert time.monotonic() - started > 1.6


@pytest.mark.parametrize("code", ["import time; time.sleep(60)", WORK.format(60)])
def test_a_child_that_does_nothing_or_never_ends_is_not(code):
    endless = child(code)
    with pytest.raises(subprocess.TimeoutExpired):
        wait_for_work(endless, 0.4)
    assert endless.poll() is None
    endless.kill()
    endless.communicate()
