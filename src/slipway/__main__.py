"""The process's edge: arguments in, exit code out. Errors of our tree become one message here, and nowhere else."""

import os
import sys
import traceback

from slipway.errors import OutsideError, SlipwayError

VALUE_OPTIONS = ("-C",)
FLAG_OPTIONS = ("--quiet", "-q")


def main(arguments: list[str] | None = None) -> None:
    """Run one command and exit with its code: see DESIGN's table, or `slipway --help`."""
    # OpenMP's threads wait by spinning, so on shared cores training and scoring were ten times as slow.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    argv = _verb_first(sys.argv[1:] if arguments is None else list(arguments))
    sys.exit(_guarded(argv))


def _verb_first(argv: list[str]) -> list[str]:
    """`-C DIR run` → `run -C DIR`: what all verbs take may stand before the verb too."""
    leading: list[str] = []
    while argv and argv[0] in VALUE_OPTIONS + FLAG_OPTIONS:
        taken = 2 if argv[0] in VALUE_OPTIONS else 1
        leading, argv = leading + argv[:taken], argv[taken:]
    return [argv[0], *leading, *argv[1:]] if argv else leading


def _guarded(argv: list[str]) -> int:
    try:
        return _run(argv)
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
    except BaseException:  # a panic in Polars is no Exception
        traceback.print_exc()
        print("slipway: this is a fault of Slipway's own; the lines above say where.", file=sys.stderr)  # noqa: T201
        return SlipwayError.exit_code


def _run(argv: list[str]) -> int:
    from slipway.quick import unchanged_run

    if unchanged_run(argv):
        return 0
    from slipway.cli import app

    app(argv, prog_name="slipway")  # ends with SystemExit, also when all went well
    return 0


if __name__ == "__main__":
    main()
