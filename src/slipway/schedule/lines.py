"""A function that is told lines in; what a process writes to its outputs meanwhile, each line told besides, out."""

import contextlib
import re
import sys
from collections.abc import Callable, Iterator
from typing import Any, TextIO, cast

_STYLE = re.compile(r"\x1b\[[0-9;]*m")


@contextlib.contextmanager
def copied(tell: Callable[[str], None]) -> Iterator[None]:
    """Within this, what Python code of this process prints goes where it went, and every full line to `tell` too."""
    out, err = _Copied(sys.stdout, tell), _Copied(sys.stderr, tell)
    with contextlib.redirect_stdout(cast(TextIO, out)), contextlib.redirect_stderr(cast(TextIO, err)):
        yield


class _Copied:
    """A text stream whose lines are told; in all else it is the stream."""

    def __init__(self, stream: TextIO, tell: Callable[[str], None]) -> None:
        self._stream = stream
        self._tell = tell
        self._rest = ""

    def write(self, text: str) -> int:
        written = self._stream.write(text)
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            shown = _STYLE.sub("", line).rstrip()
            if shown:
                self._tell(shown)
        return written

    def writelines(self, lines: list[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
