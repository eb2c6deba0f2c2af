"""Predictions and truths in, the same ones out of PostgreSQL: brought by COPY, each kept once by its id."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from slipway.records import Prediction, Truth
from slipway.storage.postgres_forget import forget, reuse
from slipway.storage.postgres_server import PostgresServer
from slipway.storage.postgres_text import kept, told

if TYPE_CHECKING:
    from slipway.storage.postgres_server import Connection

_REMOVED_AT_ONCE = 5_000
_PREDICTION = "id, at, version, row, prediction, probabilities, latency_ms, error"
_TRUTH = "id, prediction_id, at, truth, source, is_correction"

Row = tuple[Any, ...]


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

        def bring(connection: "Connection", is_again: bool) -> None:
            if predictions:
                _bring(connection, "predictions", _PREDICTION, lambda: map(_prediction_values, predictions))
            if truths:
                _bring(connection, "truths", _TRUTH, lambda: map(_truth_values, truths))

        if predictions or truths:
            self._server.run(bring, is_whole=True)

    def last(self, rows: int, *, version: int | None = None) -> list[Prediction]:
        of_version, values = ("WHERE version = %s", [version]) if version is not None else ("", [])
        found = self._select(
            f"SELECT {_PREDICTION} FROM slipway.predictions {of_version} ORDER BY at DESC, seq DESC LIMIT %s",
            [*values, max(rows, 0)],
        )
        return [_prediction(row) for row in reversed(found)]

    def since(self, at: float, *, version: int | None = None) -> list[Prediction]:
        of_version, values = ("AND version = %s", [version]) if version is not None else ("", [])
        found = self._select(
            f"SELECT {_PREDICTION} FROM slipway.predictions WHERE at >= %s {of_version} ORDER BY at, seq",
            [at, *values],
        )
        return [_prediction(row) for row in found]

    def parts(self, rows: int) -> Iterator[list[Prediction]]:
        after = [float("-inf"), 0]
        while True:
            found = self._select(
                f"SELECT {_PREDICTION}, seq FROM slipway.predictions WHERE (at, seq) > (%s, %s) ORDER BY at, seq "
                "LIMIT %s",
                [*after, rows],
            )
            if not found:
                return
            yield [_prediction(row[:-1]) for row in found]
            after = [found[-1][1], found[-1][-1]]

    def find(self, ids: Sequence[str]) -> dict[str, Prediction]:
        found = self._select(
            f"SELECT {_PREDICTION} FROM slipway.predictions WHERE id = ANY (%s)", [[kept(key) for key in ids]]
        )
        return {prediction.id: prediction for prediction in map(_prediction, found)}

    def truths(self, ids: Sequence[str] | None = None) -> list[Truth]:
        if ids is None:
            found = self._select(f"SELECT {_TRUTH} FROM slipway.truths ORDER BY seq", [])
        else:
            found = self._select(
                f"SELECT {_TRUTH} FROM slipway.truths WHERE prediction_id = ANY (%s) ORDER BY seq",
                [[kept(key) for key in ids]],
            )
        return [_truth(row) for row in found]

    def count(self) -> tuple[int, int]:
        counted = self._select(
            "SELECT (SELECT count(*) FROM slipway.predictions), (SELECT count(*) FROM slipway.truths)", []
        )
        predictions, truths = counted[0]
        return predictions, truths

    def remove(self, ids: Sequence[str]) -> tuple[int, int]:
        wanted = [kept(key) for key in ids]
        removed = self._remove(
            "DELETE FROM slipway.predictions WHERE id = ANY (%s)",
            "DELETE FROM slipway.truths WHERE prediction_id = ANY (%s)",
            wanted,
        )
        forget(self._server, ("slipway.predictions", "slipway.truths"))
        return removed

    def remove_before(self, at: float) -> tuple[int, int]:
        total = (0, 0)
        while True:  # a part at a time: whoever asks for one of these waits for one of them alone
            old = f"(SELECT id FROM slipway.predictions WHERE at < %s ORDER BY at, seq LIMIT {_REMOVED_AT_ONCE})"
            removed = self._remove(
                f"DELETE FROM slipway.predictions WHERE id IN {old}",
                f"DELETE FROM slipway.truths WHERE prediction_id IN {old}",
                at,
            )
            total = total[0] + removed[0], total[1] + removed[1]
            if removed[0] < _REMOVED_AT_ONCE:
                break
        lost = (
            "DELETE FROM slipway.truths t WHERE at < %s AND NOT EXISTS "
            "(SELECT FROM slipway.predictions p WHERE p.id = t.prediction_id)"
        )
        total = total[0], total[1] + self._server.run(lambda c, _: c.execute(lost, (at,)).rowcount)
        if total != (0, 0):
            reuse(self._server, ("slipway.predictions", "slipway.truths"))
        return total

    def _remove(self, predictions: str, truths: str, value: Any) -> tuple[int, int]:
        def remove(connection: "Connection", is_again: bool) -> tuple[int, int]:
            of_truths = connection.execute(truths, (value,)).rowcount
            return connection.execute(predictions, (value,)).rowcount, of_truths

        return self._server.run(remove, is_whole=True)

    def _select(self, sql: str, values: list[Any]) -> list[Row]:
        def select(connection: "Connection", is_again: bool) -> list[Row]:
            with connection.cursor(binary=True) as cursor:
                return cursor.execute(sql, values).fetchall()

        return self._server.run(select)


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


def _prediction(row: Row) -> Prediction:
    key, at, version, values, prediction, probabilities, latency_ms, error = row
    return Prediction(
        told(key),
        at,
        version,
        json.loads(values),
        json.loads(prediction),
        json.loads(probabilities),
        latency_ms,
        told(error) if error is not None else None,
    )


def _truth(row: Row) -> Truth:
    key, prediction_id, at, truth, source, is_correction = row
    return Truth(told(key), told(prediction_id), at, json.loads(truth), told(source), is_correction)
