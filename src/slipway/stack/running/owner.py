"""Whose a project's folder is → the numbers that its containers run under, and the rights that these need there."""

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from slipway.errors import OutsideError
from slipway.stack.running.dotenv import FILE as DOTENV

OURS = 10001
"""User and group of the images that are built here, where nothing else is said."""

_APART = frozenset({".git", ".venv", "secrets"})
"""Folders of the project that no container has to write: a group's right there would only weaken them."""


@dataclass(frozen=True, slots=True)
class Owner:
    """The user and the group that containers have on a project's files."""

    uid: int
    gid: int
    is_roots: bool
    """Whether the folder is root's, whom no container runs as: a group shares it then."""


def owner_of(folder: Path) -> Owner:
    """Who containers are on the files of a folder: its owner, unless that is root."""
    found = folder.stat()
    if found.st_uid == 0:
        return Owner(OURS, OURS, is_roots=True)
    return Owner(found.st_uid, found.st_gid, is_roots=False)


def share(folder: Path, owner: Owner) -> int:
    """Let the containers' group write what root owns in the folder, new files too; how many were changed.

    Raises:
        OutsideError: only root may do that.
    """
    changed = 0
    dotenv = {path.stat().st_ino for path in folder.glob(f"{DOTENV}*") if path.is_file()}
    for path in _below(folder):
        found = path.lstat()
        if found.st_uid != 0 or stat.S_ISLNK(found.st_mode):
            continue  # what a container made is its own already
        if found.st_ino in dotenv:
            continue  # Compose reads it here; no container does
        more = stat.S_IRGRP | stat.S_IWGRP | (stat.S_IXGRP if found.st_mode & stat.S_IXUSR else 0)
        mode = stat.S_IMODE(found.st_mode) | more | (stat.S_ISGID if stat.S_ISDIR(found.st_mode) else 0)
        if (found.st_gid, stat.S_IMODE(found.st_mode)) == (owner.gid, mode):
            continue
        try:
            os.chown(path, -1, owner.gid)
            path.chmod(mode)
        except PermissionError as error:
            raise OutsideError(
                f"{path}: the folder is root's, so its containers write as group {owner.gid}, and only root can give "
                f"it the right: `sudo slipway stack secrets`, or `sudo chown -R $(id -u) {folder}`."
            ) from error
        changed += 1
    return changed


def give_folder(path: Path, root: Path, owner: Owner) -> None:
    """Make a folder below `root`, and those above it that are missing, so that containers may write there.

    Raises:
        OutsideError: it can't be made.
    """
    missing = [each for each in (path, *path.parents) if each.is_relative_to(root) and not each.exists()]
    for each in reversed(missing):
        try:
            each.mkdir(exist_ok=True)
        except OSError as error:
            raise OutsideError(
                f"{each}: the folder, which a service mounts, can't be made: {error.strerror}."
            ) from error
        with suppress(PermissionError):  # not root: it is the caller's, as the folder above is
            os.chown(each, -1 if owner.is_roots else owner.uid, owner.gid)
            each.chmod(0o2775 if owner.is_roots else 0o755)


def _below(folder: Path) -> Iterator[Path]:
    yield folder
    for where, folders, files in os.walk(folder):
        if Path(where) == folder:
            folders[:] = [name for name in folders if name not in _APART]
        for name in (*folders, *files):
            yield Path(where, name)
