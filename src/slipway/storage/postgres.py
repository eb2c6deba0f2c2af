"""The state of a project on a PostgreSQL server: ledger, decisions, leases, what is pending, and tokens."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from slipway.records import Decision, LedgerEntry, Step, Token, Waiting, new_id
from slipway.storage.clock import SKEW_SECONDS
from slipway.storage.decision_rows import checked_version, read_detail
from slipway.storage.postgres_schema import Schema
from slipway.storage.postgres_server import PostgresServer
from slipway.storage.postgres_text import kept, told

if TYPE_CHECKING:
    from slipway.storage.postgres_server import Connection

_ENTRY = "seq, at, action, version, previous, bundle, gate, by, why, previous_hash, hash"
_DECISION = "tick, step, outcome, why, at, detail"
_WAITING = "bundle, at, by, params, metrics, tags"
_CALLER = "name, sha256, scopes, made_at, expires_at"

_HOLDS = (
    "leases.until > clock_timestamp() AND (leases.seconds IS NULL "
    "OR leases.until <= clock_timestamp() + make_interval(secs => leases.seconds + %(skew)s))"
)
"""What lasts longer from now than it was asked for was taken while the server's clock was ahead."""

Row = tuple[Any, ...]


def state_server(url: str) -> PostgresServer:
    """The database that all of it shares; nothing is connected or made before its first use."""
    return PostgresServer(url, Schema().prepare)


class PostgresLedger:
    """Implements `storage.seams.Ledger`."""

    def __init__(self, server: PostgresServer) -> None:
        self._server = server

    def append(self, entry: LedgerEntry) -> bool:
        e = entry
        values = (
            e.seq,
            e.at,
            e.action,
            e.version,
            e.previous,
            e.bundle,
            e.gate,
            kept(e.by),
            kept(e.why),
            e.previous_hash,
            e.hash,
        )

        def append(connection: "Connection", is_again: bool) -> bool:
            if _insert(connection, f"slipway.ledger ({_ENTRY})", values, "seq"):
                return True
            # Our own entry was kept before the connection was lost: nobody else writes one of this very hash.
            same = "SELECT FROM slipway.ledger WHERE seq = %s AND hash = %s"
            return is_again and connection.execute(same, (e.seq, e.hash)).fetchone() is not None

        return self._server.run(append)

    def entries(self) -> list[LedgerEntry]:
        rows = self._server.run(lambda c, _: c.execute(f"SELECT {_ENTRY} FROM slipway.ledger ORDER BY seq").fetchall())
        return [_entry(row) for row in rows]

    def head(self) -> LedgerEntry | None:
        newest = f"SELECT {_ENTRY} FROM slipway.ledger ORDER BY seq DESC LIMIT 1"
        row = self._server.run(lambda c, _: c.execute(newest).fetchone())
        return _entry(row) if row else None


class PostgresDecisions:
    """Implements `storage.seams.Decisions`."""

    def __init__(self, server: PostgresServer) -> None:
        self._server = server

    def append(self, decision: Decision) -> None:
        d = decision
        # Equal decisions are two; one that is sent again after a connection was lost is one, by its key.
        texts = [kept(text) for text in (d.tick, d.step, d.outcome, d.why, d.at)]
        values = (new_id(), *texts, json.dumps(dict(d.detail)), checked_version(d))
        self._server.run(lambda c, _: _insert(c, f"slipway.decisions (key, {_DECISION}, version)", values, "key"))

    def last(self, count: int) -> list[Decision]:
        newest = f"SELECT {_DECISION} FROM slipway.decisions ORDER BY seq DESC LIMIT %s"
        rows = self._server.run(lambda c, _: c.execute(newest, (max(count, 0),)).fetchall())
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
        asked: dict[str, Any] = {"step = %s": step, "outcome = ANY (%s)": list(outcomes) or None}
        asked |= {"version = %s": version, 'at COLLATE "C" <= %s': until, "tick <> %s": other_than}
        given = {condition: value for condition, value in asked.items() if value is not None}
        sql = f"SELECT {_DECISION} FROM slipway.decisions WHERE {' AND '.join(given)} ORDER BY seq DESC LIMIT 1"
        row = self._server.run(lambda c, _: c.execute(sql, [*given.values()]).fetchone())
        return None if row is None else _decision(row)


class PostgresLease:
    """Implements `storage.seams.Lease`. Time is the server's clock, whatever those of who asks say."""

    def __init__(self, server: PostgresServer) -> None:
        self._server = server

    def acquire(self, name: str, holder: str, seconds: float) -> bool:
        taking = (
            "INSERT INTO slipway.leases (name, holder, until, seconds) "
            "VALUES (%(name)s, %(holder)s, clock_timestamp() + make_interval(secs => %(seconds)s), %(seconds)s) "
            "ON CONFLICT (name) DO UPDATE "
            "SET holder = excluded.holder, until = excluded.until, seconds = excluded.seconds "
            f"WHERE leases.holder = excluded.holder OR NOT ({_HOLDS})"
        )
        return self._server.run(lambda c, _: c.execute(taking, _lease(name, holder, seconds)).rowcount == 1)

    def renew(self, name: str, holder: str, seconds: float) -> bool:
        longer = (
            "UPDATE slipway.leases SET until = clock_timestamp() + make_interval(secs => %(seconds)s), "
            "seconds = %(seconds)s WHERE name = %(name)s AND holder = %(holder)s AND until > clock_timestamp()"
        )
        return self._server.run(lambda c, _: c.execute(longer, _lease(name, holder, seconds)).rowcount == 1)

    def release(self, name: str, holder: str) -> None:
        gone = "DELETE FROM slipway.leases WHERE name = %s AND holder = %s"
        self._server.run(lambda c, _: c.execute(gone, (kept(name), kept(holder))))

    def holder(self, name: str) -> str | None:
        asked = f"SELECT holder FROM slipway.leases WHERE name = %(name)s AND {_HOLDS}"
        row = self._server.run(lambda c, _: c.execute(asked, _lease(name)).fetchone())
        return told(row[0]) if row else None


def _lease(name: str, holder: str = "", seconds: float = 0.0) -> dict[str, str | float]:
    return {"name": kept(name), "holder": kept(holder), "seconds": seconds, "skew": SKEW_SECONDS}


class PostgresPending:
    """Implements `storage.seams.Pending`."""

    def __init__(self, server: PostgresServer) -> None:
        self._server = server

    def add(self, waiting: Waiting) -> bool:
        w = waiting
        facts = (json.dumps(dict(w.params)), json.dumps(dict(w.metrics)), json.dumps(dict(w.tags)))
        values = (w.bundle, w.at, kept(w.by), *facts)
        return self._server.run(lambda c, _: _insert(c, f"slipway.pending ({_WAITING})", values, "bundle"))

    def remove(self, bundle: str) -> bool:
        gone = "DELETE FROM slipway.pending WHERE bundle = %s"
        return self._server.run(lambda c, _: c.execute(gone, (bundle,)).rowcount == 1)

    def all(self) -> list[Waiting]:
        asked = f"SELECT {_WAITING} FROM slipway.pending ORDER BY seq"
        rows = self._server.run(lambda c, _: c.execute(asked).fetchall())
        return [
            Waiting(bundle, at, told(by), json.loads(params), json.loads(metrics), json.loads(tags))
            for bundle, at, by, params, metrics, tags in rows
        ]


class PostgresTokens:
    """Implements `storage.seams.Tokens`."""

    def __init__(self, server: PostgresServer) -> None:
        self._server = server

    def add(self, token: Token) -> bool:
        values = (kept(token.name), token.sha256, " ".join(token.scopes), token.made_at, token.expires_at)

        def add(connection: "Connection", is_again: bool) -> bool:
            if _insert(connection, f"slipway.tokens ({_CALLER})", values, "name"):
                return True
            same = "SELECT FROM slipway.tokens WHERE name = %s AND sha256 = %s"
            return is_again and connection.execute(same, values[:2]).fetchone() is not None

        return self._server.run(add)

    def remove(self, name: str) -> bool:
        def remove(connection: "Connection", is_again: bool) -> bool:
            gone = connection.execute("DELETE FROM slipway.tokens WHERE name = %s", (kept(name),)).rowcount == 1
            return gone or is_again

        return self._server.run(remove)

    def all(self) -> list[Token]:
        asked = f"SELECT {_CALLER} FROM slipway.tokens ORDER BY name"
        rows = self._server.run(lambda c, _: c.execute(asked).fetchall())
        return [Token(told(name), sha256, tuple(scopes.split()), *times) for name, sha256, scopes, *times in rows]


def _insert(connection: "Connection", into: str, values: Row, key: str) -> bool:
    """Whether the row is new; one whose key is there already is left as it is."""
    places = ", ".join(["%s"] * len(values))
    inserting = f"INSERT INTO {into} VALUES ({places}) ON CONFLICT ({key}) DO NOTHING"
    return connection.execute(inserting, values).rowcount == 1


def _entry(row: Row) -> LedgerEntry:
    seq, at, action, version, previous, bundle, gate, by, why, previous_hash, digest = row
    return LedgerEntry(seq, at, action, version, previous, bundle, gate, told(by), told(why), previous_hash, digest)


def _decision(row: Row) -> Decision:
    tick, step, outcome, why, at, detail = row
    words: Any = step
    return Decision(told(tick), words, told(outcome), told(why), at, read_detail(detail))
