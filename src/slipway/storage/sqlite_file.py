"""A path → connections to the SQLite file there: one a thread, its tables made, its errors translated."""

import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path

from slipway.errors import DataError, OutsideError
from slipway.file_rights import STATE_FOLDER, make_private_file, make_private_folder, tighten

BUSY_SECONDS = 10.0


class _Held:
    """A thread's connection; closed when the thread is gone."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self.connection = connection
        self.file = _number(path)
        self.process = os.getpid()
        self.close = weakref.finalize(self, connection.close)


def _number(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except OSError:
        return None


_MISSHAPEN = "another program has changed the database ({}). Put a copy back, or move it away (a new one is made)."


class SqliteFile:
    """One SQLite file, for any number of threads and processes.

    Args:
        formats: the statements that each format adds to the one before it; the last one's number is kept in
            `PRAGMA user_version`, and an older file is brought up to it. Without any the file is somebody else's: it
            is used as it is.
        busy_seconds: how long a connection waits for another's lock.
    """

    def __init__(
        self, path: Path, formats: tuple[tuple[str, ...], ...] = (), *, busy_seconds: float = BUSY_SECONDS
    ) -> None:
        self.path = path
        self._formats = formats
        self._format = len(formats)
        self._busy_seconds = busy_seconds
        self._here = threading.local()
        self._all: weakref.WeakSet[_Held] = weakref.WeakSet()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """This thread's connection.

        Raises:
            OutsideError: the file can't be read: locked, no permission, a full or broken disk, damaged.
            DataError: a newer Slipway wrote it.
        """
        with self.translated():
            yield self._connection()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """This thread's connection inside one transaction: all of it is kept, or nothing. Raises as `reading`."""
        with self.translated():
            connection = self._connection()
            # Immediate: a transaction that starts by reading and then writes can fail at once instead of waiting.
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def forget(self) -> None:
        """See to it that what was deleted is in none of the file's bytes, nor in its log's.

        Raises:
            OutsideError: another program has read from the file all the while, so that the log can't be cut.
        """
        give_up = time.monotonic() + self._busy_seconds
        while self._is_log_kept():
            if time.monotonic() < give_up:
                time.sleep(0.02)
                continue
            raise OutsideError(
                f"{self.path}-wal: still holds what was deleted, since another program has read from the database for "
                f"{self._busy_seconds:g} s. End it, then try again."
            )

    def _is_log_kept(self) -> bool:
        # Beside another's checkpoint this one fails at once, whatever the time that it may wait for locks.
        with self.reading() as connection:
            is_blocked, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return bool(is_blocked)

    def close(self) -> None:
        """Close every thread's connection; a later use opens a new one."""
        for held in list(self._all):
            held.close()
        self._here = threading.local()

    def _connection(self) -> sqlite3.Connection:
        held: _Held | None = getattr(self._here, "held", None)
        # A connection must not be carried through a fork; and a file that was removed under us, or replaced by a copy,
        # would take with it what is written.
        if held is None or held.process != os.getpid() or held.file != _number(self.path):
            held = _Held(self._open(), self.path)
            self._here.held = held
            self._all.add(held)
        return held.connection

    def _open(self) -> sqlite3.Connection:
        try:
            if self._formats:
                self._make_private()
            else:
                self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutsideError(
                f"{self.path.parent}: the folder can't be made: {error.strerror}. Give {_user()} the right to write "
                "there, or name another project folder with -C."
            ) from error
        # Autocommit: transactions are begun by `writing` alone.
        connection = sqlite3.connect(
            self.path, timeout=self._busy_seconds, isolation_level=None, check_same_thread=False
        )
        try:
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _make_private(self) -> None:
        """Make folder and file where they are missing, for their owner alone; tighten those that are there."""
        if self.path.parent.name == STATE_FOLDER or not self.path.parent.exists():
            make_private_folder(self.path.parent)
        # SQLite gives its log and index the rights of the file itself.
        tighten(self.path, *(self.path.with_name(self.path.name + end) for end in ("-wal", "-shm", "-journal")))
        if not self.path.exists():
            with suppress(OSError):  # what is wrong with it is said by SQLite, as ever
                make_private_file(self.path)

    def _prepare(self, connection: sqlite3.Connection) -> None:
        # An entry that was acknowledged outlives the machine's power: the spool's copy is deleted after this commit.
        connection.execute("PRAGMA synchronous = FULL")
        # What is deleted is overwritten: a purge is one of the bytes.
        connection.execute("PRAGMA secure_delete = ON")
        found = int(connection.execute("PRAGMA user_version").fetchone()[0])
        if not self._formats or found == self._format:
            return
        if found > self._format:
            raise DataError(
                f"{self.path}: written by {_writer(connection)} in format {found}; this one knows formats up to "
                f"{self._format}. Nothing was changed. Install that version or a newer one."
            )
        self._into_wal(connection)
        connection.execute("BEGIN IMMEDIATE")
        try:
            found = int(connection.execute("PRAGMA user_version").fetchone()[0])
            if found < self._format:  # else another was quicker
                for statement in chain.from_iterable(self._formats[found:]):
                    connection.execute(statement)
                connection.execute("CREATE TABLE IF NOT EXISTS writer (format INTEGER NOT NULL, slipway TEXT NOT NULL)")
                connection.execute("INSERT INTO writer VALUES (?, ?)", (self._format, _slipway_version()))
                connection.execute(f"PRAGMA user_version = {self._format}")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def _into_wal(self, connection: sqlite3.Connection) -> None:
        # Changing the mode does not wait for other connections as everything else does, so the waiting is done here.
        give_up = time.monotonic() + self._busy_seconds
        while True:
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > give_up:
                    raise
            time.sleep(0.02)

    @contextmanager
    def translated(self) -> Iterator[None]:
        """SQLite's own errors of file and disk, as ours."""
        try:
            yield
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorcode", None)
            message = _MISSHAPEN.format(error) if _is_misshapen(error) else self._message(code)
            if message is None:
                raise
            raise OutsideError(f"{self.path}: {message}") from error

    def _message(self, code: int | None) -> str | None:
        match code & 0xFF if code is not None else None:
            case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
                return (
                    f"another program has kept the database locked for {self._busy_seconds:g} s. End it, or try again "
                    "when it is done."
                )
            case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM | sqlite3.SQLITE_AUTH:
                return f"the database can't be written. Give {_user()} the right to write the file and its folder."
            case sqlite3.SQLITE_CANTOPEN:
                return f"the database can't be opened. Give {_user()} the right to read and write the file's folder."
            case sqlite3.SQLITE_FULL:
                return "the disk is full: nothing was written. Make room and try again."
            case sqlite3.SQLITE_IOERR:
                return (
                    "the disk failed while the database was in use, or a limit on its files was reached: nothing was "
                    "written. Check disk and limits (`dmesg`, `ulimit -f`, quotas), then try again."
                )
            case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
                return (
                    "not an SQLite database, or damaged. Put a copy back, or move it away (a new one is made, without "
                    "the history)."
                )
        return None


def _is_misshapen(error: sqlite3.Error) -> bool:
    """Whether a table or column of the format is not there, or a text is none: nobody but another program did that."""
    return isinstance(error, sqlite3.OperationalError) and str(error).startswith(("no such ", "Could not decode"))


def _writer(connection: sqlite3.Connection) -> str:
    try:
        row = connection.execute("SELECT slipway FROM writer ORDER BY format DESC LIMIT 1").fetchone()
    except sqlite3.OperationalError:
        row = None
    return f"Slipway {row[0]}" if row else "a newer Slipway"


def _slipway_version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("slipway")
    except PackageNotFoundError:  # run from a source tree that is not installed
        return "(not installed)"


def _user() -> str:
    return f"user {os.getuid()}" if hasattr(os, "getuid") else "this user"
