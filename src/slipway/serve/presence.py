"""Which services on this machine serve a project's folder, and which version each has in use.

Each process of a service keeps a small file and holds a lock on it while it lives, so that a file without a lock is
what a killed process left. A command that changes what is live waits until the services have followed.
"""

import fcntl
import logging
import os
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import msgspec

from slipway.file_rights import create_private, make_private_folder

FOLDER = "services"
"""Below the folder of the project's state."""

_BYTES = 1_024
"""Of a record: written at once, so that a reader never finds half of one."""
_PROBLEM_CHARACTERS = 200
_PAUSE_SECONDS = 0.05

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ServiceState:
    """What one process of a service has in use."""

    url: str
    version: int | None = None
    seq: int = 0
    """The ledger's entry that made this version live; 0 for none."""
    problem: str | None = None
    """Why the newest release is not the one in use."""

    def has_followed(self, seq: int) -> bool:
        """Return whether the process has acted on the ledger's entry, be it that it refused the version."""
        return self.seq >= seq or self.problem is not None


class Presence:
    """The file of one process, from its start to its end.

    Args:
        state: the folder of the project's state. Where it cannot be written the process goes on without a file.
        url: the service's address.
    """

    def __init__(self, state: Path, url: str) -> None:
        self._url = url
        self._path = state / FOLDER / f"{os.getpid()}-{os.urandom(4).hex()}"
        self._handle: int | None = None
        self._told: ServiceState | None = None
        try:
            make_private_folder(self._path.parent)
            aside = self._path.with_name(f".{self._path.name}")
            self._handle = create_private(aside, os.O_RDWR | os.O_EXCL)
            fcntl.flock(self._handle, fcntl.LOCK_EX)
            self._write(ServiceState(url))
            aside.rename(self._path)  # only now, since what is not locked is taken for a leftover
        except OSError as error:
            log.debug("%s: can't be kept: %s", self._path, error)
            self.close()

    def tell(self, version: int | None, seq: int, problem: str | None) -> None:
        """Write down what is in use now, and why it is not what was released last."""
        state = ServiceState(self._url, version, seq, None if problem is None else problem[:_PROBLEM_CHARACTERS])
        if self._handle is not None and state != self._told:
            with suppress(OSError):
                self._write(state)
                self._told = state

    def close(self) -> None:
        """Remove the file."""
        if self._handle is not None:
            self._path.unlink(missing_ok=True)
            os.close(self._handle)
            self._handle = None

    def _write(self, state: ServiceState) -> None:
        assert self._handle is not None
        os.pwrite(self._handle, msgspec.json.encode(asdict(state)).ljust(_BYTES), 0)


def running_services(state: Path) -> list[ServiceState]:
    """Return the state of each process of a service over a project's folder; leftovers of killed ones are removed."""
    found: list[ServiceState] = []
    with suppress(OSError):
        for path in sorted((state / FOLDER).glob("[!.]*")):  # one that is just beginning has a dot, and no lock yet
            with suppress(OSError, msgspec.MsgspecError):
                if (service := _read(path)) is not None:
                    found.append(service)
    return found


def wait_for_services(state: Path, seq: int, seconds: float) -> list[ServiceState]:
    """Wait until every service has followed an entry of the ledger, or time is up.

    Args:
        state: the folder of the project's state.
        seq: the entry's number.
        seconds: the longest wait.

    Returns:
        The services as they were at the end, empty where none runs.
    """
    until = time.monotonic() + seconds
    while True:
        services = running_services(state)
        if all(service.has_followed(seq) for service in services) or time.monotonic() >= until:
            return services
        time.sleep(_PAUSE_SECONDS)


def _read(path: Path) -> ServiceState | None:
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return msgspec.json.decode(os.pread(handle, _BYTES, 0), type=ServiceState)
        path.unlink(missing_ok=True)
        return None
    finally:
        os.close(handle)
