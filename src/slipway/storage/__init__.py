"""Settings → the places where a project's state is kept: journal, ledger, pending, decisions, lease, tokens, tables."""

from dataclasses import dataclass
from pathlib import Path

from slipway.settings import Settings
from slipway.storage.postgres_tables import SCHEMES, PostgresTables
from slipway.storage.seams import Decisions, Journal, Lease, Ledger, Pending, Tables, Tokens
from slipway.storage.sqlite import SqliteDecisions, SqliteJournal, SqliteLease, SqliteLedger, state_file
from slipway.storage.sqlite_file import SqliteFile
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


@dataclass(frozen=True, slots=True)
class Storage:
    """An opened project's storage. Safe from several threads, and beside other processes on the same files."""

    journal: Journal
    ledger: Ledger
    pending: Pending
    decisions: Decisions
    lease: Lease
    tokens: Tokens
    tables: Tables
    _files: tuple[SqliteFile, ...]

    def close(self) -> None:
        """Give the files back; a later use opens them again."""
        for file in self._files:
            file.close()


def open_storage(settings: Settings) -> Storage:
    """The storage of a project. No file is opened or made before its first use.

    Raises:
        ProjectError: the project's database is of a kind that this version doesn't know.
    """
    state = state_file(settings.state_db)
    tables, files = open_tables(settings.database_url, settings.root)
    return Storage(
        journal=SqliteJournal(state),
        ledger=SqliteLedger(state),
        pending=SqlitePending(state),
        decisions=SqliteDecisions(state),
        lease=SqliteLease(state),
        tokens=SqliteTokens(state),
        tables=tables,
        _files=(state, *files),
    )


def open_tables(url: str, root: Path) -> tuple[Tables, tuple[SqliteFile, ...]]:
    """A database by its address, and the files that it holds open.

    Args:
        url: `sqlite:///` and a path, a relative one taken from `root`; or `postgresql://…`, as libpq takes it.

    Raises:
        ProjectError: it is of another kind.
    """
    if url.startswith(SCHEMES):
        return PostgresTables(url), ()
    tables = SqliteTables(url, root)
    return tables, (tables.file,)
