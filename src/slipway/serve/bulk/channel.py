"""What a service and its bulk process tell each other, over a socket: a pickled record, then the bytes of a body."""

import pickle
import socket
import struct
from dataclasses import dataclass

from slipway.journal.label_type import LabelType
from slipway.project import Project
from slipway.records import LedgerEntry
from slipway.serve.log import Form
from slipway.settings import Settings

Header = tuple[bytes, bytes]

_LENGTHS = struct.Struct("<QQ")


@dataclass(frozen=True, slots=True)
class Setup:
    """The service that a bulk process works for, as that has read it, whatever its files say by now."""

    project: Project
    settings: Settings
    log_form: Form
    is_quiet: bool


@dataclass(frozen=True, slots=True)
class PredictTask:
    """A body that predicts, to be answered by one version."""

    path: str | None
    """Of the project's own route; None for the form of every service."""
    invalid_status: int
    released: LedgerEntry
    """The entry that made the version live."""
    received: float
    """`time.perf_counter()` at which the request came: one clock for all processes of a machine."""


@dataclass(frozen=True, slots=True)
class FeedbackTask:
    """A body of truths, from one source."""

    source: str
    label: LabelType
    is_away: bool
    """Whether the database is known to be away."""
    invalid_status: int


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer but for its body, which is JSON."""

    status: int
    headers: tuple[Header, ...] = ()
    rows: int | None = None
    """How many rows a body that predicts had; None where it was refused before they were counted."""
    failed: int = 0


Message = Setup | PredictTask | FeedbackTask | Reply


class Closed(Exception):
    """The other side has gone."""


def send(channel: socket.socket, message: Message, body: bytes = b"") -> None:
    """Send a message.

    Raises:
        Closed: nobody is there to take it.
    """
    told = pickle.dumps(message)
    try:
        channel.sendall(_LENGTHS.pack(len(told), len(body)) + told)
        channel.sendall(body)
    except OSError as error:
        raise Closed from error


def receive(channel: socket.socket) -> tuple[Message, bytearray]:
    """Wait for a message.

    Raises:
        Closed: there comes none.
    """
    length, body_length = _LENGTHS.unpack(_exactly(channel, _LENGTHS.size))
    # What the other side sends is our own: it is the process that we started, or that started us.
    message: Message = pickle.loads(_exactly(channel, length))  # noqa: S301
    return message, _exactly(channel, body_length)


def _exactly(channel: socket.socket, length: int) -> bytearray:
    data = bytearray(length)
    view, at = memoryview(data), 0
    while at < length:
        try:
            count = channel.recv_into(view[at:])
        except OSError as error:
            raise Closed from error
        if not count:
            raise Closed
        at += count
    return data
