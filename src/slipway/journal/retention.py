"""An age in; journalled predictions beyond it removed, at once and then every hour, in a thread of a server."""

import logging
import threading

from slipway.journal.purge import Places, expire

INTERVAL_SECONDS = 3_600.0

log = logging.getLogger(__name__)


class Retention:
    """Removes what is too old while a server runs.

    Args:
        keep_days: None keeps everything.
    """

    def __init__(self, places: Places, keep_days: float | None) -> None:
        self._places = places
        self._keep_days = keep_days
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._postponed: str | None = None

    @property
    def postponed(self) -> str | None:
        """Why what is too old by the clock is not removed; None where it is."""
        return self._postponed

    def start(self) -> None:
        """Begin, where there is an age."""
        if self._keep_days is not None:
            self._thread = threading.Thread(target=self._keep_removing, name="retention", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def _keep_removing(self) -> None:
        assert self._keep_days is not None  # `start` has looked
        while not self._stopping.is_set():
            try:
                removed = expire(self._places, self._keep_days)
            except Exception:  # the edge of this thread: it has to try again, whatever happened
                log.exception("what is older than %g days could not be removed; tried again later", self._keep_days)
            else:
                if removed.postponed and removed.postponed != self._postponed:
                    log.warning("older than %g days: %s", self._keep_days, removed.postponed)
                self._postponed = removed.postponed or None
                if removed.predictions or removed.truths:
                    log.info("older than %g days: %s", self._keep_days, removed.sentence())
            self._stopping.wait(INTERVAL_SECONDS)
