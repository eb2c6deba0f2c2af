"""The state of a project in one SQLite file: journal, ledger, decisions and leases over `state.db`."""

import json
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from slipway.records import Decision, LedgerEntry, Prediction, Truth
from slipway.storage import sqlite_pending, sqlite_tokens
from slipway.storage.sqlite_file import BUSY_SECONDS, SqliteFile

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

FORMATS = (FIRST_TABLES, (sqlite_tokens.TABLE,), (sqlite_pending.TABLE,), (sqlite_tokens.EXPIRY,))
"""What each format adds to the one before it. What a published one added is never changed."""
FORMAT = len(FORMATS)


def state_file(path: Path, *, busy_seconds: float = BUSY_SECONDS) -> SqliteFile:
    """The file that all of it shares; nothing is opened or made before its first use."""
    return SqliteFile(path, FORMATS, busy_seconds=busy_seconds)


_REMOVED_AT_ONCE = 5_000
_PREDICTION = "id, at, version, row, prediction, probabilities, latency_ms, error"
_TRUTH = "id, prediction_id, at, truth, source, is_correction"
_ENTRY = "seq, at, action, version, previous, bundle, gate, by, why, previous_hash, hash"
_DECISION = "tick, step, outcome, why, at, detail"


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
        found = self._select(
            f"SELECT {_PREDICTION} FROM predictions {of_version} ORDER BY at DESC, seq DESC LIMIT ?",
            [*values, max(rows, 0)],
        )
        return [_prediction(row) for row in reversed(found)]

    def since(self, at: float, *, version: int | None = None) -> list[Prediction]:
        of_version, values = ("AND version = ?", [version]) if version is not None else ("", [])
        found = self._select(
            f"SELECT {_PREDICTION} FROM predictions WHERE at >= ? {of_version} ORDER BY at, seq", [at, *values]
        )
        return [_prediction(row) for row in found]

    def parts(self, rows: int) -> Iterator[list[Prediction]]:
        after = [float("-inf"), 0]
        while True:
            found = self._select(
                f"SELECT {_PREDICTION}, seq FROM predictions WHERE (at, seq) > (?, ?) ORDER BY at, seq LIMIT ?",
                [*after, rows],
            )
            if not found:
                return
            yield [_prediction(row[:-1]) for row in found]
            after = [found[-1][1], found[-1][-1]]

    def find(self, ids: Sequence[str]) -> dict[str, Prediction]:
        found = self._select(
            f"SELECT {_PREDICTION} FROM predictions WHERE id IN (SELECT value FROM json_each(?))",
            [json.dumps(list(ids))],
        )
        return {row[0]: _prediction(row) for row in found}

    def truths(self, ids: Sequence[str] | None = None) -> list[Truth]:
        if ids is None:
            found = self._select(f"SELECT {_TRUTH} FROM truths ORDER BY seq", [])
        else:
            found = self._select(
                f"SELECT {_TRUTH} FROM truths WHERE prediction_id IN (SELECT value FROM json_each(?)) ORDER BY seq",
                [json.dumps(list(ids))],
            )
        return [_truth(row) for row in found]

    def count(self) -> tuple[int, int]:
        counted = self._select("SELECT (SELECT count(*) FROM predictions), (SELECT count(*) FROM truths)", [])
        predictions, truths = counted[0]
        return predictions, truths

    def remove(self, ids: Sequence[str]) -> tuple[int, int]:
        wanted = json.dumps(list(ids))
        removed = self._remove(
            "DELETE FROM predictions WHERE id IN (SELECT value FROM json_each(?))",
            "DELETE FROM truths WHERE prediction_id IN (SELECT value FROM json_each(?))",
            (wanted,),
        )
        self._file.forget()
        return removed

    def remove_before(self, at: float) -> tuple[int, int]:
        total = (0, 0)
        while True:  # a part at a time: whoever else writes waits for one of them alone
            old = f"(SELECT id FROM predictions WHERE at < ? ORDER BY at, seq LIMIT {_REMOVED_AT_ONCE})"
            removed = self._remove(
                f"DELETE FROM predictions WHERE id IN {old}", f"DELETE FROM truths WHERE prediction_id IN {old}", (at,)
            )
            total = total[0] + removed[0], total[1] + removed[1]
            if removed[0] < _REMOVED_AT_ONCE:
                break
        lost = "DELETE FROM truths WHERE at < ? AND prediction_id NOT IN (SELECT id FROM predictions)"
        with self._file.writing() as connection:
            total = total[0], total[1] + connection.execute(lost, (at,)).rowcount
        if total != (0, 0):
            self._file.forget()
        return total

    def _remove(self, predictions: str, truths: str, values: tuple[Any, ...]) -> tuple[int, int]:
        with self._file.writing() as connection:
            of_truths = connection.execute(truths, values).rowcount
            return connection.execute(predictions, values).rowcount, of_truths

    def _select(self, sql: str, values: list[Any]) -> list[tuple[Any, ...]]:
        with self._file.reading() as connection:
            return connection.execute(sql, values).fetchall()


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
        return [LedgerEntry(*row) for row in rows]

    def head(self) -> LedgerEntry | None:
        with self._file.reading() as connection:
            row = connection.execute(f"SELECT {_ENTRY} FROM ledger ORDER BY seq DESC LIMIT 1").fetchone()
        return LedgerEntry(*row) if row else None


class SqliteDecisions:
    """Implements `storage.seams.Decisions`."""

    def __init__(self, file: SqliteFile) -> None:
        self._file = file

    def append(self, decision: Decision) -> None:
        d = decision
        with self._file.writing() as connection:
            connection.execute(
                f"INSERT INTO decisions ({_DECISION}) VALUES (?, ?, ?, ?, ?, ?)",
                (d.tick, d.step, d.outcome, d.why, d.at, json.dumps(dict(d.detail))),
            )

    def last(self, count: int) -> list[Decision]:
        with self._file.reading() as connection:
            rows = connection.execute(
                f"SELECT {_DECISION} FROM decisions ORDER BY seq DESC LIMIT ?", [max(count, 0)]
            ).fetchall()
        return [
            Decision(tick, step, outcome, why, at, json.loads(detail))
            for tick, step, outcome, why, at, detail in reversed(rows)
        ]


class SqliteLease:
    """Implements `storage.seams.Lease`. Time is this machine's clock, as is every process's that shares the file."""

    def __init__(self, file: SqliteFile) -> None:
        self._file = file

    def acquire(self, name: str, holder: str, seconds: float) -> bool:
        now = time.time()
        with self._file.writing() as connection:
            cursor = connection.execute(
                "INSERT INTO leases (name, holder, until) VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE "
                "SET holder = excluded.holder, until = excluded.until "
                "WHERE leases.holder = excluded.holder OR leases.until <= ?",
                (name, holder, now + seconds, now),
            )
            return cursor.rowcount == 1

    def renew(self, name: str, holder: str, seconds: float) -> bool:
        now = time.time()
        with self._file.writing() as connection:
            cursor = connection.execute(
                "UPDATE leases SET until = ? WHERE name = ? AND holder = ? AND until > ?",
                (now + seconds, name, holder, now),
            )
            return cursor.rowcount == 1

    def release(self, name: str, holder: str) -> None:
        with self._file.writing() as connection:
            connection.execute("DELETE FROM leases WHERE name = ? AND holder = ?", (name, holder))

    def holder(self, name: str) -> str | None:
        with self._file.reading() as connection:
            row = connection.execute(
                "SELECT holder FROM leases WHERE name = ? AND until > ?", (name, time.time())
            ).fetchone()
        return row[0] if row else None


def _prediction_values(p: Prediction) -> tuple[Any, ...]:
    # As JSON, a label keeps its type: the class 1 is not the class "1", nor true.
    return (
        p.id,
        p.at,
        p.version,
        json.dumps(dict(p.row)),
        json.dumps(p.prediction),
        json.dumps(dict(p.probabilities) if p.probabilities is not None else None),
        p.latency_ms,
        _storable(p.error) if p.error is not None else None,
    )


def _truth_values(t: Truth) -> tuple[Any, ...]:
    return t.id, t.prediction_id, t.at, json.dumps(t.truth), _storable(t.source), t.is_correction


def _storable(text: str) -> str:
    # A lone surrogate, which JSON can carry into a message, has no UTF-8: one such record would block all after it.
    return text.encode("utf-8", "backslashreplace").decode()


def _prediction(row: tuple[Any, ...]) -> Prediction:
    key, at, version, values, prediction, probabilities, latency_ms, error = row
    return Prediction(
        key, at, version, json.loads(values), json.loads(prediction), json.loads(probabilities), latency_ms, error
    )


def _truth(row: tuple[Any, ...]) -> Truth:
    key, prediction_id, at, truth, source, is_correction = row
    return Truth(key, prediction_id, at, json.loads(truth), source, bool(is_correction))
