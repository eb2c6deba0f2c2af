"""Settings → the places where a project's state is kept: journal, ledger, decisions, lease, tokens, tables."""

from dataclasses import dataclass

from slipway.settings import Settings
from slipway.storage.seams import Decisions, Journal, Lease, Ledger, Tables, Tokens
from slipway.storage.sqlite import SqliteDecisions, SqliteJournal, SqliteLease, SqliteLedger, state_file
from slipway.storage.sqlite_file import SqliteFile
from slipway.storage.sqlite_tables import SqliteTables
from slipway.storage.sqlite_tokens import SqliteTokens

__all__ = ["Decisions", "Journal", "Lease", "Ledger", "Storage", "Tables", "Tokens", "open_storage"]


@dataclass(frozen=True, slots=True)
class Storage:
    """An opened project's storage. Safe from several threads, and beside other processes on the same files."""

    journal: Journal
    ledger: Ledger
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
    """The embedded storage of a project. No file is opened or made before its first use.

    Raises:
        ProjectError: the project's database is of a kind that this version doesn't know.
    """
    state = state_file(settings.state_db)
    tables = SqliteTables(settings.database_url, settings.root)
    return Storage(
        journal=SqliteJournal(state),
        ledger=SqliteLedger(state),
        decisions=SqliteDecisions(state),
        lease=SqliteLease(state),
        tokens=SqliteTokens(state),
        tables=tables,
        _files=(state, tables.file),
    )
