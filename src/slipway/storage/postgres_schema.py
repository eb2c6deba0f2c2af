"""A new connection in; the schema `slipway` as this version needs it, or why it can't be used, out."""

import time
from itertools import chain
from typing import TYPE_CHECKING

from slipway.errors import DataError, OutsideError

if TYPE_CHECKING:
    from slipway.storage.postgres_address import Address
    from slipway.storage.postgres_server import Connection

SCHEMA = "slipway"
API_ROLE = "slipway_api"
"""What serves may have this role; it is given what serving does, and no more."""
MIGRATION_SECONDS = 10.0
"""How long a role that may not migrate waits for one that may: just now a job may be at it."""

LOCK_SPACE = 0x51AB
"""The first half of the advisory locks that are taken here: nobody else's are met."""
_MIGRATION = -1

FIRST_TABLES = (
    # Text and not JSON's own types: those refuse NaN, or a zero byte, or forget how a number was written.
    """CREATE TABLE slipway.predictions (
        id text COLLATE "C" PRIMARY KEY, seq bigint GENERATED ALWAYS AS IDENTITY, at double precision NOT NULL,
        version bigint NOT NULL, row text NOT NULL, prediction text NOT NULL, probabilities text NOT NULL,
        latency_ms double precision NOT NULL, error text
    )""",
    "CREATE INDEX predictions_by_time ON slipway.predictions (at, seq)",
    "CREATE INDEX predictions_by_version ON slipway.predictions (version, at, seq)",
    """CREATE TABLE slipway.truths (
        id text COLLATE "C" PRIMARY KEY, seq bigint GENERATED ALWAYS AS IDENTITY,
        prediction_id text COLLATE "C" NOT NULL, at double precision NOT NULL, truth text NOT NULL,
        source text NOT NULL, is_correction boolean NOT NULL
    )""",
    "CREATE INDEX truths_by_prediction ON slipway.truths (prediction_id)",
    """CREATE TABLE slipway.ledger (
        seq bigint PRIMARY KEY, at text NOT NULL, action text NOT NULL, version bigint NOT NULL, previous bigint,
        bundle text NOT NULL, gate text, by text NOT NULL, why text NOT NULL, previous_hash text NOT NULL,
        hash text NOT NULL
    )""",
    """CREATE TABLE slipway.pending (
        bundle text PRIMARY KEY, seq bigint GENERATED ALWAYS AS IDENTITY, at text NOT NULL, by text NOT NULL,
        params text NOT NULL, metrics text NOT NULL, tags text NOT NULL
    )""",
    """CREATE TABLE slipway.decisions (
        seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, key text NOT NULL UNIQUE, tick text NOT NULL,
        step text NOT NULL, outcome text NOT NULL, why text NOT NULL, at text NOT NULL, detail text NOT NULL
    )""",
    """CREATE TABLE slipway.leases (
        name text PRIMARY KEY, holder text NOT NULL, until timestamp with time zone NOT NULL
    )""",
    """CREATE TABLE slipway.tokens (
        name text COLLATE "C" PRIMARY KEY, sha256 text NOT NULL UNIQUE, scopes text NOT NULL, made_at text NOT NULL,
        expires_at text
    )""",
)

SECOND = (
    "CREATE INDEX predictions_by_arrival ON slipway.predictions (seq)",
    "CREATE INDEX predictions_of_version_by_arrival ON slipway.predictions (version, seq)",
    "CREATE INDEX truths_by_arrival ON slipway.truths (seq)",
    """CREATE TABLE slipway.damaged (
        seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, kind text NOT NULL, id text COLLATE "C" NOT NULL,
        prediction_id text COLLATE "C" NOT NULL, at double precision NOT NULL, why text NOT NULL,
        content text NOT NULL, UNIQUE (kind, id)
    )""",
    "CREATE INDEX damaged_by_prediction ON slipway.damaged (prediction_id)",
    "ALTER TABLE slipway.leases ADD COLUMN seconds double precision",
    "ALTER TABLE slipway.decisions ADD COLUMN version bigint",
    """UPDATE slipway.decisions SET version = substring(detail from '"version": ([0-9]{1,18})[,}]')::bigint
        WHERE step = 'check'""",
    "CREATE INDEX decisions_by_step ON slipway.decisions (step, seq)",
)

FORMATS: tuple[tuple[str, ...], ...] = (FIRST_TABLES, SECOND)
"""What each format adds to the one before it. What a published one added is never changed."""

RIGHTS = {
    # What is too old is removed by whoever serves, which records that it did.
    "predictions": ("SELECT", "INSERT", "DELETE"),
    "truths": ("SELECT", "INSERT", "DELETE"),
    "damaged": ("SELECT", "INSERT", "DELETE"),
    "decisions": ("SELECT", "INSERT"),
    "ledger": ("SELECT",),
    "tokens": ("SELECT",),
    "writer": ("SELECT",),
}
"""What serving does with each table."""


class Schema:
    """What a connection finds made before it is used: the tables in this version's format, and the rights to them.

    Args:
        formats: the statements that each format adds to the one before it; the newest one's number is kept in
            `slipway.writer`, and an older schema is brought up to it by whoever comes first.
    """

    def __init__(
        self, formats: tuple[tuple[str, ...], ...] = FORMATS, *, migration_seconds: float = MIGRATION_SECONDS
    ) -> None:
        self._formats = formats
        self._format = len(formats)
        self._migration_seconds = migration_seconds
        self._has_given_rights = False

    def prepare(self, connection: "Connection", address: "Address") -> None:
        """See to it that the schema is of this version's format.

        Raises:
            DataError: a newer Slipway wrote it.
            OutsideError: it is missing or older, and this role may not change that.
        """
        from psycopg.errors import InsufficientPrivilege

        give_up = time.monotonic() + self._migration_seconds
        while True:
            try:
                if self._found(connection, address) < self._format:
                    self._migrate(connection, address)
                break
            except InsufficientPrivilege as error:
                if time.monotonic() > give_up:
                    raise self._may_not(connection, address) from error
            time.sleep(0.2)
        if not self._has_given_rights:
            _give_rights(connection)
            self._has_given_rights = True

    def _found(self, connection: "Connection", address: "Address") -> int:
        """The format that is there; 0 without any."""
        from psycopg.errors import InvalidSchemaName, UndefinedTable

        try:
            row = connection.execute(
                "SELECT format, slipway FROM slipway.writer ORDER BY format DESC LIMIT 1"
            ).fetchone()
        except (UndefinedTable, InvalidSchemaName):
            return 0
        if row is None:
            return 0
        if row[0] > self._format:
            raise DataError(
                f"PostgreSQL at {address.place}: schema {SCHEMA}: written by Slipway {row[1]} in format {row[0]}; this "
                f"one knows formats up to {self._format}. Nothing was changed. Install that version or a newer one."
            )
        return int(row[0])

    def _migrate(self, connection: "Connection", address: "Address") -> None:
        with connection.transaction():
            connection.execute("SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0")
            connection.execute("SELECT pg_advisory_xact_lock(%s, %s)", (LOCK_SPACE, _MIGRATION))
            if connection.execute("SELECT to_regnamespace(%s)", (SCHEMA,)).fetchone() == (None,):
                connection.execute("CREATE SCHEMA slipway")
            connection.execute(
                "CREATE TABLE IF NOT EXISTS slipway.writer "
                "(format integer PRIMARY KEY, slipway text NOT NULL, at timestamp with time zone DEFAULT now())"
            )
            found = self._found(connection, address)
            if found < self._format:  # else another was quicker
                for statement in chain.from_iterable(self._formats[found:]):
                    connection.execute(statement)
                connection.execute("INSERT INTO slipway.writer VALUES (%s, %s)", (self._format, _slipway_version()))

    def _may_not(self, connection: "Connection", address: "Address") -> OutsideError:
        return OutsideError(
            f"PostgreSQL at {address.place}: the tables of Slipway are not there, not of format {self._format} or not "
            f"open to role {connection.info.user}, which may not change that. Any command of the role that owns them "
            "does, such as `slipway status` (in a stack: of a job). Then try again."
        )


def _give_rights(connection: "Connection") -> None:
    """Where the tables are ours and serving has a role of its own, let that do what serving does."""
    is_for_us = connection.execute(
        "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = %s AND rolname <> current_user) AND "
        "(SELECT pg_has_role(nspowner, 'MEMBER') FROM pg_namespace WHERE nspname = %s)",
        (API_ROLE, SCHEMA),
    ).fetchone()
    if is_for_us != (True,):
        return
    has_all = " AND ".join(
        [
            f"has_schema_privilege('{API_ROLE}', '{SCHEMA}', 'USAGE')",
            *(
                f"has_table_privilege('{API_ROLE}', '{SCHEMA}.{table}', '{right}')"
                for table, rights in RIGHTS.items()
                for right in rights
            ),
        ]
    )
    if connection.execute(f"SELECT {has_all}").fetchone() == (True,):
        return
    with connection.transaction():
        # Two that grant the same at once fail over the same row of the catalogue.
        connection.execute("SELECT pg_advisory_xact_lock(%s, %s)", (LOCK_SPACE, _MIGRATION))
        connection.execute(f"GRANT USAGE ON SCHEMA {SCHEMA} TO {API_ROLE}")
        for table, rights in RIGHTS.items():
            connection.execute(f"GRANT {', '.join(rights)} ON {SCHEMA}.{table} TO {API_ROLE}")


def _slipway_version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("slipway")
    except PackageNotFoundError:  # run from a source tree that is not installed
        return "(not installed)"
