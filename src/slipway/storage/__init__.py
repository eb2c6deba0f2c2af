"""Settings → the places where a project's state is kept: journal, ledger, pending, decisions, lease, tokens, tables."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from slipway.errors import ProjectError
from slipway.settings import Settings
from slipway.storage.postgres_address import SCHEMES
from slipway.storage.seams import Decisions, Journal, Lease, Ledger, Pending, Tables, Tokens
from slipway.storage.sqlite import SqliteJournal, SqliteLedger, state_file
from slipway.storage.sqlite_decisions import SqliteDecisions
from slipway.storage.sqlite_lease import SqliteLease
from slipway.storage.sqlite_pending import SqlitePending
from slipway.storage.sqlite_tables import SqliteTables
from slipway.storage.sqlite_tokens import SqliteTokens

__all__ = [
    "Decisions",
    "Journal",
    "Lease",
    "Ledger",
    "Pending",
    "Storage",
    "Tables",
    "Tokens",
    "open_storage",
    "open_tables",
]


EMBEDDED = "sqlite:///"


class Opened(Protocol):
    """A file or a server that something is kept open of."""

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Storage:
    """An opened project's storage. Safe from several threads, and beside other processes on the same places."""

    journal: Journal
    ledger: Ledger
    pending: Pending
    decisions: Decisions
    lease: Lease
    tokens: Tokens
    tables: Tables
    place: str
    """Where all but the tables is, for a person to read."""
    _opened: tuple[Opened, ...]

    def close(self) -> None:
        """Give back what is held open; a later use opens it again."""
        for opened in self._opened:
            opened.close()


def open_storage(settings: Settings) -> Storage:
    """The storage of a project. No file is opened or made, and no server asked, before its first use.

    Raises:
        ProjectError: the address of the state or of the project's database is of a kind that this version doesn't know.
    """
    tables, opened = open_tables(settings.database_url, settings.root)
    if settings.state_url.startswith(SCHEMES):
        return _on_server(settings.state_url, tables, opened)
    if not settings.state_url.startswith(EMBEDDED):
        kind = settings.state_url.split("://", 1)[0] if "://" in settings.state_url else "?"
        raise ProjectError(
            f"SLIPWAY_STATE_URL: a URL of the kind `{kind}`: expected {', '.join((EMBEDDED, *SCHEMES))}."
        )
    return _in_file(settings.root / settings.state_url.removeprefix(EMBEDDED), tables, opened)


def open_tables(url: str, root: Path) -> tuple[Tables, tuple[Opened, ...]]:
    """A database by its address, and what it holds open.

    Args:
        url: `sqlite:///` and a path, a relative one taken from `root`; or `postgresql://…`, as libpq takes it.

    Raises:
        ProjectError: it is of another kind.
    """
    if url.startswith(SCHEMES):
        from slipway.storage.postgres_tables import PostgresTables

        on_server = PostgresTables(url)
        return on_server, (on_server.server,)
    tables = SqliteTables(url, root)
    return tables, (tables.file,)


def _in_file(path: Path, tables: Tables, opened: tuple[Opened, ...]) -> Storage:
    state = state_file(path)
    return Storage(
        journal=SqliteJournal(state),
        ledger=SqliteLedger(state),
        pending=SqlitePending(state),
        decisions=SqliteDecisions(state),
        lease=SqliteLease(state),
        tokens=SqliteTokens(state),
        tables=tables,
        place=str(path),
        _opened=(state, *opened),
    )


def _on_server(url: str, tables: Tables, opened: tuple[Opened, ...]) -> Storage:
    from slipway.storage.postgres import (
        PostgresDecisions,
        PostgresLease,
        PostgresLedger,
        PostgresPending,
        PostgresTokens,
        state_server,
    )
    from slipway.storage.postgres_journal import PostgresJournal

    server = state_server(url)
    return Storage(
        journal=PostgresJournal(server),
        ledger=PostgresLedger(server),
        pending=PostgresPending(server),
        decisions=PostgresDecisions(server),
        lease=PostgresLease(server),
        tokens=PostgresTokens(server),
        tables=tables,
        place=f"PostgreSQL at {server.address.place}",
        _opened=(server, *opened),
    )
