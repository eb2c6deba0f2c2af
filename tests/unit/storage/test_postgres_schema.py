"""The tables on a server: made once by whoever comes first, refused when they are newer, open to the API's role."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from postgres import PASSWORDS
from slipway.errors import DataError, OutsideError
from slipway.records import LedgerEntry, Prediction, Token, Truth
from slipway.settings import read_settings
from slipway.storage import open_storage
from slipway.storage.postgres_schema import FORMATS, Schema
from slipway.storage.postgres_server import PostgresServer

FORMAT = len(FORMATS)
FORBIDDEN = (
    "DROP TABLE slipway.predictions",
    "TRUNCATE slipway.predictions",
    "UPDATE slipway.predictions SET version = 9",
    "ALTER TABLE slipway.ledger ADD COLUMN x int",
    "DELETE FROM slipway.ledger",
    "CREATE TABLE slipway.mine (x int)",
    "CREATE TABLE public.mine (x int)",
    "DROP SCHEMA slipway CASCADE",
    "SELECT * FROM slipway.leases",
)
ADDED = ("ALTER TABLE slipway.predictions ADD COLUMN caller text", "CREATE TABLE slipway.more (x int)")

ENTRY = LedgerEntry(1, "t", "candidate", 1, None, "b", None, "a", "w", "0", "h")


def server(url, formats=FORMATS, **rest):
    return closing(PostgresServer(url, Schema(formats, **rest).prepare))


def written(url):
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT format FROM slipway.writer ORDER BY format").fetchall()


def touch(opened):
    return opened.run(lambda connection, _: connection.execute("SELECT count(*) FROM slipway.predictions").fetchone())


def test_of_many_that_come_first_one_makes_the_tables(empty_url):
    with server(empty_url) as one, server(empty_url) as two, ThreadPoolExecutor(2) as threads:
        assert list(threads.map(touch, (one, two))) == [(0,), (0,)]
    assert written(empty_url) == [(FORMAT,)]


def test_an_older_schema_is_brought_up_to_this_one_with_all_that_it_holds(empty_url):
    with closing(opened(empty_url)) as storage:
        storage.journal.append([Prediction("a", 1.0, 1, {"x": 1}, "low")])
    with server(empty_url, (*FORMATS, ADDED)) as newer:
        assert touch(newer) == (1,)
        assert newer.run(lambda c, _: c.execute("SELECT id, caller FROM slipway.predictions").fetchall()) == [
            ("a", None)
        ]
    assert written(empty_url) == [(FORMAT,), (FORMAT + 1,)]


def test_a_newer_schema_is_refused_and_nothing_changes(empty_url):
    with server(empty_url, (*FORMATS, ADDED)) as newer:
        touch(newer)
    place = empty_url.rpartition("@")[2]
    with closing(opened(empty_url)) as storage, pytest.raises(DataError) as caught:
        storage.ledger.append(ENTRY)
    assert f"PostgreSQL at {place}: schema slipway: written by Slipway " in str(caught.value)
    assert f"in format {FORMAT + 1}; this one knows formats up to {FORMAT}. Nothing was changed." in str(caught.value)
    assert written(empty_url) == [(FORMAT + 1,)]


def test_a_migration_that_fails_half_way_leaves_what_was(empty_url):
    with server(empty_url) as ours:
        touch(ours)
    with server(empty_url, (*FORMATS, (ADDED[0], "SELECT 1 / 0"))) as newer, pytest.raises(DataError, match="by zero"):
        touch(newer)
    assert written(empty_url) == [(FORMAT,)]
    with server(empty_url, (*FORMATS, ADDED)) as newer:
        assert touch(newer) == (0,)


@pytest.fixture
def stack(postgres_server):
    """Addresses for the two roles of a stack, on a new database."""
    address = postgres_server.stack_database()
    return {role: f"postgresql://{role}@{address}" for role in PASSWORDS}


@pytest.fixture
def passwords(tmp_path):
    for role, password in PASSWORDS.items():
        (tmp_path / role).write_text(password)
    return tmp_path


def opened(url, folder=None, role=None):
    said = {"SLIPWAY_STATE_URL": url}
    if role is not None:
        said["SLIPWAY_DATABASE_PASSWORD_FILE"] = str(folder / role)
    return open_storage(read_settings(folder or Path("/"), said))


def with_password(stack, passwords, role):
    return read_settings(
        passwords, {"SLIPWAY_STATE_URL": stack[role], "SLIPWAY_DATABASE_PASSWORD_FILE": str(passwords / role)}
    ).state_url


def test_a_role_that_may_not_make_the_tables_is_told_who_may(stack, passwords):
    url = with_password(stack, passwords, "slipway_api")
    with server(url, migration_seconds=0) as api, pytest.raises(OutsideError) as caught:
        touch(api)
    said = str(caught.value)
    assert "the tables of Slipway are not there, not of format" in said
    assert "not open to role slipway_api, which may not change that. Any command of the role that owns" in said


def test_a_role_that_may_not_make_the_tables_waits_for_who_may(stack, passwords):
    with server(with_password(stack, passwords, "slipway_api")) as api, ThreadPoolExecutor(1) as other:
        waiting = other.submit(touch, api)
        with server(with_password(stack, passwords, "slipway")) as owner:
            assert touch(owner) == (0,)
        assert waiting.result(timeout=20) == (0,)


def test_serving_may_do_what_it_does_and_no_more(stack, passwords):
    with closing(opened(stack["slipway"], passwords, "slipway")) as owner:
        owner.ledger.append(ENTRY)
        owner.tokens.add(Token("shop", "5" * 64, ("read",), "t"))
    with closing(opened(stack["slipway_api"], passwords, "slipway_api")) as api:
        api.journal.append([Prediction("a", 1.0, 1, {"x": 1}, "low"), Truth("t", "a", 2.0, "low", "ana")])
        api.journal.append([Prediction("a", 1.0, 1, {"x": 1}, "low"), Prediction("b", 9.0, 1, {"x": 1}, "low")])
        assert api.journal.remove_before(5.0) == (1, 1)
        assert api.ledger.head() == ENTRY
        assert [token.name for token in api.tokens.all()] == ["shop"]
        for refused in (
            lambda: api.ledger.append(ENTRY),
            lambda: api.tokens.add(Token("mine", "6" * 64, ("operate",), "t")),
            lambda: api.lease.acquire("retrain", "me", 60),
        ):
            with pytest.raises(OutsideError, match="permission denied"):
                refused()
        with server(with_password(stack, passwords, "slipway")) as owner:
            owner.run(lambda c, _: c.execute("UPDATE slipway.predictions SET row = '[' WHERE id = 'b'"))
        assert (api.journal.last(9), api.journal.count_damaged()) == ([], 1)
    with server(with_password(stack, passwords, "slipway_api")) as api:
        for statement in FORBIDDEN:
            with pytest.raises(OutsideError, match=r"permission denied|must be owner"):
                api.run(lambda connection, _, statement=statement: connection.execute(statement))


def test_rights_that_were_taken_away_are_given_again(stack, passwords):
    url = with_password(stack, passwords, "slipway")
    with server(url) as owner:
        owner.run(lambda c, _: c.execute("REVOKE ALL ON ALL TABLES IN SCHEMA slipway FROM slipway_api"))
    with server(with_password(stack, passwords, "slipway_api"), migration_seconds=0) as api:
        with pytest.raises(OutsideError, match="not open to role slipway_api"):
            touch(api)
        with server(url) as owner:
            touch(owner)
        assert touch(api) == (0,)


def test_what_was_removed_is_in_none_of_the_tables_files(empty_url, postgres_server):
    marks = [f"somebody's own words {n:05d}" for n in range(200)]
    with closing(opened(empty_url)) as storage:
        storage.journal.append(Prediction(f"{n}", 1.0, 1, {"said": mark}, "low") for n, mark in enumerate(marks))
        storage.journal.append([Truth("t", "7", 2.0, marks[7], "ana")])
        assert in_files(postgres_server, marks[7])
        assert storage.journal.remove(["7"]) == (1, 1)
        assert not in_files(postgres_server, marks[7])
        assert in_files(postgres_server, marks[8])


def test_a_transaction_that_still_sees_what_was_removed_is_named_as_in_the_way(empty_url, monkeypatch):
    from slipway.storage import postgres_forget

    monkeypatch.setattr(postgres_forget, "FORGET_SECONDS", 0.2)
    with closing(opened(empty_url)) as storage, psycopg.connect(empty_url) as other:
        storage.journal.append([Prediction("a", 1.0, 1, {"x": 1}, "low")])
        other.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        other.execute("SELECT 1").fetchone()
        with pytest.raises(OutsideError, match=r"predictions still holds what was deleted, since a transaction"):
            storage.journal.remove(["a"])
        assert storage.journal.count() == (0, 0)
        other.rollback()
        assert storage.journal.remove(["a"]) == (0, 0)


def in_files(postgres_server, mark):
    """Whether the mark is in any file that tables are in, once all is written."""
    postgres_server.admin().execute("CHECKPOINT")
    found = subprocess.run(
        ["grep", "-rlF", mark, str(postgres_server.folder / "data/base")], capture_output=True, check=False
    )
    return found.returncode == 0


def test_a_process_of_another_version_makes_no_second_schema(empty_url):
    program = (
        "import sys; from pathlib import Path; from slipway.settings import read_settings;"
        "from slipway.storage import open_storage;"
        "storage = open_storage(read_settings(Path('/'), {'SLIPWAY_STATE_URL': sys.argv[1]}));"
        "storage.ledger.head(); storage.close()"
    )
    started = [subprocess.Popen([sys.executable, "-c", program, empty_url]) for _ in range(3)]
    assert [process.wait(60) for process in started] == [0, 0, 0]
    assert written(empty_url) == [(FORMAT,)]


def test_what_the_first_format_left_is_brought_up_to_this_one(empty_url):
    """A lease of unknown length is held until it ends; decisions are found by the version that their figures name."""
    with psycopg.connect(empty_url) as first:
        first.execute("CREATE SCHEMA slipway")
        for statement in FORMATS[0]:
            first.execute(statement)
        first.execute(
            "CREATE TABLE slipway.writer "
            "(format integer PRIMARY KEY, slipway text NOT NULL, at timestamp with time zone DEFAULT now())"
        )
        first.execute("INSERT INTO slipway.writer VALUES (1, '0.1.0')")
        first.execute("INSERT INTO slipway.leases VALUES ('retrain', 'ana', clock_timestamp() + interval '1 year')")
        first.execute(
            "INSERT INTO slipway.decisions (key, tick, step, outcome, why, at, detail) VALUES "
            """('a', 't1', 'check', 'alarm', '', '2026', '{"alerts": [], "version": 3, "x": NaN}'), """
            """('b', 't2', 'check', 'none', '', '2026', '{"columns": {"version": {"psi": 1}}}'), """
            "('c', 't3', 'purge', 'purged', '', '2026', '?')"
        )
    with closing(opened(empty_url)) as storage:
        assert storage.lease.holder("retrain") == "ana"
        assert storage.decisions.latest("check", version=3).tick == "t1"
        assert storage.decisions.latest("check").tick == "t2"
        assert storage.decisions.latest("purge").detail == {}
        storage.journal.append([Prediction("a", 1.0, 1, {"x": 1}, "low")])
        assert (storage.journal.newest(), storage.journal.count_damaged()) == (1.0, 0)
    assert written(empty_url) == [(1,), (FORMAT,)]
