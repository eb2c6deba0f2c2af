"""The file of labelled rows beside a source: changed by one process at a time, for its owner alone."""

import contextlib
import fcntl
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.storage.file_rights import create_private, make_private_folder, tighten

if TYPE_CHECKING:
    import polars as pl


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the file's lock: what is read within the block is what is written over. Not to be held twice by a thread."""
    make_private_folder(path.parent)
    handle = create_private(path.with_name(f".{path.name}.lock"), os.O_RDWR)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        tighten(path)
        yield
    finally:
        os.close(handle)


def read(path: Path, columns: list[str] | None = None) -> "pl.DataFrame | None":
    """The rows of the file; None where there is none. Without the lock, those of some moment."""
    import polars as pl

    try:
        # By a path Polars opens a file several times, and another may have come to its place in between.
        with path.open("rb") as file:
            return pl.read_parquet(file, columns=columns)
    except FileNotFoundError:
        return None


def write(table: "pl.DataFrame", path: Path) -> None:
    """Write the table aside and rename it, so that a reader has one or the other. The caller holds the lock."""
    for left in path.parent.glob(f".{path.name}.*.aside"):  # its process was killed: the lock is ours
        left.unlink(missing_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.aside")
    handle = create_private(aside, os.O_RDWR | os.O_EXCL)
    try:
        table.write_parquet(aside)
        os.fsync(handle)
        aside.replace(path)
    finally:
        os.close(handle)
        aside.unlink(missing_ok=True)
