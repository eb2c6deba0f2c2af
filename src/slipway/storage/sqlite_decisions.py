"""The loop's decisions in the project's SQLite file: a table over `state.db`."""

import json
from collections.abc import Sequence
from typing import Any

from slipway.records import Decision, Step
from slipway.storage.decision_rows import checked_version, read_detail
from slipway.storage.sqlite_file import SqliteFile

BY_STEP = (
    "ALTER TABLE decisions ADD COLUMN version INTEGER",
    "UPDATE decisions SET version = json_extract(detail, '$.version') WHERE step = 'check' AND json_valid(detail)",
    "CREATE INDEX decisions_by_step ON decisions (step)",
)
"""Of which version a decision is, where its figures say so, and a way to the last ones of a step."""

_DECISION = "tick, step, outcome, why, at, detail"


class SqliteDecisions:
    """Implements `storage.seams.Decisions`."""

    def __init__(self, file: SqliteFile) -> None:
        self._file = file

    def append(self, decision: Decision) -> None:
        d = decision
        with self._file.writing() as connection:
            connection.execute(
                f"INSERT INTO decisions ({_DECISION}, version) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (d.tick, d.step, d.outcome, d.why, d.at, json.dumps(dict(d.detail)), checked_version(d)),
            )

    def last(self, count: int) -> list[Decision]:
        with self._file.reading() as connection:
            rows = connection.execute(
                f"SELECT {_DECISION} FROM decisions ORDER BY seq DESC LIMIT ?", [max(count, 0)]
            ).fetchall()
        return [_decision(row) for row in reversed(rows)]

    def latest(
        self,
        step: Step,
        *,
        outcomes: Sequence[str] = (),
        version: int | None = None,
        until: str | None = None,
        other_than: str | None = None,
    ) -> Decision | None:
        given: dict[str, Any] = {"step = ?": step, "version = ?": version, "at <= ?": until, "tick <> ?": other_than}
        given = {condition: value for condition, value in given.items() if value is not None}
        among = f" AND outcome IN ({', '.join('?' * len(outcomes))})" if outcomes else ""
        sql = f"SELECT {_DECISION} FROM decisions WHERE {' AND '.join(given)}{among} ORDER BY seq DESC LIMIT 1"
        with self._file.reading() as connection:
            row = connection.execute(sql, [*given.values(), *outcomes]).fetchone()
        return None if row is None else _decision(row)


def _decision(row: tuple[Any, ...]) -> Decision:
    tick, step, outcome, why, at, detail = row
    return Decision(tick, step, outcome, why, at, read_detail(detail))
