"""One file of the spool: records to framed bytes and back; what of it was shipped, and whether its writer lives."""

import contextlib
import fcntl
import os
import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from slipway.errors import OutsideError
from slipway.records import Prediction, Truth

Record = Prediction | Truth

HEADER = b"slipway spool 1\n"
SUFFIX = ".segment"

_FRAME = struct.Struct("<II")  # length of the payload, its CRC-32
_TRUTH, _PREDICTION = b"T", b"P"
_encode = msgspec.json.Encoder().encode
_decode_prediction = msgspec.json.Decoder(Prediction).decode
_decode_truth = msgspec.json.Decoder(Truth).decode


@dataclass(frozen=True, slots=True)
class Chunk:
    """Records read from a segment, and where the reading stopped."""

    records: tuple[Record, ...]
    end: int
    """Offset behind the last whole record."""
    is_torn: bool
    """Whether bytes follow that are no whole record: one being written, or the last of a writer that was killed."""
    is_damaged: bool = False
    """Whether those bytes are a record of full length whose checksum is wrong."""


def frame(records: Iterable[Record]) -> bytes:
    """The bytes of records, each with its length and checksum."""
    parts = []
    for record in records:
        payload = (_PREDICTION if isinstance(record, Prediction) else _TRUTH) + _encode(record)
        parts.append(_FRAME.pack(len(payload), zlib.crc32(payload)))
        parts.append(payload)
    return b"".join(parts)


def read_segment(path: Path, start: int = 0, *, limit: int | None = None) -> Chunk:
    """Read whole records from an offset on, about `limit` bytes of them.

    Raises:
        FileNotFoundError: shipped and deleted meanwhile.
        OutsideError: written by a newer version.
    """
    with path.open("rb") as file:
        header = file.read(len(HEADER))
        if len(header) < len(HEADER):
            return Chunk((), 0, is_torn=False)
        if header != HEADER:
            raise OutsideError(f"{path}: not a spool segment of this version ({header!r}). Upgrade slipway to ship it.")
        start = max(start, len(HEADER))
        file.seek(start)
        records: list[Record] = []
        end = start
        while limit is None or end - start < limit:
            head = file.read(_FRAME.size)
            if len(head) < _FRAME.size:
                return Chunk(tuple(records), end, is_torn=bool(head))
            length, checksum = _FRAME.unpack(head)
            payload = file.read(length)
            if len(payload) < length:
                return Chunk(tuple(records), end, is_torn=True)
            if zlib.crc32(payload) != checksum:
                return Chunk(tuple(records), end, is_torn=True, is_damaged=True)
            records.append(_decode(payload))
            end += _FRAME.size + length
        return Chunk(tuple(records), end, is_torn=False)


@contextlib.contextmanager
def at_the_disk(folder: Path) -> Iterator[None]:
    """What goes wrong with a spool's files is an OutsideError; a file that is gone stays FileNotFoundError."""
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        raise OutsideError(
            f"{folder}: the spool can't be used ({error.strerror or error}). It has to be a folder that this user may "
            "read and write."
        ) from error


def segments(folder: Path) -> list[Path]:
    """The segments of a spool, oldest first."""
    try:
        return sorted(path for path in folder.iterdir() if path.suffix == SUFFIX)
    except FileNotFoundError:
        return []


def is_written(path: Path) -> bool:
    """Whether a living writer still holds the segment: it keeps a lock, which the system drops when it dies."""
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def shipped(path: Path) -> int:
    """How many bytes of the segment the journal has for certain."""
    try:
        return int(_offset_file(path).read_text())
    except (FileNotFoundError, ValueError):
        return 0  # read again from the start: the journal keeps each id once


def mark_shipped(path: Path, offset: int) -> None:
    """Note how far the segment has been shipped."""
    aside = path.with_suffix(".offset-new")
    aside.write_text(str(offset))
    aside.replace(_offset_file(path))


def delete(path: Path) -> None:
    """Remove a segment of which everything was shipped."""
    path.unlink(missing_ok=True)
    _offset_file(path).unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Make a new file's name durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def predictions_and_truths(records: Sequence[Record]) -> tuple[list[Prediction], list[Truth]]:
    """The records of each kind, in order."""
    return (
        [record for record in records if isinstance(record, Prediction)],
        [record for record in records if isinstance(record, Truth)],
    )


def _decode(payload: bytes) -> Record:
    return _decode_prediction(payload[1:]) if payload[:1] == _PREDICTION else _decode_truth(payload[1:])


def _offset_file(path: Path) -> Path:
    return path.with_suffix(".offset")
