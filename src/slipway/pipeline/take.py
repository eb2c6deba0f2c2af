"""The rows of a source, part by part, in; its snapshot, a Parquet file, out: written from where rows differ on."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway.errors import DataError, OutsideError
from slipway.files import Draft
from slipway.pipeline.snapshots import Snapshot

if TYPE_CHECKING:
    import polars as pl

GROUP = 100_000
"""Rows of a row group, however the parts come: the same rows then give the same file."""


def take(parts: "Iterable[pl.DataFrame]", path: Path, before: Snapshot | None) -> Snapshot:
    """Bring a snapshot up to date; where no row has changed, the file is left alone and nothing is written.

    Args:
        parts: one at least, all with the same columns and types.
        before: what is known of the snapshot that is there.

    Raises:
        OutsideError: the disk does not take it.
    """
    began, started = time.time(), time.monotonic()
    known = before if before is not None and before.is_in(path) else None
    writer = _Writer(path, known)
    try:
        for group in _groups(parts):
            writer.add(group)
        is_same = writer.finish()
    except OSError as error:
        reason = error.strerror or str(error).strip().splitlines()[0]
        raise OutsideError(f"{path} can't be written: {reason}. What was there is there still.") from error
    finally:
        writer.close()
    seconds = time.monotonic() - started
    if is_same and known is not None:
        return replace(known, asked=began, seconds=seconds)
    digest = sha256("\n".join(writer.digests).encode()).hexdigest()
    stat = path.stat()
    signature = (stat.st_size, stat.st_mtime_ns, stat.st_ino)
    return Snapshot(digest, writer.rows, began, began, seconds, tuple(writer.digests), signature)


class _Writer:
    """Compares row groups with those of the file that is there, and begins to write at the first that differs."""

    def __init__(self, path: Path, known: Snapshot | None) -> None:
        self._path = path
        self._known = known.groups if known is not None else ()
        self._draft: Draft | None = None
        self._file: Any = None
        self._last: pl.DataFrame | None = None
        self.digests: list[str] = []
        self.rows = 0

    def add(self, group: "pl.DataFrame") -> None:
        place, digest = len(self.digests), _digest(group)
        if self._file is None and self._known[place : place + 1] != (digest,):
            self._begin(group, place)
        if self._file is not None:
            self._file.write_table(_arrow(group), row_group_size=GROUP)
        self._last = group.clear()
        self.digests.append(digest)
        self.rows += group.height

    def finish(self) -> bool:
        """Put the file in its place; True where it could stay as it was."""
        if self._file is None:
            if len(self._known) == len(self.digests):
                return True
            assert self._last is not None  # `_groups` gives one at least
            self._begin(self._last, len(self.digests))  # rows at the end are gone
        self._file.close()
        assert self._draft is not None
        self._draft.commit()
        return False

    def close(self) -> None:
        """Remove what was not finished."""
        if self._file is not None:
            self._file.close()
        if self._draft is not None:
            self._draft.discard()

    def _begin(self, group: "pl.DataFrame", same: int) -> None:
        """Start a file of the group's columns, with the row groups that are the same as in the one that is there."""
        import pyarrow.parquet as parquet

        self._draft = Draft(self._path)
        self._file = parquet.ParquetWriter(self._draft.path, _arrow(group.clear()).schema, compression="zstd")
        if same:
            with parquet.ParquetFile(self._path) as old:
                for place in range(same):
                    self._file.write_table(old.read_row_group(place), row_group_size=GROUP)


def _groups(parts: "Iterable[pl.DataFrame]") -> "Iterator[pl.DataFrame]":
    """The same rows in tables of `GROUP` rows; one, without rows, where there are none."""
    import polars as pl

    waiting: list[pl.DataFrame] = []
    height, has_given = 0, False
    for part in parts:
        waiting.append(part)
        height += part.height
        while height >= GROUP:
            table = pl.concat(waiting)
            yield table.head(GROUP)
            has_given = True
            waiting = [table.slice(GROUP)]
            height -= GROUP
    if height or not has_given:
        if not waiting:
            raise DataError("it gave nothing at all, not even a table without rows.")
        yield pl.concat(waiting)


def _arrow(table: "pl.DataFrame") -> Any:
    import polars as pl

    return table.to_arrow(compat_level=pl.CompatLevel.oldest())


def _digest(table: "pl.DataFrame") -> str:
    """SHA-256 of names, types and values; no library's way of writing them is part of it."""
    found = sha256()
    for column in table.iter_columns():
        found.update(f"{column.name}\0{column.dtype}\0{column.len()}\0".encode())
        found.update(column.is_null().to_numpy().tobytes())
        for part in _values(column):
            found.update(part)
    return found.hexdigest()


def _values(column: "pl.Series") -> Iterator[bytes]:
    import polars as pl

    if column.dtype == pl.String:
        yield column.str.len_bytes().fill_null(0).to_numpy().tobytes()
        yield (column.drop_nulls().str.join("").item() or "").encode() if column.len() else b""
    elif column.dtype.is_temporal():
        yield column.to_physical().fill_null(0).to_numpy().tobytes()
    elif column.dtype == pl.Boolean:
        yield column.fill_null(value=False).to_numpy().tobytes()
    elif column.dtype.is_float() or column.dtype.is_integer():
        yield column.fill_null(0).to_numpy().tobytes()
    else:  # bytes, lists, structs: few, and slow
        yield repr(column.to_list()).encode()
