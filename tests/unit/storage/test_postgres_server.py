"""Connections that are lost, refused, used up or carried through a fork; and what is said of each."""

import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager

import psycopg
import pytest

from postgres import PASSWORDS
from slipway.errors import DataError, OutsideError, ProjectError
from slipway.records import Decision, LedgerEntry, Prediction, Token
from slipway.settings import read_settings
from slipway.storage import open_storage
from slipway.storage import postgres_server as pool
from slipway.storage.postgres_address import read_address
from slipway.storage.postgres_errors import translated
from slipway.storage.postgres_server import MOST, PostgresServer

ENTRY = LedgerEntry(1, "2026-01-01T00:00:00", "candidate", 3, None, "b" * 64, None, "ana", "why", "0" * 64, "h" * 64)
TOKEN = Token("shop", "5" * 64, ("read",), "2026-01-01T00:00:00+00:00")


@pytest.fixture
def storage(url, tmp_path):
    with closing(opened(tmp_path, url)) as made:
        yield made


@pytest.fixture
def server(url):
    with closing(PostgresServer(url)) as made:
        yield made


def opened(folder, url, **environment):
    return open_storage(read_settings(folder, {"SLIPWAY_STATE_URL": url, **environment}))


def prediction(key, **rest):
    return Prediction(key, 1.0, 1, {"x": 1}, "low", **rest)


def backend(connection, is_again=False):
    return connection.info.backend_pid


def ask_for_nothing(connection, is_again):
    return connection.execute("SELECT 1").fetchone()


@contextmanager
def locked(url, table):
    """Nobody else gets at the table meanwhile."""
    with psycopg.connect(url) as connection:
        connection.execute(f"LOCK TABLE slipway.{table}")
        yield connection


def end_who_waits(url):
    """End the connection of whoever waits for a lock, once somebody does."""
    with psycopg.connect(url, autocommit=True) as connection:
        while True:
            found = connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND wait_event_type = 'Lock'"
            ).fetchall()
            if found:
                return
            time.sleep(0.01)


def lost_while(url, table, work):
    """What `work` gives, whose connection is ended while it waits for a table."""
    with ThreadPoolExecutor(1) as other:
        with locked(url, table):
            working = other.submit(work)
            end_who_waits(url)
        return working.result(timeout=20)


def test_a_connection_is_kept_and_used_again(server):
    assert server.run(backend) == server.run(backend)


def test_one_that_the_server_ended_is_noticed_before_it_is_used(server, postgres_server):
    before = server.run(backend)
    postgres_server.admin().execute("SELECT pg_terminate_backend(%s, 5000)", (before,))
    called = []
    after = server.run(lambda connection, is_again: called.append(is_again) or backend(connection))
    assert after != before
    assert called == [False]


def test_one_that_is_lost_in_an_append_is_made_anew_and_nothing_is_lost_or_kept_twice(storage, url):
    storage.journal.append([prediction("a")])
    lost_while(url, "predictions", lambda: storage.journal.append([prediction("a"), prediction("b")]))
    assert [p.id for p in storage.journal.last(9)] == ["a", "b"]


@pytest.mark.parametrize(
    ("table", "append"),
    [
        ("ledger", lambda storage: storage.ledger.append(ENTRY)),
        ("tokens", lambda storage: storage.tokens.add(TOKEN)),
        ("leases", lambda storage: storage.lease.acquire("retrain", "ana", 60)),
    ],
)
def test_what_was_lost_on_the_way_is_sent_again_and_is_ours(storage, url, table, append):
    assert storage.ledger.head() is None
    assert lost_while(url, table, lambda: append(storage)) is True


class Committed(PostgresServer):
    """Loses its connection when the first work is done, before anybody is told: the answer never arrives."""

    losses = 1

    def run(self, work, *, is_whole=False):
        def losing(connection, is_again):
            given = work(connection, is_again)
            if self.losses:
                self.losses -= 1
                connection.close()
                raise psycopg.OperationalError("the connection is lost")
            return given

        return super().run(losing, is_whole=is_whole)


@pytest.mark.parametrize("losses", [1, 0])
def test_what_was_kept_before_the_connection_was_lost_is_known_as_ours(storage, url, losses):
    from slipway.storage.postgres import PostgresDecisions, PostgresLedger, PostgresTokens

    assert storage.ledger.head() is None  # the tables are made
    with closing(Committed(url)) as server:
        for answer in (
            lambda: PostgresLedger(server).append(ENTRY),
            lambda: PostgresTokens(server).add(TOKEN),
            lambda: PostgresTokens(server).remove("shop"),
        ):
            server.losses = losses
            assert answer() is True
        server.losses = losses
        PostgresDecisions(server).append(Decision("t", "check", "none", "", "2026"))
    assert storage.ledger.entries() == [ENTRY]
    assert len(storage.decisions.last(9)) == 1


def test_a_server_that_is_away_is_named_and_is_reached_again_when_it_is_back(storage, postgres_server, url):
    storage.journal.append([prediction("a")])
    place = url.rpartition("@")[2]
    postgres_server.stop()
    try:
        with pytest.raises(OutsideError) as caught:
            storage.journal.append([prediction("b")])
        assert str(caught.value) == (
            f"PostgreSQL at {place}: it is away (Connection refused). Start it, or correct the address."
        )
    finally:
        postgres_server.start()
    storage.journal.append([prediction("b")])
    assert [p.id for p in storage.journal.last(9)] == ["a", "b"]


def test_a_wrong_password_is_said_and_no_message_holds_one(postgres_server, tmp_path):
    address = postgres_server.stack_database()
    secret = tmp_path / "password"
    secret.write_text("s3cret-but-wrong\n")
    url = f"postgresql://slipway@{address}"
    with closing(opened(tmp_path, url, SLIPWAY_DATABASE_PASSWORD_FILE=str(secret))) as storage:
        with pytest.raises(OutsideError, match=f"PostgreSQL at {address}: the password is refused") as caught:
            storage.ledger.head()
        assert "s3cret" not in str(caught.value)
    secret.write_text(PASSWORDS["slipway"] + "\n")
    with closing(opened(tmp_path, url, SLIPWAY_DATABASE_PASSWORD_FILE=str(secret))) as storage:
        assert storage.ledger.head() is None
        assert PASSWORDS["slipway"] not in repr(storage)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("postgresql://postgres@{host}/nowhere", 'database "nowhere" does not exist. Make it there, or correct'),
        ("postgresql://nobody@{host}/postgres", 'role "nobody" does not exist. Make it there, or correct'),
        ("postgresql://slipway@{host}/postgres", "the password is refused. Correct it in the address, or in the file"),
        ("postgresql://ada:s3cret@127.0.0.1:1/shop", "127.0.0.1:1/shop: it is away (Connection refused)"),
        ("postgresql://ada:s3cret@no-such-host.invalid/shop", "no-such-host.invalid:5432/shop: it is away ("),
    ],
)
def test_what_is_wrong_at_the_door_is_said(postgres_server, tmp_path, url, message):
    postgres_server.stack_database()
    with closing(opened(tmp_path, url.format(host=f"127.0.0.1:{postgres_server.port}"))) as storage:
        with pytest.raises(OutsideError) as caught:
            storage.ledger.head()
        assert message in str(caught.value)
        assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ada:s3cret@word@db/shop",
        "postgresql://ada:s3cret/word@db/shop",
        "postgresql://ada:s3#cret@db/shop",
        "postgresql://ada:s3cret@[db/shop",
    ],
)
def test_an_address_that_can_not_be_taken_apart_is_refused_without_its_password(url):
    with pytest.raises(ProjectError, match=r"the database's URL is none such as .* `@` %40") as caught:
        read_address(url)
    assert "s3" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("postgresql://db/shop", "db:5432/shop"),
        ("postgresql://ada@db:5433/shop?sslmode=require", "db:5433/shop"),
        ("postgresql://ada:s3cret@one:5432,two:5433/shop", "one:5432,two:5433/shop"),
        ("postgres://[::1]/shop", "[::1]:5432/shop"),
        ("postgresql:///shop", "localhost:5432/shop"),
    ],
)
def test_a_place_is_called_by_host_port_and_database(url, place):
    assert read_address(url).place == place


def test_an_unknown_word_in_an_address_is_told(tmp_path):
    storage = opened(tmp_path, "postgresql://ada:s3cret@db/shop?sslmod=require")
    with pytest.raises(ProjectError, match=r"db:5432/shop: invalid URI query parameter: \"sslmod\"") as caught:
        storage.ledger.head()
    assert "s3cret" not in str(caught.value)


def test_a_place_of_another_kind_is_refused(tmp_path):
    with pytest.raises(ProjectError, match="SLIPWAY_STATE_URL: a URL of the kind `mysql`: expected sqlite:///"):
        opened(tmp_path, "mysql://ada:s3cret@db/shop")


@pytest.mark.parametrize(
    ("state", "kind", "words"),
    [
        ("53100", OutsideError, "its disk is full: nothing was written"),
        ("53300", OutsideError, "it has no connection left to give"),
        ("25006", OutsideError, "it takes no writes now"),
        ("57P03", OutsideError, "it is starting, or shutting down"),
        ("22003", DataError, "refuses a value"),
        ("XX000", OutsideError, "db:5432/shop: something else"),
    ],
)
def test_what_a_server_says_in_its_code_is_said_with_the_remedy(state, kind, words):
    error = psycopg.errors.lookup(state)("something else")
    said = translated(error, read_address("postgresql://ada@db/shop"))
    assert type(said) is kind
    assert words in str(said)


def test_a_table_that_is_locked_for_long_is_said(server, url):
    with psycopg.connect(url) as other:
        other.execute("CREATE TABLE kept (x int)")
        other.commit()
        other.execute("LOCK TABLE kept")
        with pytest.raises(OutsideError, match="another program has kept what is asked for locked"):
            server.run(lambda c, _: c.execute("SET lock_timeout = '50ms'") and c.execute("SELECT * FROM kept"))


def test_of_two_that_wait_for_each_other_one_does_its_work_again(server):
    meet = threading.Barrier(2)

    def both(first, second):
        def work(connection, is_again):
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (first,))
            if not is_again:
                meet.wait(10)
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (second,))
            return is_again

        return lambda: server.run(work, is_whole=True)

    with ThreadPoolExecutor(2) as threads:
        found = [threads.submit(work) for work in (both(1, 2), both(2, 1))]
        assert sorted(each.result(20) for each in found) == [False, True]


def test_no_more_connections_than_a_few_are_opened_by_any_number_of_threads(server, postgres_server):
    pids = set()

    def work(_):
        pids.add(server.run(lambda c, _: c.execute("SELECT pg_backend_pid(), pg_sleep(0.01)").fetchone()[0]))

    with ThreadPoolExecutor(16) as threads:
        list(threads.map(work, range(48)))
    assert 1 <= len(pids) <= MOST


def test_who_waits_too_long_for_a_connection_is_told(server, monkeypatch):
    monkeypatch.setattr(pool, "WAIT_SECONDS", 0.05)
    with ExitStack() as held:
        for _ in range(MOST):
            held.enter_context(server.connection())
        with pytest.raises(OutsideError, match=f"all {MOST} connections of this process have been busy for 0.05 s"):
            server.run(ask_for_nothing)
    assert server.run(ask_for_nothing) == (1,)


def test_a_transaction_that_was_left_open_is_no_ones_next(server):
    with server.connection() as connection:
        connection.execute("BEGIN")
    assert connection.closed
    assert server.run(lambda c, _: c.info.transaction_status) == psycopg.pq.TransactionStatus.IDLE


def test_what_was_closed_opens_again_and_what_is_in_use_ends_when_it_is_given_back(server):
    with server.connection() as connection:
        before = backend(connection)
        server.close()
        assert connection.execute("SELECT 1").fetchone() == (1,)
    assert connection.closed
    assert server.run(backend) != before


def test_a_child_of_a_fork_has_connections_of_its_own(server):
    before = server.run(backend)
    theirs, ours = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(ours, str(server.run(backend)).encode())
            server.close()
        finally:
            os._exit(0)
    os.close(ours)
    with os.fdopen(theirs) as told:
        assert int(told.read()) != before
    os.waitpid(child, 0)
    assert server.run(backend) == before


def test_a_project_on_the_embedded_database_never_imports_psycopg(tmp_path):
    program = (
        "import sys, pathlib; from slipway.settings import read_settings; from slipway.storage import open_storage;"
        "storage = open_storage(read_settings(pathlib.Path(sys.argv[1]), {})); storage.ledger.head(); storage.close();"
        "print([name for name in sys.modules if name.startswith('psycopg')])"
    )
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
