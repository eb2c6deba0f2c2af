"""The version in use in, its latest window against what it learnt from out: looked at once a minute at most.

Counting a window takes a table library. A service without one tells what the loop found when it last looked.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from slipway.errors import SlipwayError
from slipway.model.score import Scorer
from slipway.project import Project
from slipway.serve.live.version import Live
from slipway.storage.seams import Decisions, Journal

DriftCheck = Callable[[Project, Scorer, int, Journal], Mapping[str, Any]]
"""The latest window of a version's predictions against what it learnt from: a function of a room above this one."""

KEPT_SECONDS = 60.0
"""How long a look at the drift is shown before another is taken."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class LatestDrift:
    """The latest window of the version in use, looked at when somebody wants to see it."""

    check: DriftCheck | None
    project: Project
    journal: Journal
    decisions: Decisions
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _seen: tuple[int, float, Mapping[str, Any]] | None = None

    def of(self, live: Live) -> Mapping[str, Any] | None:
        """As `slipway monitor --json` has it, with the window in words; None where it can't be told."""
        if self.check is None:
            return None
        with self._lock:
            if self._seen is not None and self._seen[0] == live.version:
                _, at, found = self._seen
                if time.monotonic() - at < KEPT_SECONDS:
                    return found
            try:
                looked = self._look(live)
            except SlipwayError as error:
                log.warning("the drift can't be shown: %s", error)
                return None
            if looked is not None:
                self._seen = (live.version, time.monotonic(), looked)
            return looked

    def _look(self, live: Live) -> Mapping[str, Any] | None:
        assert self.check is not None  # the caller has looked
        try:
            return self.check(self.project, live.scorer, live.version, self.journal)
        except ModuleNotFoundError:
            last = self.decisions.latest("check", version=live.version)
        if last is None or "window" not in last.detail:
            return None
        seen = last.at.replace("T", " ")[:16]
        return {**last.detail, "window": f"{last.detail['window']}, as the loop saw them at {seen} UTC"}
