"""One file of the spool: records to framed bytes and back; where it stands, and how far it was shipped.

| state | seen by | next, and who does it |
|---|---|---|
| (new) | `.new`: its writer has not begun | being written, by its writer; removed by `gc` if that was killed |
| being written | its writer holds the lock | closed: the writer ends it, or dies, which drops the lock |
| torn | nobody holds it, and its end is no whole record | closed: what is torn was never acknowledged |
| closed | nobody holds it, and something is left to ship | shipped, by the shipper that was elected |
| shipped | nobody holds it, and the journal has all of it | deleted, by the same |
| damaged | a whole record has a wrong checksum | kept aside as `.damaged`, what stands before it shipped |

What was acknowledged is in the spool, or in the journal, at every moment: a segment is deleted only when nobody writes
it and the journal has all of it. How far it was shipped is noted after the journal has it, never before; shipped
twice, a record is kept once, by its id.
"""

import contextlib
import fcntl
import os
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from slipway.errors import OutsideError
from slipway.records import Prediction, Truth

Record = Prediction | Truth
IsGone = Callable[[Record], bool]

MAGIC = b"slipway spool "
HEADER = MAGIC + b"1\n"
SUFFIX = ".segment"
ALIVE = "alive.lock"
"""In the folder of a replica: held by its processes as long as they live."""

_FRAME = struct.Struct("<II")  # length of the payload, its CRC-32
_TRUTH, _PREDICTION, _BLANK = b"T", b"P", b"-"
_encode = msgspec.json.Encoder().encode
_decode_prediction = msgspec.json.Decoder(Prediction).decode
_decode_truth = msgspec.json.Decoder(Truth).decode


State = Literal["being written", "torn", "closed", "shipped", "deleted", "damaged"]


class OtherFormat(OutsideError):
    """A segment that a newer version wrote."""


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
        OtherFormat: written by a newer version.
    """
    with path.open("rb") as file:
        header = file.read(len(HEADER))
        if len(header) < len(HEADER):
            return Chunk((), 0, is_torn=False)
        if header != HEADER:
            if header.startswith(MAGIC):
                raise OtherFormat(
                    f"{path}: written by another version of Slipway ({header.decode(errors='replace').strip()}; this "
                    f"one knows {HEADER.decode().strip()}). Nothing of it is lost: install that version to ship it."
                )
            return Chunk((), 0, is_torn=True, is_damaged=True)
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
            if payload[:1] != _BLANK:
                records.append(_decode(payload))
            end += _FRAME.size + length
        return Chunk(tuple(records), end, is_torn=False)


def blank(path: Path, end: int, is_gone: IsGone) -> int:
    """Overwrite the shipped records up to an offset that are to be gone; readers pass them over. How many they were.

    In place, since their writer may go on behind them: every other record stays where it is.
    """
    count, at = 0, len(HEADER)
    with path.open("r+b", buffering=0) as file:
        while at < end:
            head = os.pread(file.fileno(), _FRAME.size, at)
            length, checksum = _FRAME.unpack(head)
            payload = os.pread(file.fileno(), length, at + _FRAME.size)
            if len(payload) < length or zlib.crc32(payload) != checksum:
                break
            if payload[:1] != _BLANK and is_gone(_decode(payload)):
                nothing = _BLANK.ljust(length, b" ")
                os.pwrite(file.fileno(), _FRAME.pack(length, zlib.crc32(nothing)) + nothing, at)
                count += 1
            at += _FRAME.size + length
        os.fsync(file.fileno())
    return count


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


def folders(spool: Path) -> list[Path]:
    """The folders of a spool: its own, and one for each replica of a service that is several."""
    try:
        return [spool, *sorted(path for path in spool.iterdir() if (path / ALIVE).exists())]
    except FileNotFoundError:
        return []


def segments(folder: Path) -> list[Path]:
    """The segments of one folder, oldest first."""
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


def state(path: Path) -> State:
    """Where a segment stands.

    Raises:
        OtherFormat: written by a newer version.
    """
    try:
        if is_written(path):
            return "being written"
        chunk = read_segment(path, shipped(path))
    except FileNotFoundError:
        return "deleted"
    if chunk.is_damaged:
        return "damaged"
    if chunk.is_torn:
        return "torn"
    return "closed" if chunk.records else "shipped"


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
