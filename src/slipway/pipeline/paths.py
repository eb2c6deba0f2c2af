"""Files and folders on their way to their place: written aside under a name of their own, then renamed to it."""

import os
import shutil
from pathlib import Path
from typing import Any

from slipway.errors import StageError

ASIDE = ".aside-"
"""What the name of a file begins with that is not finished."""


def make_aside(path: Path, *, spared: object = None) -> Path:
    """A free name beside a path, on the same disk; what a process that was killed has left there is removed.

    Args:
        spared: what stays, for a stage may have been given the name already and have written there.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob(f"{ASIDE}*-{path.name}"):  # the run lock says that its process is gone
        if str(left) != str(spared):
            remove(left)
    return path.with_name(f"{ASIDE}{os.getpid()}-{path.name}")


def remove(path: Path) -> None:
    """Remove a file, or a folder with all that is in it; nothing happens where there is none."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def put(aside: Path, path: Path) -> None:
    """Rename what is finished to its place, and what stands there out of its way."""
    if aside.is_dir() or path.is_dir():  # a folder can't be renamed over another in one step
        old = path.with_name(f"{ASIDE}{os.getpid()}-old-{path.name}")
        remove(old)
        if path.exists():
            path.rename(old)
        aside.rename(path)
        remove(old)
    else:
        aside.replace(path)


def take(root: Path, value: Any, aside: Path, name: str) -> None:
    """Bring a file or folder that a stage has made to `aside`: it is there already, or stands outside the project.

    Raises:
        StageError: it is no path, nothing is there, or it is one of the project's own files.
    """
    if not isinstance(value, str | os.PathLike):
        raise StageError(
            f"artifact `{name}` is promised as a path, but a {type(value).__name__} came: give the file or folder made."
        )
    made = Path(os.fspath(value)).absolute()
    if made != aside.absolute() and made.resolve().is_relative_to(root.resolve()):
        raise StageError(
            f"artifact `{name}` is `{made}`, a file of the project's own, which would be moved: write to the path that "
            f"a parameter such as `*, place: Path` of the stage is given."
        )
    if not made.exists():
        raise StageError(f"artifact `{name}` is promised at `{made}`, and nothing is there: write it before returning.")
    if made != aside.absolute():
        shutil.move(made, aside)
