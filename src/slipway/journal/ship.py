"""A spool in, the same records in the journal exactly once; one process at a time does it, whichever has the lock.

Each replica of a service ships its own folder of the spool, and looks every few seconds for what others left behind:
the folder of one that is gone is shipped by those that live, and removed when it is empty.
"""

import contextlib
import fcntl
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from slipway.errors import OutsideError
from slipway.file_rights import STATE_FOLDER, create_private, make_private_folder, tighten
from slipway.journal import damage, segment
from slipway.journal.election import elected
from slipway.journal.segment import ALIVE
from slipway.storage.seams import Journal

BATCH_BYTES = 4 * 1024 * 1024
INTERVAL_SECONDS = 0.25
LONGEST_WAIT_SECONDS = 5.0
END_SECONDS = 10.0
"""How long an end waits for what is being shipped."""
OTHERS_SECONDS = 5.0
"""Between two looks at what other replicas left."""

_REMOVABLE = (".lock", ".new", ".offset", ".offset-new")

log = logging.getLogger(__name__)


class Shipper:
    """Moves what waits in a spool to the journal, from any process and after any crash.

    Args:
        own: the folder of it that this process writes to, which it ships all the while; the spool itself, if not given.
        look: called in the shipper's thread every few seconds while the journal is there.
    """

    def __init__(
        self, spool: Path, journal: Journal, own: Path | None = None, look: Callable[[], object] = lambda: None
    ) -> None:
        self._look = look
        self._spool = spool
        self._own = own or spool
        self._journal = journal
        self._held: int | None = None
        self._noted: dict[Path, int] = {}
        """How far segments were shipped for which the disk had no room to say so."""
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self._problem: str | None = None
        self._is_tightened = False

    @property
    def problem(self) -> str | None:
        """Why the last attempt failed; None when it did not."""
        return self._problem

    def ship(self, *, wait_seconds: float = 0.0) -> int:
        """Ship what waits now, of all replicas; how many records went. What another process ships, and has not left
        when `wait_seconds` have passed, is left to it.

        Raises:
            OutsideError: the journal or the disk is away; what was not shipped waits. Raised, too, for a segment that
                a newer version wrote, once those behind it are shipped.
        """
        self._tighten()
        count, problem = 0, None
        others = [folder for folder in segment.folders(self._spool) if folder != self._own]
        for folder in (self._own, *others):
            try:
                count += self._ship_folder(folder, wait_seconds)
            except segment.OtherFormat as error:
                problem = problem or error
        for folder in others:
            if folder != self._spool:
                remove_left(folder)
        if problem is not None:
            raise problem
        return count

    @contextlib.contextmanager
    def reserved(self) -> Iterator[Callable[[], int]]:
        """Keep the own folder from other shippers as long as the block runs.

        Yields:
            A function that ships what waits in the folder, and returns how many records went; none where another
            process ships it already.

        Raises:
            OutsideError: the folder can't be made.
        """
        with segment.at_the_disk(self._own):
            make_private_folder(self._own)
        with elected(self._own, 0.0) as is_elected:
            yield lambda: self._ship_all(self._own) if is_elected else 0

    def start(self) -> None:
        """Ship in a thread from now on, again and again; while the journal is away, at growing intervals."""
        self._tighten()
        if self._own != self._spool:
            with segment.at_the_disk(self._own):
                self._held = hold(self._own)
        self._stopping.clear()
        self._thread = threading.Thread(target=self._keep_shipping, name="shipper", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread, then ship what is left; what a journal that is away does not take, waits in the spool."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(END_SECONDS)
            self._thread = None
        try:
            self._ship_folder(self._own, 5.0)
        except OutsideError as error:
            log.warning("not all of the journal could be shipped; it waits in %s: %s", self._own, error)
        if self._held is not None:
            os.close(self._held)
            self._held = None
            remove_left(self._own)

    def _tighten(self) -> None:
        """Take others' rights from what earlier versions left, once."""
        if self._is_tightened or not self._spool.is_dir():
            return
        if self._spool.parent.name == STATE_FOLDER:
            tighten(self._spool.parent)
        with contextlib.suppress(FileNotFoundError), segment.at_the_disk(self._spool):
            for folder in segment.folders(self._spool):
                tighten(folder, *(path for path in folder.iterdir() if path.is_file()))
        self._is_tightened = True

    def _keep_shipping(self) -> None:
        wait, others_at = INTERVAL_SECONDS, time.monotonic()
        while not self._stopping.wait(wait):
            try:
                if time.monotonic() < others_at:
                    self._ship_folder(self._own)
                else:
                    self.ship()
                    self._look()
                    others_at = time.monotonic() + OTHERS_SECONDS
            except Exception as error:  # the edge of this thread: a shipper that died would be noticed by nobody
                if self._problem is None:
                    log.warning("the journal can't be reached; predictions wait in %s: %s", self._own, error)
                self._problem = str(error)
                wait = min(wait * 2, LONGEST_WAIT_SECONDS)
            else:
                if self._problem is not None:
                    log.info("the journal is reached again")
                self._problem = None
                wait = INTERVAL_SECONDS

    def _ship_folder(self, folder: Path, wait_seconds: float = 0.0) -> int:
        try:
            with elected(folder, wait_seconds) as is_elected:
                return self._ship_all(folder) if is_elected else 0
        except FileNotFoundError:  # nobody has written there yet, or what was left is shipped and removed
            return 0

    def _ship_all(self, folder: Path) -> int:
        count, problem = 0, None
        for path in segment.segments(folder):
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
            offset = max(segment.shipped(path), self._noted.get(path, 0))
            count = 0
            while True:
                chunk = segment.read_segment(path, offset, limit=BATCH_BYTES)
                if not chunk.records and not chunk.damaged:
                    break
                if chunk.damaged:
                    damage.set_aside(path, chunk.damaged)
                count += self._append(path, chunk.records)
                offset = chunk.end
                self._note(path, offset)
        except FileNotFoundError:
            return 0
        except OSError as error:
            raise OutsideError(f"{path}: the spool can't be read or its state not kept ({error}).") from error
        if not is_written:
            _finish(path, chunk)
            self._noted.pop(path, None)
        return count

    def _append(self, path: Path, records: Sequence[segment.Record]) -> int:
        """Bring records to the journal; how many it took. One that it can't take is set aside."""
        if not records:
            return 0
        try:
            self._journal.append(records)
            return len(records)
        except OutsideError:
            raise
        except Exception:  # whatever a database says of one value
            self._journal.newest()  # what is wrong with the journal as a whole is raised here
        refused = []
        for record in records:
            try:
                self._journal.append([record])
            except OutsideError:
                raise
            except Exception as error:  # as above
                log.error("%s: the journal does not take a record: %s", path, type(error).__name__)
                refused.append(segment.payload_of(record))
        damage.set_aside(path, refused)
        return len(records) - len(refused)

    def _note(self, path: Path, offset: int) -> None:
        try:
            segment.mark_shipped(path, offset)
        except FileNotFoundError:
            raise
        except OSError as error:  # most likely a full disk, on which shipping makes the room that is missing
            if path not in self._noted:
                log.warning("%s: how far it is shipped can't be noted (%s)", path, error.strerror)
            self._noted[path] = offset


def hold(folder: Path) -> int:
    """Say that the replica of this folder lives, until the handle is closed or its process ends."""
    while True:
        make_private_folder(folder)
        with contextlib.suppress(FileNotFoundError):
            handle = create_private(folder / ALIVE, os.O_RDWR)
            fcntl.flock(handle, fcntl.LOCK_SH)
            if _is_at(handle, folder / ALIVE):
                return handle
            os.close(handle)  # somebody was just removing the folder


def remove_left(folder: Path) -> None:
    """Remove the folder of a replica that is gone and has left nothing to ship."""
    with contextlib.suppress(FileNotFoundError):
        handle = create_private(folder / ALIVE, os.O_RDWR)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            left = list(folder.iterdir())
            if _is_at(handle, folder / ALIVE) and all(path.suffix in _REMOVABLE for path in left):
                for path in left:
                    path.unlink(missing_ok=True)
                folder.rmdir()
        except BlockingIOError:
            return  # it lives
        finally:
            os.close(handle)


def _is_at(handle: int, path: Path) -> bool:
    try:
        return os.fstat(handle).st_ino == path.stat().st_ino
    except FileNotFoundError:
        return False


def _finish(path: Path, rest: segment.Chunk) -> None:
    # A torn end was never acknowledged: its writer died within the write. A whole record with a wrong checksum is
    # another matter, a disk's, so it is kept for whoever wants to look at it.
    if rest.is_damaged and rest.end < len(segment.HEADER):
        kept = path.with_suffix(damage.SUFFIX)
        log.error("%s: damaged from its first byte on; kept as %s", path, kept.name)
        path.rename(kept)
    elif rest.is_damaged:
        damage.set_aside(path, [path.read_bytes()[rest.end :]])
    segment.delete(path)
