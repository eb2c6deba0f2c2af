"""Lines for a shell in; executed one after the other, with what they print shown as it comes; or why one failed out."""

import contextlib
import os
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from threading import Thread
from typing import IO

from slipway.errors import OutsideError, SlipwayError, StageError

_TAIL = 15
"""Lines of what a command printed last, for the message of its failure."""

_WITH_US = "exec 3<&0 </dev/null; { read _; kill -KILL -$$; } <&3 >/dev/null 2>&1 & exec 3<&-\n"
"""The end of our lead, however we end, kills the whole group: who comes later must not find a command still writing."""


def execute_lines(root: Path, lines: Sequence[str], where: str) -> None:
    """Execute commands in the project's folder, each in a shell of its own.

    Raises:
        StageError: one ended with another code than 0; the message has the end of what it printed.
        OutsideError: one was killed.
    """
    # As in a terminal where the environment is active: `python` is the interpreter that runs us.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    for line in lines:
        code, tail = _execute(line, root, {**os.environ, "PATH": path})
        if code:
            raise _failed(where, line, code, tail)


def _execute(line: str, root: Path, environment: dict[str, str]) -> tuple[int, list[str]]:
    process = subprocess.Popen(
        ["/bin/sh", "-c", _WITH_US + line],
        cwd=root,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    tail: deque[str] = deque(maxlen=_TAIL)
    reader = Thread(target=_show, args=(process.stdout, tail), daemon=True)
    reader.start()
    try:
        code = process.wait()
    finally:
        process.stdin.close()  # ends what the command has left running, too
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        reader.join()
        process.stdout.close()
    return code, list(tail)


def _show(stream: IO[bytes], tail: "deque[str]") -> None:
    for raw in stream:
        text = raw.decode(errors="replace")
        tail.append(text.rstrip("\n"))
        sys.stderr.write(text)
        sys.stderr.flush()


def _failed(where: str, line: str, code: int, tail: Sequence[str]) -> SlipwayError:
    said = "\n\n" + "\n".join(tail) if tail else " It printed nothing."
    # A shell tells of a program that a signal ended as 128 and its number.
    number = -code if code < 0 else code - 128
    if code < 0 or number in (signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT, signal.SIGTERM):
        hint = " Is memory short?" if number == signal.SIGKILL else ""
        return OutsideError(f"{where}: `{line}` was ended by {signal.Signals(number).name}.{hint}{said}")
    return StageError(f"{where}: `{line}` ended with code {code}.{said}")
