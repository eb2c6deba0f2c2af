"""Wait for a child process by what it does, not by the clock: on a busy machine it gets its time all the same."""

import os
import subprocess
import time
from pathlib import Path
from typing import AnyStr

_LOOKS = 4
_LONGEST_LOOK = 5.0
_STILL = 0.005
"""Seconds of processor time below which a child has done nothing."""


def wait_for_work(child: "subprocess.Popen[AnyStr]", seconds: float) -> tuple[AnyStr, AnyStr]:
    """Wait until a child ends, and give what it wrote to standard output and standard error.

    Args:
        seconds: of processor time that it may use, and of the clock that it may do nothing.

    Raises:
        subprocess.TimeoutExpired: it used them, or did nothing for so long; it still runs.

    Where the system does not tell what a process used, the clock decides.
    """
    look = min(_LONGEST_LOOK, seconds / _LOOKS)
    used, since = processor_seconds(child.pid) or 0.0, time.monotonic()
    while True:
        try:
            return child.communicate(timeout=look)
        except subprocess.TimeoutExpired:
            now = processor_seconds(child.pid)
            if now is not None and now - used > _STILL:
                used, since = now, time.monotonic()
            if used >= seconds or time.monotonic() - since >= seconds:
                raise


def processor_seconds(pid: int) -> float | None:
    """Return the processor time that a process and its threads have used; None where that is not told."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return None
