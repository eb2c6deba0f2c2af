"""The ledger's entries and Slipway's own folder in, what nothing refers to any more out: named, then removed."""

import os
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from slipway.errors import CheckRefused, OutsideError
from slipway.files import Draft, is_draft
from slipway.journal.purge import Purged
from slipway.journal.segment import folders
from slipway.records import LedgerEntry
from slipway.release.elsewhere import Elsewhere
from slipway.release.ledger import verify
from slipway.settings import Settings

STRAY_SECONDS = 3600.0
"""What is being made is younger than this; what is older was left by a process that was killed."""

_BUNDLE = re.compile(r"[0-9a-f]{64}")
_STRAYS = (".building-", ".aside-")
"""What the names of unfinished bundles began with before there were drafts."""


@dataclass(frozen=True, slots=True)
class Leftover:
    """A file or folder that nothing refers to."""

    path: Path
    bytes: int
    why: str


@dataclass(frozen=True, slots=True, repr=False)
class Collected:
    """What was removed, or would be."""

    leftovers: Sequence[Leftover]
    is_dry: bool
    expired: Purged | None = None
    """Journalled predictions that were too old; None where the project keeps them, and in a dry run."""
    elsewhere: tuple[Elsewhere, ...] = ()
    """What other tools keep that may be needed no more; they remove it."""

    def __repr__(self) -> str:
        verb = "would be removed" if self.is_dry else "removed"
        return f"<Collected: {len(self.leftovers)} {verb}, {self.bytes:,} bytes>"

    @property
    def bytes(self) -> int:
        return sum(leftover.bytes for leftover in self.leftovers)

    def to_json(self) -> dict[str, Any]:
        """What `gc --json` prints."""
        removed = [{"path": str(item.path), "bytes": item.bytes, "why": item.why} for item in self.leftovers]
        return {
            "removed": removed,
            "bytes": self.bytes,
            "dry_run": self.is_dry,
            "expired": None if self.expired is None else self.expired.to_json(),
            "elsewhere": [each.to_json() for each in self.elsewhere],
        }


def collect(
    settings: Settings, entries: Sequence[LedgerEntry], waiting: Sequence[str] = (), *, is_dry: bool = False
) -> Collected:
    """Remove what no entry refers to; every bundle that one names stays. The caller sees to it that nothing runs.

    Args:
        entries: the whole ledger. When it is empty every bundle stays, since then nothing says which are needed.
        waiting: SHA-256 of bundles that are pending: they stay too.
        is_dry: say what would be removed, and remove nothing.

    Raises:
        CheckRefused: the ledger's chain does not hold, so it may have lost what it referred to.
        OutsideError: something can't be removed.
    """
    verified = verify(entries)
    if not verified.ok:
        raise CheckRefused(
            f"The ledger does not hold: {verified.problem}. Nothing was removed, since it may be needed."
        )
    try:
        found = list(leftovers(settings, entries, waiting, now=time.time()))
        for leftover in () if is_dry else found:
            _remove(leftover.path)
    except OSError as error:
        raise OutsideError(
            f"{error.filename or settings.state}: can't be removed ({error.strerror}). See to its rights, then call "
            "`slipway gc` again."
        ) from error
    return Collected(found, is_dry)


def leftovers(
    settings: Settings, entries: Iterable[LedgerEntry], waiting: Iterable[str], *, now: float
) -> Iterator[Leftover]:
    """What nothing refers to at a Unix time. Files and folders of names that are not Slipway's are passed over."""
    named, kept = {entry.bundle for entry in entries}, frozenset(waiting)
    for path in _inside(settings.bundles):
        if path.is_symlink() or not path.is_dir():
            continue
        size, newest = _measure(path)
        if _BUNDLE.fullmatch(path.name):
            if named and path.name not in named and path.name not in kept:
                yield Leftover(path, size, "no entry of the ledger refers to it")
        elif (path.name.startswith(_STRAYS) or is_draft(path.name)) and now - newest > STRAY_SECONDS:
            yield Leftover(path, size, "a bundle that was never finished")
    for path in chain.from_iterable(map(_inside, [settings.state, *filter(Path.is_dir, _inside(settings.state))])):
        if is_draft(path.name) and path.parent != settings.bundles and now - path.stat().st_mtime > STRAY_SECONDS:
            yield Leftover(path, _measure(path)[0], "a file that was never finished")
    for path in chain.from_iterable(map(_inside, folders(settings.spool))):
        is_noted = path.suffix in (".offset", ".offset-new")
        if not (path.suffix == ".new" or (is_noted and not path.with_suffix(".segment").exists())):
            continue
        if path.is_file() and now - path.stat().st_mtime > STRAY_SECONDS:
            why = "how far a segment was shipped that is gone" if is_noted else "a segment of the spool never begun"
            yield Leftover(path, path.stat().st_size, why)


def _inside(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _measure(folder: Path) -> tuple[int, float]:
    """Bytes of a folder's files, and when the newest of them, or the folder itself, was changed."""
    size, newest = 0, folder.stat().st_mtime
    for inside, _, names in os.walk(folder):
        for name in names:
            found = Path(inside, name).lstat()
            size, newest = size + found.st_size, max(newest, found.st_mtime)
    return size, newest


def _remove(path: Path) -> None:
    if not path.is_dir():
        path.unlink(missing_ok=True)
        return
    # Renamed first: half removed under its own name it would be a damaged bundle, which a new one does not replace.
    with Draft(path) as draft, suppress(FileNotFoundError):  # a draft of a dead process is gone with the new one
        path.rename(draft.path)
