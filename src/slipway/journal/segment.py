"""One file of the spool: records to framed bytes and back; where it stands, and how far it was shipped.

| state | seen by | next, and who does it |
|---|---|---|
| (new) | `.new`: its writer has not begun | being written, by its writer; removed by `gc` if that was killed |
| being written | its writer holds the lock | closed: the writer ends it, or dies, which drops the lock |
| torn | nobody holds it, and its end is no whole record | closed: what is torn was never acknowledged |
| closed | nobody holds it, and something is left to ship | shipped, by the shipper that was elected |
| shipped | nobody holds it, and the journal has all of it | deleted, by the same |
| damaged | its beginning, or a record, can't be read | that is kept as `.damaged`, the rest shipped, if it can be |

What was acknowledged is in the spool, or in the journal, at every moment: a segment is deleted only when nobody writes
it and the journal has all of it. How far it was shipped is noted after the journal has it, never before; shipped
twice, a record is kept once, by its id.
"""

import contextlib
import fcntl
import os
import re
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from slipway.errors import OutsideError
from slipway.file_rights import create_private
from slipway.records import Prediction, Truth
from slipway.storage.journal_rows import (
    MAX_DEPTH,
    UnreadableRecord,
    checked_prediction,
    checked_truth,
    is_too_deep,
)

Record = Prediction | Truth
IsGone = Callable[[Record], bool]

MAGIC = b"slipway spool "
HEADER = MAGIC + b"1\n"
SUFFIX = ".segment"
ALIVE = "alive.lock"
"""In the folder of a replica: held by its processes as long as they live."""

_FRAME = struct.Struct("<II")  # length of the payload, its CRC-32
_TRUTH, _PREDICTION, _BLANK, _DAMAGED = b"T", b"P", b"-", b"D"
_RECORD_START = re.compile(rb"[TP]\{|[-D]")
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
    damaged: tuple[bytes, ...] = ()
    """What stands among the records and is none that can be read; more of them follow it."""


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
        size = os.fstat(file.fileno()).st_size  # a length that was damaged may be far beyond it
        records: list[Record] = []
        damaged: list[bytes] = []
        end = start
        while limit is None or end - start < limit:
            head = file.read(_FRAME.size)
            length, checksum = _FRAME.unpack(head) if len(head) == _FRAME.size else (0, 0)
            payload = file.read(max(0, min(length, size - end - _FRAME.size)))
            is_whole = len(payload) == length > 0
            if is_whole and zlib.crc32(payload) == checksum:
                if payload[:1] != _BLANK:
                    try:
                        records.append(_decode(payload))
                    except UnreadableRecord:
                        damaged.append(payload)
                end += _FRAME.size + length
                continue
            file.seek(end)
            rest = file.read()
            if _payload(rest, 0) is not None:  # it has been written to its end meanwhile
                file.seek(end)
                size = end + len(rest)
                continue
            following = _next_frame(rest)
            if following is None:
                return Chunk(tuple(records), end, bool(rest), is_damaged=is_whole, damaged=tuple(damaged))
            damaged.append(rest[:following])
            end += following
            file.seek(end)
        return Chunk(tuple(records), end, is_torn=False, damaged=tuple(damaged))


def blank(path: Path, end: int, is_gone: IsGone, holds: Callable[[bytes], bool] = lambda unreadable: False) -> int:
    """Overwrite the shipped records up to an offset that are to be gone; readers pass them over. How many they were.

    In place, since their writer may go on behind them: every other record stays where it is.

    Args:
        holds: whether bytes that are no record that can be read are to be gone too.
    """
    with path.open("rb", buffering=0) as file:
        content = os.pread(file.fileno(), end, 0)
    parts = split(content)
    gone = [p for p in parts if (holds(p.content) if p.record is None else is_gone(p.record))]
    blank_parts(path, gone)
    return len(gone)


def blank_parts(path: Path, parts: Iterable["Part"]) -> None:
    """Overwrite parts of a segment in place, so that readers pass them over."""
    with path.open("r+b", buffering=0) as file:
        for part in parts:
            length = part.end - part.start - _FRAME.size
            # Too little room for a frame holds no id either; what stands there is overwritten all the same.
            nothing = _framed(_BLANK.ljust(length, b" ")) if length > 0 else b" " * (part.end - part.start)
            os.pwrite(file.fileno(), nothing, part.start)
        os.fsync(file.fileno())


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of a segment's bytes: a record, or what can't be read as one."""

    start: int
    end: int
    content: bytes
    record: Record | None


def split(content: bytes) -> Iterator[Part]:
    """The parts of a segment's whole content, without blank ones, which hold nothing."""
    at = len(HEADER) if content.startswith(HEADER) else 0
    while at < len(content):
        payload = _payload(content, at)
        if payload is None:
            following = at + (_next_frame(content[at:]) or len(content) - at)
            yield Part(at, following, content[at:following], None)
            at = following
            continue
        following = at + _FRAME.size + len(payload)
        if payload[:1] != _BLANK:
            record = None
            with contextlib.suppress(UnreadableRecord):
                record = _decode(payload)
            yield Part(at, following, payload, record)
        at = following


def payload_of(record: Record) -> bytes:
    """The bytes of one record within its frame."""
    return frame([record])[_FRAME.size :]


def frame_damaged(contents: Iterable[bytes]) -> bytes:
    """The bytes in which what can't be read is kept, each as it was found."""
    return b"".join(_framed(_DAMAGED + content) for content in contents)


def _framed(payload: bytes) -> bytes:
    return _FRAME.pack(len(payload), zlib.crc32(payload)) + payload


def _payload(content: bytes, at: int) -> bytes | None:
    """The payload of the frame that begins at an offset; None where there is no whole one."""
    begin = at + _FRAME.size
    if begin > len(content):
        return None
    length, checksum = _FRAME.unpack_from(content, at)
    if not 0 < length <= len(content) - begin:
        return None
    payload = content[begin : begin + length]
    return payload if zlib.crc32(payload) == checksum else None


def _next_frame(content: bytes) -> int | None:
    """Where the next whole frame begins behind the first byte; None where there is none.

    No text of a caller's can be taken for one: a length has a zero byte, which JSON writes otherwise.
    """
    for found in _RECORD_START.finditer(content, _FRAME.size + 1):
        if _payload(content, found.start() - _FRAME.size) is not None:
            return found.start() - _FRAME.size
    return None


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
    if chunk.is_damaged or chunk.damaged:
        return "damaged"
    if chunk.is_torn:
        return "torn"
    return "closed" if chunk.records else "shipped"


def shipped(path: Path) -> int:
    """How many bytes of the segment the journal has for certain."""
    try:
        noted = int(_offset_file(path).read_text())
        return noted if 0 <= noted <= path.stat().st_size else 0
    except (FileNotFoundError, ValueError):
        return 0  # read again from the start: the journal keeps each id once


def mark_shipped(path: Path, offset: int) -> None:
    """Note how far the segment has been shipped."""
    aside = path.with_suffix(".offset-new")
    with open(create_private(aside, os.O_WRONLY | os.O_TRUNC), "w") as file:  # noqa: PTH123 - made with its rights
        file.write(str(offset))
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
    """The record of a payload.

    Raises:
        UnreadableRecord: it is none that every reader can take.
    """
    content = payload[1:]
    if content.count(b"[") + content.count(b"{") > MAX_DEPTH and is_too_deep(
        content.decode("utf-8", "replace"), MAX_DEPTH + 1
    ):
        raise UnreadableRecord(f"nested more than {MAX_DEPTH} levels deep")
    try:
        if payload[:1] == _PREDICTION:
            return checked_prediction(_decode_prediction(content))
        if payload[:1] == _TRUTH:
            return checked_truth(_decode_truth(content))
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        if isinstance(error, UnreadableRecord):
            raise
        raise UnreadableRecord("it is no record of the journal") from None  # the cause quotes it
    raise UnreadableRecord("it is of an unknown kind")


def _offset_file(path: Path) -> Path:
    return path.with_suffix(".offset")
