"""A fresh process that loads a bundle as a service does, holds it to its expected answers, and tries its routes.

The module run as a program, with a folder, prints one JSON object and exits with 0, or 1 where it can't. Without a
folder it imports what any bundle needs, and then takes the folder as a line of its standard input.
"""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from slipway import garbage, processes
from slipway.gate.lines import Line
from slipway.gate.patience import wait_for_work

CHECK = "clean load"
ASKED = "serves in a fresh process, with the expected answers"


class CleanRoom:
    """The fresh process, started at once so that it works beside the other checks; `lines` waits for it.

    One that is started without a folder has its libraries ready when it is let `enter` one.
    """

    def __init__(self, folder: Path | None = None, *, seconds: float = 120.0) -> None:
        self._seconds = seconds
        self._folder = folder
        # One thread: the check must not compete with what it runs beside. It finds the libraries that a server here
        # would, and the working folder can't help the bundle.
        self._process = processes.start(
            "slipway.gate.cleanroom",
            *([str(folder)] if folder else []),
            root=Path(),
            more={"OMP_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1"},
            stderr=subprocess.PIPE,
        )

    def enter(self, folder: Path) -> None:
        """Load the bundle there, for a process that was started before there was one."""
        self._folder = folder
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # it has ended, and `line` says how
            self._process.stdin.write(f"{folder}\n".encode())
            self._process.stdin.flush()

    def line(self) -> Line:
        """The gate's line on the load."""
        return self.lines()[0]

    def lines(self) -> list[Line]:
        """The gate's lines: on the load, and on the routes where the version has any of its own."""
        from slipway.gate.routes import Trial, routes_line  # not at once: this process is to start before that is read

        assert self._folder is not None
        try:
            answer, errors = wait_for_work(self._process, self._seconds)
        except subprocess.TimeoutExpired:
            self.close()
            undone = f"not done after {self._seconds:g} s of work, or without any for as long"
            return [Line(CHECK, ASKED, undone, "cannot tell", "", "a bundle that loads and answers in less")]
        said, complained = answer.decode(errors="replace"), errors.decode(errors="replace")
        last = (said.strip().splitlines() or [""])[-1]
        try:
            found = json.loads(last)
            problem, examples = found["problem"], found["examples"]
            trials = [Trial(**each) for each in found["trials"]]
        except (ValueError, KeyError, TypeError):
            code = self._process.returncode
            ended = (complained.strip().splitlines() or ["no message"])[-1]
            return [Line(CHECK, ASKED, f"the process ended with {code}: {ended}", "failed", "", "the error mended")]
        if problem is not None:
            change = "a bundle that needs nothing but itself and its libraries"
            return [Line(CHECK, ASKED, problem, "failed", "", change)]
        said = f"{examples} examples answered as expected"
        loaded = Line(CHECK, ASKED, said, "passed", "", "one that is answered otherwise fails")
        return [loaded, routes_line(trials)] if trials else [loaded]

    def close(self) -> None:
        """End the process if it still runs."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()


def main(folder: str | None) -> int:
    """Load and score; the JSON on standard output is the answer."""
    try:
        from slipway.gate.service_scorer import import_libraries, load_service_scorer

        if folder is None:
            import_libraries()
            _import_early()
            folder = sys.stdin.readline().removesuffix("\n")
            if not folder:  # whoever started this does not need it any more
                return 0
        from slipway.gate.routes import try_routes
        from slipway.model.bundle import open_bundle

        scorer = load_service_scorer(open_bundle(Path(folder)))
        trials = [asdict(trial) for trial in try_routes(scorer)]
        examples = len(scorer.bundle.examples()[0])
    except Exception as error:  # this process's edge: whatever the bundle does, the answer is a sentence
        return _tell(f"{type(error).__name__}: {error}")
    return _tell(None, examples, trials)


def _tell(problem: str | None, examples: int = 0, trials: Sequence[Mapping[str, Any]] = ()) -> int:
    found = {"problem": problem, "examples": examples, "trials": list(trials)}
    sys.stdout.write("\n" + json.dumps(found) + "\n")
    return 0 if problem is None else 1


def _import_early() -> None:
    """What loading most bundles imports beyond that: it passes while there is no bundle yet."""
    import sklearn.compose
    import sklearn.ensemble
    import sklearn.pipeline  # noqa: F401


if __name__ == "__main__":
    garbage.look_seldom()
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else None))
