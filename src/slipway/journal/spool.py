"""Records in, on the local disk before the call returns; nothing is acknowledged that is not here."""

import fcntl
import logging
import os
import secrets
import threading
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Literal

from slipway.errors import OutsideError
from slipway.file_rights import create_private, make_private_folder
from slipway.journal import segment
from slipway.journal.segment import Record

Durability = Literal["process", "disk"]
SEGMENT_BYTES = 8 * 1024 * 1024
FEW_IDS = 20

log = logging.getLogger(__name__)


class SpoolWriter:
    """Appends to a segment of its own; a new one is begun when it has grown to `segment_bytes`. Safe between threads.

    Args:
        folder: of the spool, made when missing; several processes may write to one.
        durability: what a record survives once `write` has returned: "process" the end of the process by any signal,
            "disk" that of the machine too.
    """

    def __init__(self, folder: Path, durability: Durability = "process", *, segment_bytes: int = SEGMENT_BYTES) -> None:
        self._folder = folder
        self._syncs = durability == "disk"
        self._segment_bytes = segment_bytes
        self._lock = threading.Lock()
        self._handle: int | None = None
        self._size = 0
        self._problem: str | None = None
        self._refused_bytes = 0

    def write(self, records: Sequence[Record]) -> None:
        """Keep the records, all or none.

        Raises:
            OutsideError: the disk is full or broken; nothing was kept.
        """
        if not records:
            return
        framed = segment.frame(records)
        with self._lock:
            try:
                self._append(framed)
            except OSError as error:
                self._refused_bytes = len(framed)
                self._problem = (
                    f"{self._folder}: the spool can't be written ({error.strerror or error}). Free some disk space or "
                    "make the folder writable."
                )
                raise OutsideError(self._problem) from error
            self._problem = None

    def check(self) -> str | None:
        """Why nothing can be kept now; None when the last write went well, or what it wanted to write would fit now."""
        with self._lock:
            if self._problem is not None and self._has_room():
                self._problem = None
            return self._problem

    def _has_room(self) -> bool:
        aside = self._folder / f"{os.getpid()}-{secrets.token_hex(4)}.new"
        try:
            make_private_folder(self._folder)
            try:
                return aside.write_bytes(b"\0" * self._refused_bytes) == self._refused_bytes
            finally:
                aside.unlink(missing_ok=True)
        except OSError:
            return False

    def close(self) -> None:
        """End the segment, so that it can be deleted once shipped. A later `write` begins another."""
        with self._lock:
            self._end_segment()

    def _append(self, framed: bytes) -> None:
        # A segment that somebody deleted under its writer would take what is acknowledged with it.
        is_gone = self._handle is not None and os.fstat(self._handle).st_nlink == 0
        if self._handle is None or is_gone or self._size >= self._segment_bytes:
            self._end_segment()
            self._begin_segment()
        handle = self._handle
        assert handle is not None
        try:
            written = os.write(handle, framed)
            if written < len(framed):
                raise OSError(None, f"only {written} of {len(framed)} bytes fitted")
            if self._syncs:
                os.fdatasync(handle)
        except OSError:
            self._take_back(handle)
            raise
        self._size += len(framed)

    def _take_back(self, handle: int) -> None:
        try:
            os.ftruncate(handle, self._size)
        except OSError:
            log.warning("%s: a record that was not acknowledged stays half written; readers pass it over", self._folder)
        # A shipper may have read past the cut already, so the offsets of this segment are not used again.
        self._end_segment()

    def _begin_segment(self) -> None:
        make_private_folder(self._folder)
        name = f"{time.time_ns():020d}-{os.getpid()}-{secrets.token_hex(4)}"
        # The lock is taken before the file has its real name: a shipper deletes segments that nobody holds.
        aside = self._folder / f"{name}.new"
        handle = create_private(aside, os.O_WRONLY | os.O_EXCL | os.O_APPEND)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            if os.write(handle, segment.HEADER) < len(segment.HEADER):
                raise OSError(None, "no room for a new segment")
            aside.rename(aside.with_suffix(segment.SUFFIX))
            if self._syncs:
                segment.sync_folder(self._folder)
        except OSError:
            os.close(handle)
            aside.unlink(missing_ok=True)
            raise
        self._handle, self._size = handle, len(segment.HEADER)

    def _end_segment(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits in a spool."""

    segments: int
    bytes: int
    since: float | None
    """Unix time of the oldest segment with something to ship; None when nothing waits."""


def read_spool(spool: Path, ids: Collection[str] | None = None) -> list[Record]:
    """The records that wait to be shipped, of all replicas, each one's oldest segment first.

    Args:
        ids: those of predictions with one of these ids, and truths of them, suffice. Of a few they are found quickly,
            however much waits.

    Raises:
        OutsideError: the spool can't be read.
    """
    marks = [key.encode() for key in ids] if ids is not None and len(ids) <= FEW_IDS else None
    records: list[Record] = []
    with segment.at_the_disk(spool):
        for path in chain.from_iterable(map(segment.segments, segment.folders(spool))):
            try:
                # Looked for in a segment's bytes: while a database is away, most of them are somebody else's.
                if marks is None or _holds(path, marks):
                    records += segment.read_segment(path, segment.shipped(path)).records
            except FileNotFoundError:
                continue  # shipped between the listing and the reading: the journal has it
    return records


def waiting(spool: Path) -> int:
    """How many records wait to be shipped."""
    return len(read_spool(spool))


def _holds(path: Path, marks: Sequence[bytes]) -> bool:
    content = path.read_bytes()
    return any(mark in content for mark in marks)


def _begun(path: Path) -> float | None:
    began = path.name.split("-", 1)[0]
    return int(began) / 1e9 if began.isdecimal() else None  # a name that is not ours says nothing


def backlog(folder: Path) -> Backlog:
    """How much of one folder of a spool waits to be shipped; reads no record.

    Raises:
        OutsideError: the spool can't be read.
    """
    waiting, total, since = 0, 0, None
    with segment.at_the_disk(folder):
        for path in segment.segments(folder):
            try:
                left = path.stat().st_size - max(segment.shipped(path), len(segment.HEADER))
            except FileNotFoundError:
                continue
            if left > 0:
                waiting, total = waiting + 1, total + left
                if since is None:
                    since = _begun(path)
    return Backlog(waiting, total, since)
