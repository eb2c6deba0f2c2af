"""A spool in, the same records in the journal exactly once; one process at a time does it, whichever has the lock."""

import contextlib
import fcntl
import logging
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from slipway.errors import OutsideError
from slipway.journal import segment
from slipway.storage.seams import Journal

BATCH_BYTES = 4 * 1024 * 1024
INTERVAL_SECONDS = 0.25
LONGEST_WAIT_SECONDS = 30.0

log = logging.getLogger(__name__)


class Shipper:
    """Moves what waits in a spool folder to the journal, from any process and after any crash."""

    def __init__(self, folder: Path, journal: Journal) -> None:
        self._folder = folder
        self._journal = journal
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self._problem: str | None = None

    @property
    def problem(self) -> str | None:
        """Why the last attempt failed; None when it did not."""
        return self._problem

    def ship(self, *, wait_seconds: float = 0.0) -> int:
        """Ship what waits now; how many records went. 0 also when another process ships and `wait_seconds` pass.

        Raises:
            OutsideError: the journal or the disk is away; what was not shipped waits. Raised, too, for a segment that
                a newer version wrote, once those behind it are shipped.
        """
        if not self._folder.is_dir():
            return 0
        with self._elected(wait_seconds) as elected:
            if not elected:
                return 0
            return self._ship_all()

    def start(self) -> None:
        """Ship in a thread from now on, again and again; while the journal is away, at growing intervals."""
        self._stopping.clear()
        self._thread = threading.Thread(target=self._keep_shipping, name="shipper", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread, then ship what is left; what a journal that is away does not take, waits in the spool."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        try:
            self.ship(wait_seconds=5.0)
        except OutsideError as error:
            log.warning("not all of the journal could be shipped; it waits in %s: %s", self._folder, error)

    def _keep_shipping(self) -> None:
        wait = INTERVAL_SECONDS
        while not self._stopping.wait(wait):
            try:
                self.ship()
            except Exception as error:  # the edge of this thread: a shipper that died would be noticed by nobody
                if self._problem is None:
                    log.warning("the journal can't be reached; predictions wait in %s: %s", self._folder, error)
                self._problem = str(error)
                wait = min(wait * 2, LONGEST_WAIT_SECONDS)
            else:
                if self._problem is not None:
                    log.info("the journal is reached again")
                self._problem = None
                wait = INTERVAL_SECONDS

    def _ship_all(self) -> int:
        count, problem = 0, None
        for path in segment.segments(self._folder):
            try:
                count += self._ship_segment(path)
            except segment.OtherFormat as error:
                problem = problem or error
        if problem is not None:
            raise problem
        return count

    def _ship_segment(self, path: Path) -> int:
        try:
            # Asked before reading: what is read after the writer has gone is all there will ever be.
            is_written = segment.is_written(path)
            offset = segment.shipped(path)
            count = 0
            while True:
                chunk = segment.read_segment(path, offset, limit=BATCH_BYTES)
                if not chunk.records:
                    break
                self._journal.append(chunk.records)
                count += len(chunk.records)
                offset = chunk.end
                segment.mark_shipped(path, offset)
        except FileNotFoundError:
            return 0
        except OSError as error:
            raise OutsideError(f"{path}: the spool can't be read or its state not kept ({error}).") from error
        if not is_written:
            _finish(path, chunk)
        return count

    @contextlib.contextmanager
    def _elected(self, wait_seconds: float) -> Iterator[bool]:
        deadline = time.monotonic() + wait_seconds
        handle = os.open(self._folder / "shipper.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            while True:
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    if time.monotonic() >= deadline:
                        yield False
                        return
                    time.sleep(0.02)
                else:
                    yield True
                    return
        finally:
            os.close(handle)


def _finish(path: Path, rest: segment.Chunk) -> None:
    # A torn end was never acknowledged: its writer died within the write. A whole record with a wrong checksum is
    # another matter, a disk's, so it is kept for whoever wants to look at it.
    if rest.is_damaged:
        kept = path.with_suffix(".damaged")
        log.error("%s: damaged from byte %d on; kept as %s", path, rest.end, kept.name)
        path.rename(kept)
    segment.delete(path)
