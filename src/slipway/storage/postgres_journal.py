"""Predictions and truths in, the same ones out of PostgreSQL: brought by COPY, each kept once by its id."""

import json
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from slipway.errors import SlipwayError
from slipway.records import DamagedRecord, Prediction, Truth
from slipway.storage.journal_rows import Record, read_parts, read_prediction, read_truth, read_whole
from slipway.storage.journal_rows import Row as RowLike
from slipway.storage.postgres_forget import forget, reuse
from slipway.storage.postgres_server import PostgresServer
from slipway.storage.postgres_text import kept, told

if TYPE_CHECKING:
    from slipway.storage.postgres_server import Connection

log = logging.getLogger(__name__)

_REMOVED_AT_ONCE = 5_000
_TRUTHS_AT_ONCE = 10_000
_TABLES = ("slipway.predictions", "slipway.truths", "slipway.damaged")
_SET_ASIDE = {"predictions": ("prediction", "id", "row"), "truths": ("truth", "prediction_id", "truth")}
"""Of each table: the kind of its records, of which prediction one is, and what of it is kept to be looked at."""
_PREDICTION = "id, at, version, row, prediction, probabilities, latency_ms, error"
_TRUTH = "id, prediction_id, at, truth, source, is_correction"

Row = tuple[Any, ...]


_OF_OLD_DAMAGED = "prediction_id IN (SELECT id FROM slipway.damaged WHERE kind = 'prediction' AND at < %s)"


class PostgresJournal:
    """Implements `storage.seams.Journal`."""

    def __init__(self, server: PostgresServer) -> None:
        self._server = server

    def append(self, records: Iterable[Prediction | Truth]) -> None:
        predictions: list[Prediction] = []
        truths: list[Truth] = []
        for record in records:
            if isinstance(record, Prediction):
                predictions.append(record)
            else:
                truths.append(record)
        predictions.sort(key=attrgetter("at"))  # what several writers left comes in the order of time

        def bring(connection: "Connection", is_again: bool) -> None:
            if predictions:
                _bring(connection, "predictions", _PREDICTION, lambda: map(_prediction_values, predictions))
            if truths:
                _bring(connection, "truths", _TRUTH, lambda: map(_truth_values, truths))

        if predictions or truths:
            self._server.run(bring, is_whole=True)

    def last(self, rows: int, *, version: int | None = None) -> list[Prediction]:
        of_version, values = ("WHERE version = %s", [version]) if version is not None else ("", [])
        found = self._predictions(f"{of_version} ORDER BY seq DESC LIMIT %s", [*values, max(rows, 0)])
        return found[::-1]

    def since(self, at: float, *, until: float | None = None, version: int | None = None) -> list[Prediction]:
        asked, values = ["at >= %s"], [at]
        for condition, value in (("at <= %s", until), ("version = %s", version)):
            if value is not None:
                asked, values = [*asked, condition], [*values, value]
        return self._predictions(f"WHERE {' AND '.join(asked)} ORDER BY at, seq", values)

    def parts(self, rows: int) -> Iterator[list[Prediction]]:
        return self._parts("predictions", _PREDICTION, _prediction, rows)

    def find(self, ids: Sequence[str]) -> dict[str, Prediction]:
        found = self._predictions("WHERE id = ANY (%s)", [[kept(key) for key in ids]])
        return {prediction.id: prediction for prediction in found}

    def present(self, ids: Sequence[str]) -> set[str]:
        wanted = [kept(key) for key in ids]
        found = self._select(
            "SELECT id FROM slipway.predictions WHERE id = ANY (%s) UNION "
            "SELECT prediction_id FROM slipway.damaged WHERE prediction_id = ANY (%s)",
            [wanted, wanted],
        )
        return {told(row[0]) for row in found}

    def truths(self, ids: Sequence[str] | None = None) -> list[Truth]:
        if ids is None:
            return [truth for part in self.truth_parts(_TRUTHS_AT_ONCE) for truth in part]
        return self._readable(
            "truths", _TRUTH, _truth, "WHERE prediction_id = ANY (%s) ORDER BY seq", [[kept(key) for key in ids]]
        )

    def truth_parts(self, rows: int) -> Iterator[list[Truth]]:
        return self._parts("truths", _TRUTH, _truth, rows)

    def count(self) -> tuple[int, int]:
        counted = self._select(
            "SELECT (SELECT count(*) FROM slipway.predictions), (SELECT count(*) FROM slipway.truths)", []
        )
        predictions, truths = counted[0]
        return predictions, truths

    def newest(self) -> float | None:
        found = self._select("SELECT at FROM slipway.predictions ORDER BY seq DESC LIMIT 1", [])
        return found[0][0] if found and isinstance(found[0][0], float) else None

    def count_damaged(self) -> int:
        return int(self._select("SELECT count(*) FROM slipway.damaged", [])[0][0])

    def damaged(self, rows: int) -> list[DamagedRecord]:
        newest = "SELECT prediction_id, why FROM slipway.damaged ORDER BY seq DESC LIMIT %s"
        place = f"PostgreSQL at {self._server.address.place}"
        return [DamagedRecord(told(key), why, place) for key, why in reversed(self._select(newest, [max(rows, 0)]))]

    def remove(self, ids: Sequence[str]) -> tuple[int, int]:
        wanted = [kept(key) for key in ids]

        def remove(connection: "Connection", is_again: bool) -> tuple[int, int]:
            truths = connection.execute("DELETE FROM slipway.truths WHERE prediction_id = ANY (%s)", [wanted]).rowcount
            predictions = connection.execute("DELETE FROM slipway.predictions WHERE id = ANY (%s)", [wanted]).rowcount
            return _with_damaged(connection, (predictions, truths), "prediction_id = ANY (%s)", wanted)

        removed = self._server.run(remove, is_whole=True)
        forget(self._server, _TABLES)
        return removed

    def remove_before(self, at: float, *, until: float | None = None) -> tuple[int, int]:
        total = self._remove_parts("at < %s ORDER BY at, seq", (at,))
        ahead = "SELECT EXISTS (SELECT FROM slipway.predictions WHERE at > %s)"
        if until is not None and self._select(ahead, [until]) == [(True,)]:
            # Of a clock that was ahead: as old as what came after it.
            before = "at > %s AND seq < (SELECT min(seq) FROM slipway.predictions WHERE at >= %s AND at <= %s)"
            more = self._remove_parts(before, (until, at, until))
            total = total[0] + more[0], total[1] + more[1]

        def remove(connection: "Connection", is_again: bool) -> tuple[int, int]:
            lost = (
                "DELETE FROM slipway.truths t WHERE at < %s AND NOT EXISTS "
                "(SELECT FROM slipway.predictions p WHERE p.id = t.prediction_id)"
            )
            truths = connection.execute(lost, (at,)).rowcount
            truths += connection.execute(f"DELETE FROM slipway.truths WHERE {_OF_OLD_DAMAGED}", (at,)).rowcount
            return _with_damaged(connection, (0, truths), "at < %s", at)

        more = self._server.run(remove, is_whole=True)
        total = total[0] + more[0], total[1] + more[1]
        if total != (0, 0):
            reuse(self._server, _TABLES)
        return total

    def _remove_parts(self, condition: str, values: Row) -> tuple[int, int]:
        """A part at a time: whoever asks for one of these waits for one of them alone."""
        old = f"(SELECT id FROM slipway.predictions WHERE {condition} LIMIT {_REMOVED_AT_ONCE})"

        def remove(connection: "Connection", is_again: bool) -> tuple[int, int]:
            truths = connection.execute(f"DELETE FROM slipway.truths WHERE prediction_id IN {old}", values).rowcount
            return connection.execute(f"DELETE FROM slipway.predictions WHERE id IN {old}", values).rowcount, truths

        total = (0, 0)
        while True:
            removed = self._server.run(remove, is_whole=True)
            total = total[0] + removed[0], total[1] + removed[1]
            if removed[0] < _REMOVED_AT_ONCE:
                return total

    def _predictions(self, rest: str, values: list[Any]) -> list[Prediction]:
        return self._readable("predictions", _PREDICTION, _prediction, rest, values)

    def _readable(
        self, table: str, columns: str, read: Callable[[RowLike], Record], rest: str, values: list[Any]
    ) -> list[Record]:
        sql = f"SELECT {columns}, seq FROM slipway.{table} {rest}"
        return read_whole(lambda: self._select(sql, values), read, partial(self._set_aside, table))

    def _parts(self, table: str, columns: str, read: Callable[[RowLike], Record], rows: int) -> Iterator[list[Record]]:
        sql = f"SELECT {columns}, seq FROM slipway.{table} WHERE seq > %s ORDER BY seq LIMIT %s"
        return read_parts(lambda after: self._select(sql, [after, rows]), read, partial(self._set_aside, table))

    def _set_aside(self, table: str, unreadable: Sequence[tuple[RowLike, str]]) -> bool:
        """Move rows that can't be read to the table of those; whether they could be moved."""
        kind, of, content = _SET_ASIDE[table]
        now = time.time()
        moving = (
            f"INSERT INTO slipway.damaged (kind, id, prediction_id, at, why, content) SELECT '{kind}', id, {of}, "
            f"CASE WHEN at <= %s THEN at ELSE %s END, %s, {content} FROM slipway.{table} WHERE seq = %s "
            "ON CONFLICT (kind, id) DO NOTHING"
        )

        def move(connection: "Connection", is_again: bool) -> None:
            with connection.cursor() as cursor:
                cursor.executemany(moving, [(now, now, why, row[-1]) for row, why in unreadable])
                cursor.executemany(f"DELETE FROM slipway.{table} WHERE seq = %s", [(row[-1],) for row, _ in unreadable])

        try:
            self._server.run(move, is_whole=True)
        except SlipwayError as error:
            log.warning("%d records of the journal can't be read, nor set aside: %s", len(unreadable), error)
            return False
        log.error("%d records of the journal can't be read and are set aside: %s", len(unreadable), unreadable[0][1])
        return True

    def _select(self, sql: str, values: list[Any]) -> list[Row]:
        def select(connection: "Connection", is_again: bool) -> list[Row]:
            with connection.cursor(binary=True) as cursor:
                return cursor.execute(sql, values).fetchall()

        return self._server.run(select)


def _with_damaged(connection: "Connection", removed: tuple[int, int], condition: str, value: Any) -> tuple[int, int]:
    """Remove records that were set aside too; how many of each kind it comes to."""
    gone = connection.execute(f"DELETE FROM slipway.damaged WHERE {condition} RETURNING kind", [value]).fetchall()
    kinds = [row[0] for row in gone]
    return removed[0] + kinds.count("prediction"), removed[1] + kinds.count("truth")


def _bring(connection: "Connection", table: str, columns: str, rows: Callable[[], Iterable[Row]]) -> None:
    from psycopg.errors import UniqueViolation

    try:
        with connection.transaction(), connection.cursor() as cursor:
            with cursor.copy(f"COPY slipway.{table} ({columns}) FROM STDIN") as copy:
                for row in rows():  # made one by one: the server takes the first meanwhile
                    copy.write_row(row)
            return
    except UniqueViolation:
        pass
    # Some came before, as after a crash: rare, so that the quick way is tried first and this one may be slow.
    places = ", ".join(["%s"] * len(columns.split(",")))
    inserting = f"INSERT INTO slipway.{table} ({columns}) VALUES ({places}) ON CONFLICT (id) DO NOTHING"
    with connection.cursor() as cursor:
        cursor.executemany(inserting, rows())


def _prediction_values(p: Prediction) -> Row:
    # As JSON, a label keeps its type: the class 1 is not the class "1", nor true.
    return (
        kept(p.id),
        p.at,
        p.version,
        json.dumps(dict(p.row)),
        json.dumps(p.prediction),
        json.dumps(dict(p.probabilities) if p.probabilities is not None else None),
        p.latency_ms,
        kept(p.error) if p.error is not None else None,
    )


def _truth_values(t: Truth) -> Row:
    return kept(t.id), kept(t.prediction_id), t.at, json.dumps(t.truth), kept(t.source), t.is_correction


def _prediction(row: RowLike) -> Prediction:
    key, at, version, values, prediction, probabilities, latency_ms, error = row
    said = told(error) if error is not None else None
    return read_prediction((told(key), at, version, values, prediction, probabilities, latency_ms, said))


def _truth(row: RowLike) -> Truth:
    key, prediction_id, at, truth, source, is_correction = row
    return read_truth((told(key), told(prediction_id), at, truth, told(source), is_correction))
