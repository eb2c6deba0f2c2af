"""A folder in, the files in it and one signature of them all out; the standard library's lightest parts alone."""

import os
from stat import S_ISDIR

SKIPPED = frozenset({".git", ".hg", ".dvc"})
"""What DVC passes over in every folder."""

Signature = tuple[int, int, int]
"""Size, time of the last write in nanoseconds, and number on the disk; of a folder the sum, the newest, and a digest of
its files' names and signatures."""


def path_signature(path: str) -> Signature | None:
    """What shows cheaply whether a file, or anything in a folder, has been touched; None when it is missing."""
    try:
        stat = os.stat(path)  # noqa: PTH116
    except OSError:
        return None
    if S_ISDIR(stat.st_mode):
        return folder_signature(path)
    return stat.st_size, stat.st_mtime_ns, stat.st_ino


def folder_signature(folder: str) -> Signature:
    """The signature of all files in a folder, whatever they hold."""
    from hashlib import blake2b

    found = files_in(folder)
    lines = "\n".join(f"{path}\0{seen[0]} {seen[1]} {seen[2]}" for path, seen in found)
    digest = blake2b(lines.encode("utf-8", "surrogateescape"), digest_size=7).digest()
    total, newest = sum(seen[0] for _, seen in found), max((seen[1] for _, seen in found), default=0)
    return total, newest, int.from_bytes(digest, "big")


def files_in(folder: str) -> list[tuple[str, Signature]]:
    """The files below a folder with their signatures, by path relative to it, as DVC counts them."""
    found: list[tuple[str, Signature]] = []
    waiting = [("", folder)]
    while waiting:
        lead, at = waiting.pop()
        with os.scandir(at) as entries:
            for entry in entries:
                name = entry.name
                if entry.is_dir():
                    # Links as DVC does: else a loop would have no end.
                    if name not in SKIPPED and not _is_draft(name) and not entry.is_symlink():
                        waiting.append((f"{lead}{name}/", entry.path))
                    continue
                try:
                    stat = entry.stat()
                except FileNotFoundError:  # a link that leads nowhere, or a file that has just gone
                    continue
                found.append((lead + name, (stat.st_size, stat.st_mtime_ns, stat.st_ino)))
    found.sort()
    return found


def _is_draft(name: str) -> bool:
    if not name.startswith(".slipway-"):  # seldom, and the import takes longer than the rest
        return False
    from slipway.files import is_draft

    return is_draft(name)
