"""Records of a spool that can't be read: set aside in files of their own, counted, and purged by the id they hold."""

import contextlib
import logging
import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from slipway.errors import BusyError
from slipway.file_rights import create_private
from slipway.journal import segment
from slipway.journal.election import elected
from slipway.records import DamagedRecord, Truth
from slipway.storage.seams import Journal

SUFFIX = ".damaged"
SHOWN = 20
"""So many are named, unless more are asked for."""
WAIT_SECONDS = 5.0
"""How long a purge waits for a shipper."""

_OF_PREDICTION = re.compile(rb'"prediction_id":"([^"\\\\]+)"')
_ID = re.compile(rb'"id":"([^"\\\\]+)"')

log = logging.getLogger(__name__)


def set_aside(path: Path, contents: Iterable[bytes]) -> None:
    """Keep what can't be read of a segment beside it; what is there already, as after a crash, is kept once.

    The caller is the one who ships the folder.
    """
    kept = path.with_suffix(SUFFIX)
    handle = create_private(kept, os.O_RDWR | os.O_APPEND)
    with open(handle, "r+b", buffering=0) as file:  # noqa: PTH123 - made with its rights
        known = file.read()
        framed = [segment.frame_damaged([content]) for content in contents]
        new = [each for each in framed if each not in known]
        file.write((b"" if known else segment.HEADER) + b"".join(new))
        os.fsync(handle)
    if new:
        log.error("%s: %d records can't be read; kept as %s", path, len(new), kept.name)


def files(spool: Path) -> list[Path]:
    """The files of what can't be read, of all replicas."""
    return sorted(path for folder in segment.folders(spool) for path in folder.glob(f"*{SUFFIX}"))


def damaged_records(journal: Journal, spool: Path, rows: int = SHOWN) -> list[DamagedRecord]:
    """Some records that can't be read, of the journal and of the spool.

    Raises:
        OutsideError: journal or disk are away.
    """
    found = journal.damaged(rows)
    with segment.at_the_disk(spool):
        for path in files(spool):
            for part in _unreadable(path):
                if len(found) >= rows:
                    return found
                key = _OF_PREDICTION.search(part.content) or _ID.search(part.content)
                named = key[1].decode("utf-8", "replace") if key is not None else None
                found.append(DamagedRecord(named, "it can't be read", str(path)))
    return found


def count_damaged(journal: Journal, spool: Path) -> int:
    """How many records can't be read, of the journal and of the spool. Raises as `damaged_records`."""
    with segment.at_the_disk(spool):
        return journal.count_damaged() + sum(1 for path in files(spool) for _ in _unreadable(path))


@dataclass(slots=True)
class DamageCount:
    """How many records of a journal and its spool can't be read, as they were when they were last counted."""

    journal: Journal
    spool: Path
    count: int | None = None
    """None until they were counted once."""

    def look(self) -> None:
        """Count them. Raises as `count_damaged`."""
        self.count = count_damaged(self.journal, self.spool)


def present(spool: Path, ids: Collection[str]) -> set[str]:
    """Which of these predictions something that can't be read is of, as far as its bytes say."""
    found: set[str] = set()
    for path in files(spool):
        with contextlib.suppress(FileNotFoundError):
            content = path.read_bytes()
            found |= {key for key in ids if _mark(key) in content}
    return found


def holding(ids: Collection[str]) -> Callable[[bytes], bool]:
    """Whether bytes that can't be read name one of these predictions."""
    marks = [_mark(key) for key in ids]
    return lambda content: any(mark in content for mark in marks)


def purge(spool: Path, ids: Collection[str]) -> tuple[int, int]:
    """Overwrite what is of these predictions; how many predictions and truths it was, as far as its bytes say.

    Raises:
        BusyError: another process ships a folder all the while.
    """
    is_of_these = holding(ids)
    predictions = truths = 0
    for path in files(spool):
        with contextlib.suppress(FileNotFoundError), elected(path.parent, WAIT_SECONDS) as is_elected:
            if not is_elected:
                raise BusyError(f"{path.parent}: another process ships just now. Try again.")
            content = path.read_bytes()
            gone = [part for part in segment.split(content) if is_of_these(part.content)]
            of_truths = sum(_is_truth(part) for part in gone)
            predictions, truths = predictions + len(gone) - of_truths, truths + of_truths
            starts = {part.start for part in gone}
            if gone and all(part.start in starts for part in segment.split(content)):
                path.unlink()
            elif gone:
                segment.blank_parts(path, gone)
    return predictions, truths


def expire(spool: Path, before: float) -> None:
    """Remove the files to which nothing was added since a Unix time."""
    for path in files(spool):
        with contextlib.suppress(FileNotFoundError), elected(path.parent, 0.0) as is_elected:
            if is_elected and path.stat().st_mtime < before:
                path.unlink()


def _unreadable(path: Path) -> Iterator[segment.Part]:
    try:
        content = path.read_bytes()
    except FileNotFoundError:  # purged meanwhile
        return
    yield from (part for part in segment.split(content) if part.record is None)


def _is_truth(part: segment.Part) -> bool:
    return isinstance(part.record, Truth) or _OF_PREDICTION.search(part.content) is not None


def _mark(key: str) -> bytes:
    """An id as it stands in a record."""
    return f'"{key}"'.encode("utf-8", "backslashreplace")
