"""The state of a project in one SQLite file: its format, the journal and the ledger over `state.db`."""

import json
import logging
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from operator import itemgetter
from pathlib import Path
from typing import Any

from slipway.errors import SlipwayError
from slipway.records import DamagedRecord, LedgerEntry, Prediction, Truth
from slipway.storage import sqlite_decisions, sqlite_lease, sqlite_pending, sqlite_tokens
from slipway.storage.journal_rows import Record, Row, read_parts, read_prediction, read_truth, read_whole
from slipway.storage.sqlite_file import BUSY_SECONDS, SqliteFile

log = logging.getLogger(__name__)

FIRST_TABLES = (
    """CREATE TABLE predictions (
        seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, at REAL NOT NULL, version INTEGER NOT NULL,
        row TEXT NOT NULL, prediction TEXT NOT NULL, probabilities TEXT NOT NULL, latency_ms REAL NOT NULL, error TEXT
    )""",
    "CREATE INDEX predictions_by_time ON predictions (at)",
    "CREATE INDEX predictions_by_version ON predictions (version, at)",
    """CREATE TABLE truths (
        seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, prediction_id TEXT NOT NULL, at REAL NOT NULL,
        truth TEXT NOT NULL, source TEXT NOT NULL, is_correction INTEGER NOT NULL
    )""",
    "CREATE INDEX truths_by_prediction ON truths (prediction_id)",
    """CREATE TABLE ledger (
        seq INTEGER PRIMARY KEY, at TEXT NOT NULL, action TEXT NOT NULL, version INTEGER NOT NULL, previous INTEGER,
        bundle TEXT NOT NULL, gate TEXT, by TEXT NOT NULL, why TEXT NOT NULL, previous_hash TEXT NOT NULL,
        hash TEXT NOT NULL
    )""",
    """CREATE TABLE decisions (
        seq INTEGER PRIMARY KEY, tick TEXT NOT NULL, step TEXT NOT NULL, outcome TEXT NOT NULL, why TEXT NOT NULL,
        at TEXT NOT NULL, detail TEXT NOT NULL
    )""",
    "CREATE TABLE leases (name TEXT PRIMARY KEY, holder TEXT NOT NULL, until REAL NOT NULL)",
)

FIFTH = (
    # An index of SQLite ends in the row's number: the last that came of a version are found without sorting.
    "CREATE INDEX predictions_by_arrival ON predictions (version)",
    """CREATE TABLE damaged (
        seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, id TEXT, prediction_id TEXT, at REAL, why TEXT NOT NULL,
        content BLOB, UNIQUE (kind, id)
    )""",
    "CREATE INDEX damaged_by_prediction ON damaged (prediction_id)",
    sqlite_lease.LENGTH,
    *sqlite_decisions.BY_STEP,
)

FORMATS = (FIRST_TABLES, (sqlite_tokens.TABLE,), (sqlite_pending.TABLE,), (sqlite_tokens.EXPIRY,), FIFTH)
"""What each format adds to the one before it. What a published one added is never changed."""
FORMAT = len(FORMATS)


def state_file(path: Path, *, busy_seconds: float = BUSY_SECONDS) -> SqliteFile:
    """The file that all of it shares; nothing is opened or made before its first use."""
    return SqliteFile(path, FORMATS, busy_seconds=busy_seconds)


_REMOVED_AT_ONCE = 5_000
_TRUTHS_AT_ONCE = 10_000
_SET_ASIDE = {"predictions": ("prediction", "id", "row"), "truths": ("truth", "prediction_id", "truth")}
"""Of each table: the kind of its records, of which prediction one is, and what of it is kept to be looked at."""
_PREDICTION = "id, at, version, row, prediction, probabilities, latency_ms, error"
_TRUTH = "id, prediction_id, at, truth, source, is_correction"
_ENTRY = "seq, at, action, version, previous, bundle, gate, by, why, previous_hash, hash"


_OF_OLD_DAMAGED = "prediction_id IN (SELECT id FROM damaged WHERE kind = 'prediction' AND at < ?)"


class SqliteJournal:
    """Implements `storage.seams.Journal`."""

    def __init__(self, file: SqliteFile) -> None:
        self._file = file

    def append(self, records: Iterable[Prediction | Truth]) -> None:
        predictions, truths = [], []
        for record in records:
            if isinstance(record, Prediction):
                predictions.append(_prediction_values(record))
            else:
                truths.append(_truth_values(record))
        if not predictions and not truths:
            return
        predictions.sort(key=itemgetter(1))  # what several writers left comes in the order of time
        with self._file.writing() as connection:
            connection.executemany(
                f"INSERT INTO predictions ({_PREDICTION}) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
                predictions,
            )
            connection.executemany(
                f"INSERT INTO truths ({_TRUTH}) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING", truths
            )

    def last(self, rows: int, *, version: int | None = None) -> list[Prediction]:
        of_version, values = ("WHERE version = ?", [version]) if version is not None else ("", [])
        found = self._predictions(f"{of_version} ORDER BY seq DESC LIMIT ?", [*values, max(rows, 0)])
        return found[::-1]

    def since(self, at: float, *, until: float | None = None, version: int | None = None) -> list[Prediction]:
        asked, values = ["at >= ?"], [at]
        for condition, value in (("at <= ?", until), ("version = ?", version)):
            if value is not None:
                asked, values = [*asked, condition], [*values, value]
        return self._predictions(f"WHERE {' AND '.join(asked)} ORDER BY at, seq", values)

    def parts(self, rows: int) -> Iterator[list[Prediction]]:
        return self._parts("predictions", _PREDICTION, read_prediction, rows)

    def find(self, ids: Sequence[str]) -> dict[str, Prediction]:
        found = self._predictions("WHERE id IN (SELECT value FROM json_each(?))", [json.dumps(list(ids))])
        return {prediction.id: prediction for prediction in found}

    def present(self, ids: Sequence[str]) -> set[str]:
        wanted = json.dumps(list(ids))
        found = self._select(
            "SELECT id FROM predictions WHERE id IN (SELECT value FROM json_each(?)) UNION "
            "SELECT prediction_id FROM damaged WHERE prediction_id IN (SELECT value FROM json_each(?))",
            [wanted, wanted],
        )
        return {row[0] for row in found}

    def truths(self, ids: Sequence[str] | None = None) -> list[Truth]:
        if ids is None:
            return [truth for part in self.truth_parts(_TRUTHS_AT_ONCE) for truth in part]
        return self._truths(
            "WHERE prediction_id IN (SELECT value FROM json_each(?)) ORDER BY seq", [json.dumps(list(ids))]
        )

    def truth_parts(self, rows: int) -> Iterator[list[Truth]]:
        return self._parts("truths", _TRUTH, read_truth, rows)

    def count(self) -> tuple[int, int]:
        counted = self._select("SELECT (SELECT count(*) FROM predictions), (SELECT count(*) FROM truths)", [])
        predictions, truths = counted[0]
        return predictions, truths

    def newest(self) -> float | None:
        found = self._select("SELECT at FROM predictions ORDER BY seq DESC LIMIT 1", [])
        return found[0][0] if found and isinstance(found[0][0], float) else None

    def count_damaged(self) -> int:
        return int(self._select("SELECT count(*) FROM damaged", [])[0][0])

    def damaged(self, rows: int) -> list[DamagedRecord]:
        found = self._select("SELECT prediction_id, why FROM damaged ORDER BY seq DESC LIMIT ?", [max(rows, 0)])
        place = str(self._file.path)
        return [DamagedRecord(key if isinstance(key, str) else None, why, place) for key, why in reversed(found)]

    def remove(self, ids: Sequence[str]) -> tuple[int, int]:
        wanted = json.dumps(list(ids))
        among = "IN (SELECT value FROM json_each(?))"
        with self._file.writing() as connection:
            truths = connection.execute(f"DELETE FROM truths WHERE prediction_id {among}", (wanted,)).rowcount
            predictions = connection.execute(f"DELETE FROM predictions WHERE id {among}", (wanted,)).rowcount
            damaged = connection.execute(f"DELETE FROM damaged WHERE prediction_id {among} RETURNING kind", (wanted,))
            kinds = [row[0] for row in damaged.fetchall()]
        self._file.forget()
        return predictions + kinds.count("prediction"), truths + kinds.count("truth")

    def remove_before(self, at: float, *, until: float | None = None) -> tuple[int, int]:
        total = self._remove_parts("at < ? ORDER BY at, seq", (at,))
        ahead = "SELECT EXISTS (SELECT 1 FROM predictions WHERE at > ?)"
        if until is not None and self._select(ahead, [until]) == [(1,)]:
            # Of a clock that was ahead: as old as what came after it.
            before = "at > ? AND seq < (SELECT min(seq) FROM predictions WHERE at >= ? AND at <= ?)"
            more = self._remove_parts(before, (until, at, until))
            total = total[0] + more[0], total[1] + more[1]
        lost = "DELETE FROM truths WHERE at < ? AND prediction_id NOT IN (SELECT id FROM predictions)"
        with self._file.writing() as connection:
            truths = connection.execute(lost, (at,)).rowcount
            truths += connection.execute(f"DELETE FROM truths WHERE {_OF_OLD_DAMAGED}", (at,)).rowcount
            damaged = connection.execute("DELETE FROM damaged WHERE at < ? RETURNING kind", (at,))
            kinds = [row[0] for row in damaged.fetchall()]
        total = total[0] + kinds.count("prediction"), total[1] + truths + kinds.count("truth")
        if total != (0, 0):
            self._file.forget()
        return total

    def _remove_parts(self, condition: str, values: tuple[Any, ...]) -> tuple[int, int]:
        """A part at a time: whoever else writes waits for one of them alone."""
        old = f"(SELECT id FROM predictions WHERE {condition} LIMIT {_REMOVED_AT_ONCE})"
        total = (0, 0)
        while True:
            with self._file.writing() as connection:
                truths = connection.execute(f"DELETE FROM truths WHERE prediction_id IN {old}", values).rowcount
                removed = connection.execute(f"DELETE FROM predictions WHERE id IN {old}", values).rowcount
            total = total[0] + removed, total[1] + truths
            if removed < _REMOVED_AT_ONCE:
                return total

    def _predictions(self, rest: str, values: list[Any]) -> list[Prediction]:
        return self._readable("predictions", _PREDICTION, read_prediction, rest, values)

    def _truths(self, rest: str, values: list[Any]) -> list[Truth]:
        return self._readable("truths", _TRUTH, read_truth, rest, values)

    def _readable(
        self, table: str, columns: str, read: Callable[[Row], Record], rest: str, values: list[Any]
    ) -> list[Record]:
        sql = f"SELECT {columns}, seq FROM {table} {rest}"
        return read_whole(lambda: self._select(sql, values), read, partial(self._set_aside, table))

    def _parts(self, table: str, columns: str, read: Callable[[Row], Record], rows: int) -> Iterator[list[Record]]:
        sql = f"SELECT {columns}, seq FROM {table} WHERE seq > ? ORDER BY seq LIMIT ?"
        return read_parts(lambda after: self._select(sql, [after, rows]), read, partial(self._set_aside, table))

    def _set_aside(self, table: str, unreadable: Sequence[tuple[Row, str]]) -> bool:
        """Move rows that can't be read to the table of those; whether they could be moved."""
        kind, of, content = _SET_ASIDE[table]
        now = time.time()
        moving = (
            f"INSERT OR IGNORE INTO damaged (kind, id, prediction_id, at, why, content) SELECT '{kind}', id, {of}, "
            f"CASE WHEN typeof(at) = 'real' AND at <= ? THEN at ELSE ? END, ?, {content} FROM {table} WHERE seq = ?"
        )
        try:
            with self._file.writing() as connection:
                connection.executemany(moving, [(now, now, why, row[-1]) for row, why in unreadable])
                connection.executemany(f"DELETE FROM {table} WHERE seq = ?", [(row[-1],) for row, _ in unreadable])
        except SlipwayError as error:
            log.warning("%d records of the journal can't be read, nor set aside: %s", len(unreadable), error)
            return False
        log.error("%d records of the journal can't be read and are set aside: %s", len(unreadable), unreadable[0][1])
        return True

    def _select(self, sql: str, values: list[Any]) -> list[tuple[Any, ...]]:
        with self._file.reading() as connection:
            try:
                return connection.execute(sql, values).fetchall()
            except sqlite3.OperationalError as error:
                if not str(error).startswith("Could not decode"):
                    raise
            connection.text_factory = _text_or_bytes  # slower, and a value that is no text fails alone
            try:
                return connection.execute(sql, values).fetchall()
            finally:
                connection.text_factory = str


class SqliteLedger:
    """Implements `storage.seams.Ledger`."""

    def __init__(self, file: SqliteFile) -> None:
        self._file = file

    def append(self, entry: LedgerEntry) -> bool:
        with self._file.writing() as connection:
            cursor = connection.execute(
                f"INSERT INTO ledger ({_ENTRY}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (seq) DO NOTHING",
                (
                    entry.seq,
                    entry.at,
                    entry.action,
                    entry.version,
                    entry.previous,
                    entry.bundle,
                    entry.gate,
                    entry.by,
                    entry.why,
                    entry.previous_hash,
                    entry.hash,
                ),
            )
            return cursor.rowcount == 1

    def entries(self) -> list[LedgerEntry]:
        with self._file.reading() as connection:
            rows = connection.execute(f"SELECT {_ENTRY} FROM ledger ORDER BY seq").fetchall()
        return [_entry(row) for row in rows]

    def head(self) -> LedgerEntry | None:
        with self._file.reading() as connection:
            row = connection.execute(f"SELECT {_ENTRY} FROM ledger ORDER BY seq DESC LIMIT 1").fetchone()
        return _entry(row) if row else None


def _entry(row: tuple[Any, ...]) -> LedgerEntry:
    # Bytes that another program put in a text's place are shown as such; no entry was written with them.
    values: list[Any] = [repr(value) if isinstance(value, bytes) else value for value in row]
    return LedgerEntry(*values)


def _prediction_values(p: Prediction) -> tuple[Any, ...]:
    # As JSON, a label keeps its type: the class 1 is not the class "1", nor true.
    return (
        _storable(p.id),
        p.at,
        p.version,
        json.dumps(dict(p.row)),
        json.dumps(p.prediction),
        json.dumps(dict(p.probabilities) if p.probabilities is not None else None),
        p.latency_ms,
        _storable(p.error) if p.error is not None else None,
    )


def _truth_values(t: Truth) -> tuple[Any, ...]:
    key, of = _storable(t.id), _storable(t.prediction_id)
    return key, of, t.at, json.dumps(t.truth), _storable(t.source), t.is_correction


def _storable(text: str) -> str:
    # A lone surrogate, which JSON can carry into a message, has no UTF-8: one such record would block all after it.
    return text.encode("utf-8", "backslashreplace").decode()


def _text_or_bytes(value: bytes) -> str | bytes:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value
