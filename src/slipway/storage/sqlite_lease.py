"""Leases in the project's SQLite file: a table over `state.db`."""

import time

from slipway.storage.clock import SKEW_SECONDS
from slipway.storage.sqlite_file import SqliteFile

LENGTH = "ALTER TABLE leases ADD COLUMN seconds REAL"
"""How long a lease was asked for: one that lasts longer from now was taken by a clock that was ahead."""

_HOLDS = "leases.until > :now AND (leases.seconds IS NULL OR leases.until <= :now + leases.seconds + :skew)"


class SqliteLease:
    """Implements `storage.seams.Lease`. Time is this machine's clock, as is every process's that shares the file."""

    def __init__(self, file: SqliteFile) -> None:
        self._file = file

    def acquire(self, name: str, holder: str, seconds: float) -> bool:
        with self._file.writing() as connection:
            cursor = connection.execute(
                "INSERT INTO leases (name, holder, until, seconds) VALUES (:name, :holder, :now + :seconds, :seconds) "
                "ON CONFLICT (name) DO UPDATE "
                "SET holder = excluded.holder, until = excluded.until, seconds = excluded.seconds "
                f"WHERE leases.holder = excluded.holder OR NOT ({_HOLDS})",
                {**_now(), "name": name, "holder": holder, "seconds": seconds},
            )
            return cursor.rowcount == 1

    def renew(self, name: str, holder: str, seconds: float) -> bool:
        with self._file.writing() as connection:
            cursor = connection.execute(
                "UPDATE leases SET until = :now + :seconds, seconds = :seconds "
                "WHERE name = :name AND holder = :holder AND until > :now",
                {**_now(), "name": name, "holder": holder, "seconds": seconds},
            )
            return cursor.rowcount == 1

    def release(self, name: str, holder: str) -> None:
        with self._file.writing() as connection:
            connection.execute("DELETE FROM leases WHERE name = ? AND holder = ?", (name, holder))

    def holder(self, name: str) -> str | None:
        with self._file.reading() as connection:
            row = connection.execute(
                f"SELECT holder FROM leases WHERE name = :name AND {_HOLDS}", {**_now(), "name": name}
            ).fetchone()
        return row[0] if row else None


def _now() -> dict[str, str | float]:
    return {"now": time.time(), "skew": SKEW_SECONDS}
