"""Tables from which rows were deleted in; their files without what those rows held out.

PostgreSQL keeps a deleted row's bytes in the table's file until something is written over them. `VACUUM FULL` writes
the file anew without them; plain `VACUUM` gives their room to rows that come. In either case the write-ahead log holds
what was written until its segments are used again (about `max_wal_size` of further writes, or an archive of its own),
and so do copies and standbys, each as long as it is kept.
"""

import re
import time
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from slipway.errors import OutsideError
from slipway.storage.postgres_server import SESSION

if TYPE_CHECKING:
    from psycopg.errors import Diagnostic

    from slipway.storage.postgres_server import Connection, PostgresServer

FORGET_SECONDS = 10.0
"""How long others may read what was deleted before they are named as what is in the way."""


def forget(server: "PostgresServer", tables: Sequence[str]) -> None:
    """Write the tables anew; who reads or ships waits meanwhile.

    Raises:
        OutsideError: a transaction somewhere can still see what was deleted; or this role does not own the tables.
    """
    for table in tables:
        give_up = time.monotonic() + FORGET_SECONDS
        while server.run(partial(_rewrite, table, server.address.place)):
            if time.monotonic() > give_up:
                raise OutsideError(
                    f"PostgreSQL at {server.address.place}: the file of {table} still holds what was deleted, since a "
                    f"transaction that began before has been open for {FORGET_SECONDS:g} s. End it, then try again."
                )
            time.sleep(0.1)


def reuse(server: "PostgresServer", tables: Sequence[str]) -> None:
    """Give the room of what was deleted to what comes; without the right to, the server does it by itself, later."""
    for table in tables:
        with server.connection() as connection:
            connection.execute(f"VACUUM {table}")


def _rewrite(table: str, place: str, connection: "Connection", is_again: bool) -> int:
    """How many deleted rows had to be kept, since somebody may still ask for them."""
    kept: list[int] = []
    warned: list[str] = []

    def hear(notice: "Diagnostic") -> None:  # what it says can be asked for here alone
        if notice.severity_nonlocalized == "WARNING":
            warned.append(notice.message_primary or "")
        elif (count := re.match(r"\d+", notice.message_detail or "")) is not None:
            kept.append(int(count[0]))

    connection.add_notice_handler(hear)
    try:
        connection.execute("SET lock_timeout = 0; SET statement_timeout = 0")
        connection.execute(f"VACUUM (FULL, VERBOSE) {table}")
    finally:
        connection.remove_notice_handler(hear)
        if not connection.closed:
            connection.execute(SESSION)
    if warned:
        raise OutsideError(
            f"PostgreSQL at {place}: what was deleted is gone for who asks, and its bytes are still in the file of "
            f"{table}: {warned[0]}. Do it as the role that owns the tables."
        )
    return sum(kept)
