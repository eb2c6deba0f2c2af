"""Requests that were denied in; a line in the log out, the first at once and the others counted, once a minute."""

import logging
import threading
import time
from collections import Counter
from typing import Literal

Reason = Literal["no token", "an unknown token", "an expired token", "too few scopes", "signs of another site"]

TELL_SECONDS = 60.0
_PLACES = 1_000
"""Addresses that are told apart at most: whoever tries many has only to be counted."""
_SHOWN = 5

log = logging.getLogger(__name__)


class Attempts:
    """Counts who was denied, from where. Threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._reasons: Counter[str] = Counter()
        self._places: Counter[str] = Counter()
        self._told_at: float | None = None

    def denied(self, reason: Reason, place: str) -> None:
        """One request was denied.

        Args:
            place: the address that it came from.
        """
        with self._lock:
            self._reasons[reason] += 1
            self._places[place if place in self._places or len(self._places) < _PLACES else "elsewhere"] += 1
        self.tell()

    def tell(self) -> None:
        """Log what has come since the last line, if that is a minute ago."""
        now = time.monotonic()
        with self._lock:
            if not self._reasons or (self._told_at is not None and now - self._told_at < TELL_SECONDS):
                return
            reasons, self._reasons = self._reasons, Counter()
            places, self._places = self._places, Counter()
            self._told_at = now
        listed = ", ".join(f"{count:,} with {reason}" for reason, count in reasons.most_common())
        where = ", ".join(f"{place} ({count:,})" for place, count in places.most_common(_SHOWN))
        more = f" and {len(places) - _SHOWN:,} more" if len(places) > _SHOWN else ""
        log.warning("requests were denied: %s; from %s%s", listed, where, more)
