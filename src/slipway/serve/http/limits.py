"""Limits on open connections: how many descriptors this process may use, and who is closed for a newcomer."""

import logging
import resource
from collections import Counter
from typing import Protocol

MAX_CONNECTIONS = 8_192
RESERVED_FILES = 256
"""Descriptors that connections leave to the spool, the database, the log and the libraries."""
_MANY_FILES = 10_240
"""What a system takes whose hard limit has no end, such as macOS."""

log = logging.getLogger(__name__)


def raise_open_files() -> int:
    """Raise the soft limit of open files to the hard one, and return what holds then."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wishes = (hard, _MANY_FILES) if hard == resource.RLIM_INFINITY else (hard,)
    for wish in wishes:
        if soft in (wish, resource.RLIM_INFINITY):
            break
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wish, hard))
        except (OSError, ValueError) as error:
            log.info("the limit of open files stays at %d: %s", soft, error)
            continue
        soft = wish
        break
    return MAX_CONNECTIONS + RESERVED_FILES if soft == resource.RLIM_INFINITY else soft


def connections_within(open_files: int) -> int:
    """Return how many connections this many descriptors allow beside what the service itself needs."""
    return min(MAX_CONNECTIONS, max(open_files - RESERVED_FILES, open_files // 2, 1))


class Closable(Protocol):
    """An open connection."""

    def give_way(self) -> None:
        """Close at once: its place is needed, and nothing of its client's is being answered."""


class ConnectionLimit:
    """Open connections, capped in all and by address. Belongs to one event loop.

    At a cap a newcomer takes the place of the connection that has waited longest for its client: one that is idle, has
    sent half a request, or does not read its answer. One whose request is being answered is never closed. In all, the
    place is taken from the address with the most connections, so that one address shuts out nobody but itself.

    Args:
        total: the cap in all; one address may have half of it.
    """

    def __init__(self, total: int = MAX_CONNECTIONS) -> None:
        self._total = total
        self._per_address = max(1, total // 2)
        self._open: dict[Closable, str] = {}
        self._counts: Counter[str] = Counter()
        self._waiting: dict[str, dict[Closable, None]] = {}

    def __len__(self) -> int:
        return len(self._open)

    def admit(self, connection: Closable, address: str) -> bool:
        """Count a connection, which waits for its client from now on; False where it has to be refused."""
        if self._counts[address] >= self._per_address and not self._make_room(address):
            return False
        if len(self._open) >= self._total and not self._make_room(self._crowded()):
            return False
        self._open[connection] = address
        self._counts[address] += 1
        self.wait(connection)
        return True

    def wait(self, connection: Closable) -> None:
        """Note that the next step is the client's: to ask, to send the rest, or to read."""
        address = self._open.get(connection)
        if address is not None:
            self._waiting.setdefault(address, {}).setdefault(connection)

    def work(self, connection: Closable) -> None:
        """Note that a whole request is being answered."""
        address = self._open.get(connection)
        if address is not None:
            self._waiting.get(address, {}).pop(connection, None)

    def leave(self, connection: Closable) -> None:
        """Forget a connection that is closed."""
        self.work(connection)
        address = self._open.pop(connection, None)
        if address is None:
            return
        self._counts[address] -= 1
        if not self._counts[address]:
            del self._counts[address]
            self._waiting.pop(address, None)

    def _crowded(self) -> str | None:
        """The address with the most connections, among those that have one which can be closed."""
        addresses = [address for address, waiting in self._waiting.items() if waiting]
        return max(addresses, key=self._counts.__getitem__, default=None)

    def _make_room(self, address: str | None) -> bool:
        oldest = None if address is None else next(iter(self._waiting.get(address, ())), None)
        if oldest is None:
            return False
        self.leave(oldest)
        oldest.give_way()
        return True
