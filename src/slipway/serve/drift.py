"""The version in use in, its latest window against what it learnt from out: looked at once a minute at most."""

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
from slipway.storage.seams import Journal

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
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _seen: tuple[int, float, Mapping[str, Any]] | None = None

    def of(self, live: Live) -> Mapping[str, Any] | None:
        """As `slipway monitor --json` has it; None where it can't be told."""
        if self.check is None:
            return None
        with self._lock:
            if self._seen is not None and self._seen[0] == live.version:
                _, at, found = self._seen
                if time.monotonic() - at < KEPT_SECONDS:
                    return found
            try:
                found = self.check(self.project, live.scorer, live.version, self.journal)
            except SlipwayError as error:
                log.warning("the drift can't be shown: %s", error)
                return None
            self._seen = (live.version, time.monotonic(), found)
            return found
