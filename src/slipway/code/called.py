"""A function of the user's in, what it gives out; or its error with its traceback, without frames of ours."""

import contextlib
import os
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

from slipway.errors import StageError

_OURS = Path(__file__).parents[1]


def called(root: Path, where: str, what: str, function: Any, *arguments: Any, **settings: Any) -> Any:
    """Call into the user's code. What it prints goes to standard error: standard output is for results.

    Args:
        where: its file and line, which the message begins with where the traceback has no better one.
        what: what a person calls it, such as "stage `split`".

    Raises:
        StageError: it raised; the error itself is the cause.
    """
    try:
        with contextlib.redirect_stdout(sys.stderr), _output_as_errors():
            return function(*arguments, **settings)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a panic in Polars is no Exception, nor is what `sys.exit` raises
        found, text = _traceback(root, error)
        raised = f"{found or where}: {what} raised {type(error).__name__}: {error}"
        raise StageError(f"{raised}\n\n{text}".rstrip()) from error


@contextlib.contextmanager
def _output_as_errors() -> Iterator[None]:
    """What a process or a C library that the code uses prints goes to standard error, too."""
    try:
        kept = os.dup(1)
    except OSError:  # closed: nobody reads it
        yield
        return
    try:
        sys.stderr.flush()
        with contextlib.suppress(OSError):
            os.dup2(2, 1)
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def _traceback(root: Path, error: BaseException) -> tuple[str, str]:
    """Where in the project's own code it happened, and the traceback from that code on, up to ours if it calls us."""
    frames = [(tb, tb.tb_frame.f_code.co_filename) for tb in _chain(error.__traceback__)]
    own = [(tb, Path(filename).relative_to(root)) for tb, filename in frames if Path(filename).is_relative_to(root)]
    if isinstance(error, SyntaxError) or not own:
        return "", "".join(traceback.format_exception_only(error))
    shown = traceback.TracebackException(type(error), error, own[0][0], compact=True)
    while len(shown.stack) > 1 and Path(shown.stack[-1].filename).is_relative_to(_OURS):
        shown.stack.pop()
    return f"{own[-1][1]}:{own[-1][0].tb_lineno}", "".join(shown.format())


def _chain(tb: TracebackType | None) -> Iterator[TracebackType]:
    while tb is not None:
        yield tb
        tb = tb.tb_next
