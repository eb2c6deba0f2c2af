"""Candidates that wait for a version in, the same ones out of SQLite: a table over `state.db`."""

import json

from slipway.records import Waiting
from slipway.storage.sqlite_file import SqliteFile

TABLE = (
    "CREATE TABLE pending (seq INTEGER PRIMARY KEY, bundle TEXT NOT NULL UNIQUE, at TEXT NOT NULL, by TEXT NOT NULL, "
    "params TEXT NOT NULL, metrics TEXT NOT NULL, tags TEXT NOT NULL)"
)


class SqlitePending:
    """Implements `storage.seams.Pending`."""

    def __init__(self, file: SqliteFile) -> None:
        self._file = file

    def add(self, waiting: Waiting) -> bool:
        w = waiting
        facts = (json.dumps(dict(w.params)), json.dumps(dict(w.metrics)), json.dumps(dict(w.tags)))
        with self._file.writing() as connection:
            cursor = connection.execute(
                "INSERT INTO pending (bundle, at, by, params, metrics, tags) VALUES (?, ?, ?, ?, ?, ?) "
                "ON CONFLICT (bundle) DO NOTHING",
                (w.bundle, w.at, w.by, *facts),
            )
            return cursor.rowcount == 1

    def remove(self, bundle: str) -> bool:
        with self._file.writing() as connection:
            return connection.execute("DELETE FROM pending WHERE bundle = ?", (bundle,)).rowcount == 1

    def all(self) -> list[Waiting]:
        with self._file.reading() as connection:
            rows = connection.execute(
                "SELECT bundle, at, by, params, metrics, tags FROM pending ORDER BY seq"
            ).fetchall()
        return [
            Waiting(bundle, at, by, json.loads(params), json.loads(metrics), json.loads(tags))
            for bundle, at, by, params, metrics, tags in rows
        ]
