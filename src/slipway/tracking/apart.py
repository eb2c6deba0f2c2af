"""A tracker in a process of its own: the seconds that its import takes pass beside the work of whoever asks.

The module run as a program, with the tracker's address and the project's folder, answers one JSON request a line, until
its input ends.
"""

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from threading import Lock
from typing import Any

from slipway import garbage, processes
from slipway.errors import OutsideError, SlipwayError
from slipway.tracking.seams import RunFacts, Tracker

END_SECONDS = 60.0
"""Making MLflow's tables takes that long on a machine that is busy, and half of them would be no good to anybody."""


class TrackerApart:
    """Asks an `MlflowTracker` in another process, which is started when it is first wanted. Threads may share it."""

    def __init__(self, tracking_uri: str, root: Path) -> None:
        self._tracking_uri, self._root = tracking_uri, root
        self._asking = Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._has_answered = False

    def prepare(self) -> None:
        """Start the process and come back at once; it gets ready meanwhile."""
        with self._asking:
            self._started()

    def register(self, facts: RunFacts) -> int:
        """See `MlflowTracker.register`."""
        version = self._ask("register", facts={**asdict(facts), "bundle": str(facts.bundle)})
        return int(version)

    def point(self, name: str, alias: str, version: int) -> None:
        """See `MlflowTracker.point`."""
        self._ask("point", name=name, alias=alias, version=version)

    def pointed(self, name: str, alias: str) -> int | None:
        """See `MlflowTracker.pointed`."""
        version = self._ask("pointed", name=name, alias=alias)
        return None if version is None else int(version)

    def anchor(self, name: str, version: int, head: str) -> None:
        """See `MlflowTracker.anchor`."""
        self._ask("anchor", name=name, version=version, head=head)

    def anchors(self, name: str) -> dict[int, str]:
        """See `MlflowTracker.anchors`."""
        return {int(version): head for version, head in self._ask("anchors", name=name).items()}

    def close(self) -> None:
        """End the process, if there is one. A later use starts another."""
        with self._asking:
            process, self._process = self._process, None
            if process is None:
                return
            # Once it has answered, nothing is under way in it. Before, it ends at once unless it makes MLflow's tables.
            if self._has_answered:
                process.kill()
            else:
                process.terminate()
            try:
                process.communicate(timeout=END_SECONDS)  # its input ends, and so does it
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()

    def _ask(self, verb: str, **given: Any) -> Any:
        with self._asking:
            process = self._started()
            assert process.stdin is not None
            assert process.stdout is not None
            try:
                process.stdin.write(json.dumps({"verb": verb, "given": given}).encode() + b"\n")
                process.stdin.flush()
                line = process.stdout.readline()
            except OSError:
                line = b""
            if not line:
                self._process = None
                with process:  # closes what led to it
                    code = process.wait()
                raise OutsideError(f"MLflow's process ended with {code} before it answered: what it said is above.")
            self._has_answered = True
        answer = json.loads(line)
        if "problem" in answer:
            raise OutsideError(answer["problem"])
        return answer["answer"]

    def _started(self) -> "subprocess.Popen[bytes]":
        if self._process is not None and self._process.poll() is not None:
            with self._process:  # closes what led to it
                pass
            self._process = None
        if self._process is None:
            self._has_answered = False
            # Ctrl-C is for the command that a person sees; this one ends with it.
            self._process = processes.start(
                "slipway.tracking.apart", self._tracking_uri, str(self._root), root=self._root, has_own_session=True
            )
        return self._process


def main(tracking_uri: str, root: str) -> None:
    """Answer requests from standard input, the tracker having got ready first. SIGTERM ends an import, no more."""
    # Libraries print as they like; only answers may go where answers are read.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    from slipway.tracking.mlflow import MlflowTracker, import_quietly

    import_quietly()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # from here on MLflow's tables may be under way
    tracker = MlflowTracker(tracking_uri, Path(root))
    with suppress(SlipwayError):  # asked for something, it says why it can't
        tracker.prepare()
    for line in sys.stdin:
        request = json.loads(line)
        answer: dict[str, Any]
        try:
            answer = {"answer": _answer(tracker, request["verb"], request["given"])}
        except SlipwayError as error:
            answer = {"problem": str(error)}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def _answer(tracker: Tracker, verb: str, given: dict[str, Any]) -> int | dict[int, str] | None:
    match verb:
        case "register":
            facts = RunFacts(**given["facts"])
            return tracker.register(replace(facts, bundle=Path(facts.bundle)))
        case "point":
            tracker.point(**given)
            return None
        case "pointed":
            return tracker.pointed(**given)
        case "anchor":
            tracker.anchor(**given)
            return None
        case "anchors":
            return dict(tracker.anchors(**given))
        case _:
            raise AssertionError(verb)


if __name__ == "__main__":
    garbage.look_seldom()
    main(*sys.argv[1:3])
