"""The file of labelled rows beside a source: changed by one process at a time, for its owner alone."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from slipway import files
from slipway.file_rights import make_private_folder, private_mode, tighten

if TYPE_CHECKING:
    import polars as pl

_WAIT_SECONDS = 600.0
"""How long a purge, a retention or the loop waits for another; a table of labels is written in seconds."""


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the file's lock: what is read within the block is what is written over. Not to be held twice by a thread."""
    make_private_folder(path.parent)
    with files.locked(path.with_name(f".{path.name}.lock"), wait_seconds=_WAIT_SECONDS):
        tighten(path)
        yield


def read(path: Path, columns: list[str] | None = None) -> "pl.DataFrame | None":
    """Return the rows of the file; None where there is none. Without the lock, those of some moment."""
    import polars as pl

    try:
        # By a path Polars opens a file several times, and another may have come to its place in between.
        with path.open("rb") as file:
            return pl.read_parquet(file, columns=columns)
    except FileNotFoundError:
        return None


def write(table: "pl.DataFrame", path: Path) -> None:
    """Replace the file's rows in one step. The caller holds the lock."""
    with files.Draft(path, mode=private_mode(path.parent), is_durable=True) as draft:
        table.write_parquet(draft.path)
        draft.commit()
