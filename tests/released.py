"""Examples with version 1 live, each made once for all tests that begin with one."""

import fcntl
import shutil
from pathlib import Path

from commands import Slipway


def copy_released(example: str, folder: Path, shared: Path) -> Slipway:
    """Copy an example's project to `folder`/`example`, as `new`, `run` and `release` leave it; the command line there.

    Args:
        shared: a folder of all workers; whoever comes first makes the project in it, the others wait.
    """
    shared.mkdir(parents=True, exist_ok=True)
    made = shared / example
    with (shared / f"{example}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            aside = Slipway(shared / f"{example}.making")
            shutil.rmtree(aside.folder, ignore_errors=True)
            aside.folder.mkdir()
            aside("new", example, "--example", example)
            aside("-C", example, "run")
            aside("-C", example, "release")
            (aside.folder / example).rename(made)
    shutil.copytree(made, folder / example, symlinks=True)
    return Slipway(folder)
