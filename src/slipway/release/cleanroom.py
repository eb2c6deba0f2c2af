"""A bundle's folder → whether a fresh process loads it and gets the expected answers.

`python -I -m slipway.release.cleanroom FOLDER` prints one JSON object and exits with 0, or 1 where it can't.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

from slipway.release.lines import Line

CHECK = "clean load"
ASKED = "loads in a fresh process, with the expected answers"


class CleanRoom:
    """The fresh process, started at once so that it works beside the other checks; `line` waits for it."""

    def __init__(self, folder: Path, *, seconds: float = 120.0) -> None:
        self._seconds = seconds
        # One thread: the check must not compete with what it runs beside. -I: neither the working folder, nor PYTHON's
        # variables, nor the user's own packages can help the bundle.
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-m", "slipway.release.cleanroom", str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1"},
        )

    def line(self) -> Line:
        """The gate's line."""
        try:
            said, complained = self._process.communicate(timeout=self._seconds)
        except subprocess.TimeoutExpired:
            self.close()
            return Line(CHECK, ASKED, f"not done after {self._seconds:g} s", "cannot tell")
        last = (said.strip().splitlines() or [""])[-1]
        try:
            found = json.loads(last)
            problem, examples = found["problem"], found["examples"]
        except (ValueError, KeyError, TypeError):
            code = self._process.returncode
            ended = (complained.strip().splitlines() or ["no message"])[-1]
            return Line(CHECK, ASKED, f"the process ended with {code}: {ended}", "failed")
        if problem is not None:
            return Line(CHECK, ASKED, problem, "failed")
        return Line(CHECK, ASKED, f"{examples} examples answered as expected", "passed")

    def close(self) -> None:
        """End the process if it still runs."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()


def main(folder: str) -> int:
    """Load and score; the JSON on standard output is the answer."""
    try:
        from slipway.model.bundle import open_bundle
        from slipway.model.score import load_scorer
        from slipway.release.expected import check_examples

        examples = check_examples(load_scorer(open_bundle(Path(folder))))
    except Exception as error:  # this process's edge: whatever the bundle does, the answer is a sentence
        sys.stdout.write("\n" + json.dumps({"problem": f"{type(error).__name__}: {error}", "examples": 0}) + "\n")
        return 1
    sys.stdout.write("\n" + json.dumps({"problem": None, "examples": examples}) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
