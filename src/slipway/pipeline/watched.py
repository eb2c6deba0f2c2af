"""A command that executes stages in, its exit code out, whatever a stage does to its process: that is our child."""

import contextlib
import mmap
import os
import signal
import sys
from collections.abc import Callable, Iterator

from slipway import processes
from slipway.errors import OutsideError, SlipwayError, StageError

_ROOM = 4096
_FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_FROM_KERNEL = 0x80
"""Of a signal that the terminal sent: the child has it already."""


class _Board:
    """A page of memory that a child writes to and its parent reads when the child is gone."""

    page: mmap.mmap | None = None


@contextlib.contextmanager
def underway(where: str) -> Iterator[None]:
    """Within this a stage is executed: should the process end, it was this one."""
    if _Board.page is None:
        yield
        return
    text = where.encode()[: _ROOM - 1]
    _Board.page[: len(text) + 1] = text + b"\0"
    try:
        yield
    finally:
        _Board.page[0] = 0


def watched(work: Callable[[], int]) -> int:
    """Do the work in a child of this process, and give its exit code; signals that we get are its signals.

    Raises:
        StageError: a stage ended the process, as `os._exit` does.
        OutsideError: the process was killed.
    """
    if not hasattr(signal, "sigwaitinfo"):
        return work()
    _Board.page = mmap.mmap(-1, _ROOM)
    told, tells = os.pipe()
    led, leads = os.pipe()
    signals = {*_FORWARDED, signal.SIGCHLD}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    child = os.fork()
    if child == 0:
        os.close(told)
        os.close(leads)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)  # at once, whatever a stage is computing
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        sys.stdout.flush()
        processes.end_with(led)
        code = work()
        os.write(tells, b".")
        return code
    os.close(tells)
    os.close(led)
    status, sent = _wait(child, signals)
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    is_done = bool(os.read(told, 1))
    if is_done or (status < 0 and -status in sent):
        return status if status >= 0 else 128 - status
    raise _ended(status, bytes(_Board.page).split(b"\0", 1)[0].decode(errors="replace"))


def _wait(child: int, signals: set[signal.Signals]) -> tuple[int, set[int]]:
    """The child's exit code, or the signal that ended it as a negative number; and what it was sent through us."""
    sent: set[int] = set()
    while True:
        found = signal.sigwaitinfo(signals)
        if found.si_signo == signal.SIGCHLD:
            pid, status = os.waitpid(child, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status), sent
            continue
        sent.add(found.si_signo)
        if found.si_code != _FROM_KERNEL:
            os.kill(child, found.si_signo)


def _ended(status: int, where: str) -> SlipwayError:
    if status >= 0:
        return StageError(
            f"{where or 'A stage'} ended the process with code {status} before it was done (`os._exit`, or a library "
            f"that calls it): a stage returns what it makes, or raises. What was there before is there still."
        )
    name = processes.ended_by(status)
    what = f"{where}: its process" if where else "The process of this command"
    return OutsideError(f"{what} was ended by {name} What it had not finished is as it was before; run again.")
