"""A folder in, the files in it and one signature of them all out; the standard library's lightest parts alone."""

import os
from stat import S_ISDIR

from slipway.pipeline.dvcignore import FILE as IGNORE_FILE
from slipway.pipeline.dvcignore import rules_for

Signature = tuple[int, int, int]
"""Size, time of the last write in nanoseconds, and number on the disk; of a folder the sum, the newest, and a digest of
its files' names and signatures."""


def path_signature(root: str, path: str) -> Signature | None:
    """What shows cheaply whether a file, or anything in a folder, has been touched; None when it is missing.

    Args:
        root: the project's folder.
        path: absolute.
    """
    try:
        stat = os.stat(path)  # noqa: PTH116
    except OSError:
        return None
    if S_ISDIR(stat.st_mode):
        return folder_signature(root, path)
    return stat.st_size, stat.st_mtime_ns, stat.st_ino


def folder_signature(root: str, folder: str) -> Signature:
    """The signature of all files in a folder, whatever they hold."""
    from hashlib import blake2b

    found = files_in(root, folder)
    lines = "\n".join(f"{path}\0{seen[0]} {seen[1]} {seen[2]}" for path, seen in found)
    digest = blake2b(lines.encode("utf-8", "surrogateescape"), digest_size=7).digest()
    total, newest = sum(seen[0] for _, seen in found), max((seen[1] for _, seen in found), default=0)
    return total, newest, int.from_bytes(digest, "big")


def files_in(root: str, folder: str) -> list[tuple[str, Signature]]:
    """The files below a folder with their signatures, by path relative to it, as DVC counts them.

    What `.dvcignore` names is left out, and so are empty folders, links to folders, and folders that are repositories
    of DVC themselves.

    Args:
        root: the project's folder.
        folder: absolute.
    """
    found: list[tuple[str, Signature]] = []
    rules, base = rules_for(root, folder)
    waiting = [("", folder, rules)]
    while waiting:
        lead, at, rules = waiting.pop()
        with os.scandir(at) as scanned:
            entries = list(scanned)
        inside = f"{base}/{lead}" if base else lead
        if lead and any(entry.name == IGNORE_FILE for entry in entries):
            rules = rules.extended(inside.rstrip("/"))
        if rules.ignores_within(inside):
            continue
        for entry in entries:
            name, is_folder = entry.name, entry.is_dir()
            if rules.ignores_entry(inside + name, is_folder):
                continue
            if is_folder:
                # As DVC does: a loop of links would have no end, and another repository is another's.
                is_elsewhere = entry.is_symlink() or os.path.exists(f"{entry.path}/.dvc")  # noqa: PTH110
                if not is_elsewhere and not _is_draft(name):
                    waiting.append((f"{lead}{name}/", entry.path, rules))
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
