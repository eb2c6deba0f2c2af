"""A PostgreSQL database's URL in; connections to it for any number of threads, kept, checked and made anew, out."""

import os
import select
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from slipway.errors import OutsideError, ProjectError
from slipway.storage.postgres_address import Address, read_address
from slipway.storage.postgres_errors import translated

if TYPE_CHECKING:
    import psycopg

    Connection: TypeAlias = psycopg.Connection[tuple[Any, ...]]

T = TypeVar("T")

MOST = 4
"""Connections of one process to one database."""
WAIT_SECONDS = 10.0
SESSION = (
    "SET statement_timeout = '120s'; SET lock_timeout = '10s'; "
    # A process that was stopped within a transaction must not keep everyone else waiting.
    "SET idle_in_transaction_session_timeout = '60s'"
)
_ROLLED_BACK = ("40001", "40P01")
"""The server ended a transaction for another's sake."""


class PostgresServer:
    """One database on a server. Nothing is connected, nor psycopg imported, before the first use.

    A pool of our own: who waits connects, so why that failed is told at once and to who asked; no thread of ours goes
    on trying in between, and a process that forked begins anew.

    Args:
        url: `postgresql://user:password@host:port/database`, as libpq takes it.
        prepare: called with each new connection; what it raises ends the connection.
    """

    def __init__(self, url: str, prepare: "Callable[[Connection, Address], None] | None" = None) -> None:
        self.address = read_address(url)
        self._prepare = prepare
        self._inherited: list[Connection] = []
        self._begin()

    def _begin(self) -> None:
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._places = threading.Semaphore(MOST)
        self._idle: list[Connection] = []
        self._generation = 0
        weakref.finalize(self, _end, self._idle, self._process)

    def run(self, work: "Callable[[Connection, bool], T]", *, is_whole: bool = False) -> T:
        """What `work` gives with a connection; called once more, on a new one, where the first was lost on the way.

        Args:
            work: told whether it is called again; what it did before may then have been kept, or not.
            is_whole: all of it in one transaction.

        Raises:
            OutsideError: the server is away, refuses us, or has no room.
            DataError: a value is beyond what it keeps.
        """
        try:
            return self._run(work, is_whole=is_whole, is_again=False)
        except _Lost:
            self.close()  # the others were most likely lost with it
        return self._run(work, is_whole=is_whole, is_again=True)

    def _run(self, work: "Callable[[Connection, bool], T]", *, is_whole: bool, is_again: bool) -> T:
        import psycopg

        with self.translated(), self._connection() as connection:
            try:
                if not is_whole:
                    return work(connection, is_again)
                with connection.transaction():
                    return work(connection, is_again)
            except psycopg.OperationalError as error:
                if not is_again and (connection.closed or error.sqlstate in _ROLLED_BACK):
                    raise _Lost from error
                raise

    @contextmanager
    def connection(self) -> "Iterator[Connection]":
        """A connection of nobody else's, in no transaction. Raises as `run` does."""
        with self.translated(), self._connection() as connection:
            yield connection

    def close(self) -> None:
        """End the connections; one that is in use ends when it is given back. A later use opens another."""
        if self._process == os.getpid():
            with self._lock:
                self._generation += 1
                _end(self._idle, self._process)

    @contextmanager
    def translated(self) -> Iterator[None]:
        """psycopg's errors as ours."""
        psycopg = imported()
        try:
            yield
        except psycopg.Error as error:
            raise translated(error, self.address) from error

    @contextmanager
    def _connection(self) -> "Iterator[Connection]":
        if self._process != os.getpid():
            # The parent's connections are its own: kept here unused, for closing one would end it for both.
            self._inherited += self._idle
            self._begin()
        if not self._places.acquire(timeout=WAIT_SECONDS):
            raise OutsideError(
                f"PostgreSQL at {self.address.place}: all {MOST} connections of this process have been busy for "
                f"{WAIT_SECONDS:g} s. Try again."
            )
        try:
            generation = self._generation
            connection = self._kept() or self._open()
            try:
                yield connection
            finally:
                self._give_back(connection, generation)
        finally:
            self._places.release()

    def _kept(self) -> "Connection | None":
        while True:
            with self._lock:
                if not self._idle:
                    return None
                connection = self._idle.pop()
            if not _is_over(connection):
                return connection
            connection.close()

    def _open(self) -> "Connection":
        import psycopg

        connection = psycopg.connect(autocommit=True, prepare_threshold=None, **self.address.parameters())
        try:
            connection.execute(SESSION)
            if self._prepare is not None:
                self._prepare(connection, self.address)
        except BaseException:
            connection.close()
            raise
        return connection

    def _give_back(self, connection: "Connection", generation: int) -> None:
        from psycopg.pq import TransactionStatus

        with suppress(Exception):  # whatever is wrong with it, it ends here
            if connection.info.transaction_status == TransactionStatus.IDLE:
                with self._lock:
                    if generation == self._generation:
                        self._idle.append(connection)
                        return
        connection.close()


class _Lost(Exception):
    """The connection ended under the work; its cause says how."""


def _end(connections: "list[Connection]", process: int) -> None:
    while connections and process == os.getpid():
        connections.pop().close()


def _is_over(connection: "Connection") -> bool:
    """Whether the server has ended an idle connection: then there is something to read, which else there is not."""
    if connection.closed:
        return True
    looking = select.poll()
    looking.register(connection.fileno(), select.POLLIN)
    return bool(looking.poll(0))


def imported() -> Any:
    """psycopg; a project on the embedded database never gets here.

    Raises:
        ProjectError: it is not installed.
    """
    try:
        import psycopg
    except ImportError as error:
        raise needs_extra() from error
    return psycopg


def needs_extra() -> ProjectError:
    """What is said where a library is missing."""
    return ProjectError("a PostgreSQL database needs more packages: install slipway[postgres].")
