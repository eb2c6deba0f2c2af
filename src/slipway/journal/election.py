"""The election of the one process that ships a folder of a spool: whoever has the lock."""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from slipway.file_rights import create_private


@contextlib.contextmanager
def elected(folder: Path, wait_seconds: float) -> Iterator[bool]:
    """Whether this process alone ships the folder, as long as the block runs."""
    deadline = time.monotonic() + wait_seconds
    handle = create_private(folder / "shipper.lock", os.O_RDWR)
    try:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    yield False
                    return
                time.sleep(0.02)
            else:
                yield True
                return
    finally:
        os.close(handle)
