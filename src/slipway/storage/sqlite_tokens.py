"""Tokens in, the same ones out of SQLite: names, digests and scopes over `state.db`."""

from slipway.records import Token
from slipway.storage.sqlite_file import SqliteFile

TABLE = (
    "CREATE TABLE tokens (name TEXT PRIMARY KEY, sha256 TEXT NOT NULL UNIQUE, scopes TEXT NOT NULL, "
    "made_at TEXT NOT NULL)"
)
EXPIRY = "ALTER TABLE tokens ADD COLUMN expires_at TEXT"

_COLUMNS = "name, sha256, scopes, made_at, expires_at"


class SqliteTokens:
    """Implements `storage.seams.Tokens`."""

    def __init__(self, file: SqliteFile) -> None:
        self._file = file

    def add(self, token: Token) -> bool:
        with self._file.writing() as connection:
            cursor = connection.execute(
                f"INSERT INTO tokens ({_COLUMNS}) VALUES (?, ?, ?, ?, ?) ON CONFLICT (name) DO NOTHING",
                (token.name, token.sha256, " ".join(token.scopes), token.made_at, token.expires_at),
            )
            return cursor.rowcount == 1

    def remove(self, name: str) -> bool:
        with self._file.writing() as connection:
            return connection.execute("DELETE FROM tokens WHERE name = ?", (name,)).rowcount == 1

    def all(self) -> list[Token]:
        with self._file.reading() as connection:
            rows = connection.execute(f"SELECT {_COLUMNS} FROM tokens ORDER BY name").fetchall()
        return [Token(name, sha256, tuple(scopes.split()), *times) for name, sha256, scopes, *times in rows]
