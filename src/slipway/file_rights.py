"""Rights of the files and folders that hold callers' rows: for their owner alone.

Where a folder is shared with a group on purpose (its set-group-ID bit is set and the group may write, as `slipway stack
secrets` does in a folder of root's, or a team in its own), the group keeps its rights in it; others never have any.
"""

import contextlib
import errno
import os
import secrets
import stat
from pathlib import Path

STATE_FOLDER = ".slipway"
"""The folder of a project that is ours alone: nobody else's files are in it."""

_SHARED = stat.S_ISGID | stat.S_IWGRP


def make_private_folder(path: Path) -> None:
    """Make a folder for its owner alone, and the folders above it that are missing; tighten one that is there.

    Raises:
        OSError: it can't be made, or something else has its name.
    """
    for missing in reversed([each for each in (path, *path.parents) if not each.exists()]):
        with contextlib.suppress(FileExistsError):
            missing.mkdir()
            missing.chmod(private_mode(missing.parent, is_folder=True))  # whatever the umask
    if not path.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path))
    tighten(path)


def create_private(path: Path, flags: int) -> int:
    """Open a file that is made where it is missing, for its owner alone; the descriptor, which no child inherits."""
    handle = os.open(path, flags | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        found, most = os.fstat(handle), private_mode(path.parent, is_folder=False)
        if found.st_uid == os.geteuid() and stat.S_IMODE(found.st_mode) != most:
            os.fchmod(handle, most)
    except BaseException:
        os.close(handle)
        raise
    return handle


def make_private_file(path: Path) -> None:
    """Make an empty file for its owner alone, unless there is one; the file itself is never opened.

    To close a file takes every lock of the process from it, those of a database that has it open in another thread too.
    """
    aside = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
    os.close(create_private(aside, os.O_WRONLY | os.O_EXCL))
    try:
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(aside)
    finally:
        aside.unlink()


def tighten(*paths: Path) -> None:
    """Take the rights of others from files and folders that exist and are this user's."""
    for path in paths:
        try:
            found = path.lstat()
            if found.st_uid != os.geteuid() or stat.S_ISLNK(found.st_mode):
                continue
            mode, most = stat.S_IMODE(found.st_mode), private_mode(path.parent, is_folder=stat.S_ISDIR(found.st_mode))
            if mode & 0o077 & ~most:
                path.chmod(mode & (most | 0o7700))
        except (FileNotFoundError, PermissionError):
            continue  # gone meanwhile, or on a disk that keeps no rights


def private_mode(folder: Path, *, is_folder: bool = False) -> int:
    """Return the most rights that a file or folder of ours in a folder may have."""
    is_shared = folder.stat().st_mode & _SHARED == _SHARED
    if is_folder:
        return 0o2770 if is_shared else 0o700
    return 0o660 if is_shared else 0o600
