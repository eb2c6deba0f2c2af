"""A bundle's folder → whether a fresh process loads it and gets the expected answers.

`python -I -m slipway.gate.cleanroom FOLDER` prints one JSON object and exits with 0, or 1 where it can't. Without a
folder it imports what any bundle needs, and then takes the folder as a line of its standard input.
"""

import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from slipway import garbage
from slipway.gate.lines import Line
from slipway.gate.patience import wait_for_work

CHECK = "clean load"
ASKED = "loads in a fresh process, with the expected answers"


class CleanRoom:
    """The fresh process, started at once so that it works beside the other checks; `line` waits for it.

    One that is started without a folder has its libraries ready when it is let `enter` one.
    """

    def __init__(self, folder: Path | None = None, *, seconds: float = 120.0) -> None:
        self._seconds = seconds
        self._folder = folder
        # One thread: the check must not compete with what it runs beside. -I: neither the working folder, nor PYTHON's
        # variables, nor the user's own packages can help the bundle.
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-m", "slipway.gate.cleanroom", *([str(folder)] if folder else [])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1"},
        )

    def enter(self, folder: Path) -> None:
        """Load the bundle there, for a process that was started before there was one."""
        self._folder = folder
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # it has ended, and `line` says how
            self._process.stdin.write(f"{folder}\n")
            self._process.stdin.flush()

    def line(self) -> Line:
        """The gate's line."""
        assert self._folder is not None
        try:
            said, complained = wait_for_work(self._process, self._seconds)
        except subprocess.TimeoutExpired:
            self.close()
            undone = f"not done after {self._seconds:g} s of work, or without any for as long"
            return Line(CHECK, ASKED, undone, "cannot tell", "", "a bundle that loads and answers in less")
        last = (said.strip().splitlines() or [""])[-1]
        try:
            found = json.loads(last)
            problem, examples = found["problem"], found["examples"]
        except (ValueError, KeyError, TypeError):
            code = self._process.returncode
            ended = (complained.strip().splitlines() or ["no message"])[-1]
            return Line(CHECK, ASKED, f"the process ended with {code}: {ended}", "failed", "", "the error mended")
        if problem is not None:
            return Line(CHECK, ASKED, problem, "failed", "", "a bundle that needs nothing but itself and its libraries")
        said = f"{examples} examples answered as expected"
        return Line(CHECK, ASKED, said, "passed", "", "one that is answered otherwise fails")

    def close(self) -> None:
        """End the process if it still runs."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()


def main(folder: str | None) -> int:
    """Load and score; the JSON on standard output is the answer."""
    try:
        if folder is None:
            _import_early()
            folder = sys.stdin.readline().removesuffix("\n")
            if not folder:  # whoever started this does not need it any more
                return 0
        from slipway.gate.expected import check_examples
        from slipway.model.bundle import open_bundle
        from slipway.model.score import load_scorer

        examples = check_examples(load_scorer(open_bundle(Path(folder))))
    except Exception as error:  # this process's edge: whatever the bundle does, the answer is a sentence
        sys.stdout.write("\n" + json.dumps({"problem": f"{type(error).__name__}: {error}", "examples": 0}) + "\n")
        return 1
    sys.stdout.write("\n" + json.dumps({"problem": None, "examples": examples}) + "\n")
    return 0


def _import_early() -> None:
    """What loading nearly every bundle imports, and nothing of a bundle's own."""
    import sklearn.compose
    import sklearn.ensemble
    import sklearn.pipeline  # noqa: F401

    from slipway.pipeline.trusted import skops_io

    skops_io()


if __name__ == "__main__":
    garbage.look_seldom()
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else None))
