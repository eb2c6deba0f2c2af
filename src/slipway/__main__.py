"""The process's edge: arguments in, exit code out. Errors of our tree become one message here, and nowhere else."""

import os
import signal
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from types import FrameType

from slipway import garbage
from slipway.errors import OutsideError, ProjectError, SlipwayError

VALUE_OPTIONS = ("-C",)
FLAG_OPTIONS = ("--quiet", "-q")
GROUPS = ("stack",)
"""Words that a verb of its own follows."""
EXECUTING = ("run", "stage", "up", "loop", "job")
"""The verbs that execute stages, which may end their process."""


def main(arguments: list[str] | None = None) -> None:
    """Run one command and exit with its code: see DESIGN's table, or `slipway --help`."""
    # OpenMP's threads wait by spinning, so on shared cores training and scoring were ten times as slow.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if arguments is None:
        _end_by_signals()
        _look_here_last()
        garbage.look_seldom()
    argv = _verb_first(sys.argv[1:] if arguments is None else list(arguments))
    sys.exit(_guarded(lambda: _run(argv)))


def _end_by_signals() -> None:
    """Unwind at SIGTERM and SIGINT from here on; a script's shell starts what runs in the background without SIGINT."""

    def end(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _look_here_last() -> None:
    """Find modules of the working folder after all others: `PYTHONPATH` may name it, if only by an empty entry."""
    with suppress(OSError):  # it was removed
        here = os.getcwd()  # noqa: PTH109
        sys.path.sort(key=lambda folder: folder in ("", ".", here))


def _verb_first(argv: list[str]) -> list[str]:
    """`-C DIR run` → `run -C DIR`: what all verbs take may stand before the verb too."""
    leading: list[str] = []
    while argv and argv[0] in VALUE_OPTIONS + FLAG_OPTIONS:
        taken = 2 if argv[0] in VALUE_OPTIONS else 1
        leading, argv = leading + argv[:taken], argv[taken:]
    words = 2 if argv[:1] and argv[0] in GROUPS else 1
    return [*argv[:words], *leading, *argv[words:]] if argv else leading


def _guarded(work: Callable[[], int]) -> int:
    try:
        return work()
    except SlipwayError as error:
        print(f"slipway: {error}", file=sys.stderr)  # noqa: T201
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader of our output, such as `head`, has left
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        print(f"slipway: {error}", file=sys.stderr)  # noqa: T201
        return OutsideError.exit_code
    except SystemExit:
        raise
    except BaseException as error:  # a panic in Polars is no Exception
        if isinstance(error, ModuleNotFoundError) and not (error.name or "slipway").startswith("slipway"):
            print(  # noqa: T201
                f"slipway: this takes the library `{error.name}`, which is not installed here. An API's image has what "
                "serving takes: call it where jobs run, such as with `docker compose run --rm JOB slipway …`.",
                file=sys.stderr,
            )
            return ProjectError.exit_code
        traceback.print_exc()
        print("slipway: this is a fault of Slipway's own; the lines above say where.", file=sys.stderr)  # noqa: T201
        return SlipwayError.exit_code


def _run(argv: list[str]) -> int:
    from slipway.quick import rendered, unchanged_run

    if unchanged_run(argv):
        return 0
    if (code := rendered(argv)) is not None:
        return code
    if argv[:1] and argv[0] in EXECUTING and "--help" not in argv:
        from slipway.pipeline.watched import watched

        return watched(lambda: _ended(lambda: _command(argv)))
    return _command(argv)


def _ended(work: Callable[[], int]) -> int:
    """The code that a command ends with, also where it ends by raising that."""
    try:
        return _guarded(work)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)


def _command(argv: list[str]) -> int:
    from slipway.cli import app

    app(argv, prog_name="slipway")  # ends with SystemExit, also when all went well
    return 0


if __name__ == "__main__":
    main()
