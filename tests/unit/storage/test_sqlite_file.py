import gc
import json
import os
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest

from slipway.errors import DataError, OutsideError, ProjectError
from slipway.records import Prediction, Token
from slipway.release.ledger import entry_json, record, verify
from slipway.settings import read_settings
from slipway.storage import open_storage
from slipway.storage.sqlite import FORMAT, FORMATS, SqliteJournal, SqliteLedger, state_file
from slipway.storage.sqlite_decisions import SqliteDecisions
from slipway.storage.sqlite_file import SqliteFile
from slipway.storage.sqlite_tables import SqliteTables
from slipway.storage.sqlite_tokens import SqliteTokens

ONE = Prediction("a", 1.0, 1, {"x": 1}, "low")


@pytest.fixture
def file(tmp_path):
    file = state_file(tmp_path / "state" / "state.db", busy_seconds=0.1)
    yield file
    file.close()


def test_nothing_is_made_before_the_first_use(tmp_path):
    open_storage(read_settings(tmp_path, {}))
    assert list(tmp_path.iterdir()) == []


def test_the_format_and_who_wrote_it_stand_in_the_file(file):
    SqliteJournal(file).append([ONE])
    with closing(sqlite3.connect(file.path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (FORMAT,)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert [row[0] for row in connection.execute("SELECT format FROM writer")] == [FORMAT]


def test_a_newer_format_is_refused_with_the_version_that_wrote_it_and_not_changed(file):
    file.path.parent.mkdir()
    with closing(sqlite3.connect(file.path)) as connection:
        connection.execute("CREATE TABLE writer (format INTEGER, slipway TEXT)")
        connection.execute("INSERT INTO writer VALUES (7, '9.2.0')")
        connection.execute("PRAGMA user_version = 7")
        connection.commit()
    before = file.path.read_bytes()
    with pytest.raises(DataError, match=rf"state\.db: written by Slipway 9\.2\.0 in format 7.*up to {FORMAT}\."):
        SqliteJournal(file).append([ONE])
    assert file.path.read_bytes() == before


def test_an_older_format_is_brought_up_to_this_one_with_what_it_holds(file):
    older = SqliteFile(file.path, FORMATS[:1])
    SqliteJournal(older).append([ONE])
    older.close()
    shop = Token("shop", "0" * 64, ("read",), "2026-01-02T03:04:05+00:00")
    assert SqliteTokens(file).add(shop)
    assert (SqliteTokens(file).all(), SqliteJournal(file).last(1)) == ([shop], [ONE])
    with closing(sqlite3.connect(file.path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (FORMAT,)
    with pytest.raises(DataError, match="knows formats up to 1"):
        SqliteJournal(SqliteFile(file.path, FORMATS[:1])).last(1)


def test_a_newer_format_without_a_name_is_refused_too(file):
    file.path.parent.mkdir()
    with closing(sqlite3.connect(file.path)) as connection:
        connection.execute("PRAGMA user_version = 7")
    with pytest.raises(DataError, match="written by a newer Slipway in format 7"):
        SqliteJournal(file).last(1)


def test_a_database_that_another_keeps_locked_is_outside_and_says_what_to_do(file):
    journal = SqliteJournal(file)
    journal.append([ONE])
    with closing(sqlite3.connect(file.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(OutsideError, match=r"state\.db: another program has kept the database locked for 0\.1 s"):
            journal.append([Prediction("b", 1.0, 1, {}, "low")])
        assert journal.last(5) == [ONE]  # a reader need not wait
        other.execute("ROLLBACK")
    journal.append([Prediction("b", 1.0, 1, {}, "low")])
    assert journal.count() == (2, 0)


def test_a_full_disk_is_outside_and_nothing_of_the_batch_is_kept(file):
    journal = SqliteJournal(file)
    journal.append([ONE])
    with file.reading() as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(OutsideError, match="the disk is full: nothing was written"):
        journal.append(Prediction(f"{i}", 1.0, 1, {"text": "x" * 1000}, "low") for i in range(100))
    assert journal.last(5) == [ONE]


def test_a_database_that_only_reads_is_outside(file):
    journal = SqliteJournal(file)
    journal.append([ONE])
    with file.reading() as connection:
        connection.execute("PRAGMA query_only = ON")
    with pytest.raises(OutsideError, match=r"the database can't be written\. Give user"):
        journal.append([Prediction("b", 1.0, 1, {}, "low")])


def test_a_folder_that_cannot_be_made_is_outside(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutsideError, match="file: the folder can't be made: "):
        SqliteJournal(state_file(tmp_path / "file" / "state.db")).last(1)


def test_a_path_that_is_a_folder_is_outside(tmp_path):
    with pytest.raises(OutsideError, match="the database can't be opened"):
        SqliteJournal(state_file(tmp_path)).last(1)


def test_what_is_no_database_is_outside(file):
    file.path.parent.mkdir()
    file.path.write_bytes(b"this is a letter, not a database\n" * 100)
    with pytest.raises(OutsideError, match="not an SQLite database, or damaged"):
        SqliteJournal(file).last(1)


def test_many_threads_may_be_the_first(tmp_path):
    file = state_file(tmp_path / "state.db")
    problems = []
    start = threading.Barrier(8)

    def use(i):
        start.wait()
        try:
            SqliteJournal(file).append([Prediction(f"{i}", 1.0, 1, {}, "low")])
        except Exception as error:  # told to the test's own thread
            problems.append(error)

    threads = [threading.Thread(target=use, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert SqliteJournal(file).count() == (8, 0)
    file.close()


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="no /proc here")
def test_a_thread_that_ends_gives_its_connection_back(file):
    journal = SqliteJournal(file)
    journal.append([ONE])

    def open_files():
        gc.collect()
        return sum("state.db" in str(file.readlink()) for file in Path("/proc/self/fd").iterdir() if file.is_symlink())

    before = open_files()
    for _ in range(5):
        thread = threading.Thread(target=journal.last, args=(1,))
        thread.start()
        thread.join()
    # SQLite keeps one file for the next connection, since closing it would drop the locks of this thread's.
    assert open_files() <= before + 1


def test_a_closed_storage_opens_again_when_it_is_used(file):
    journal = SqliteJournal(file)
    journal.append([ONE])
    file.close()
    assert journal.last(1) == [ONE]


def test_a_transaction_that_fails_is_undone(file):
    SqliteJournal(file).append([ONE])

    def fail():
        with file.writing() as connection:
            connection.execute("DELETE FROM predictions")
            raise RuntimeError("power")

    with pytest.raises(RuntimeError, match="power"):
        fail()
    assert SqliteJournal(file).last(1) == [ONE]


def test_questions_by_time_and_version_are_answered_from_an_index(file):
    SqliteJournal(file).append([ONE])
    asked = {
        "SELECT * FROM predictions WHERE version = 1 ORDER BY at DESC, seq DESC LIMIT 5": "predictions_by_version",
        "SELECT * FROM predictions ORDER BY at DESC, seq DESC LIMIT 5": "predictions_by_time",
        "SELECT * FROM predictions WHERE at >= 1 ORDER BY at, seq": "predictions_by_time",
        "SELECT * FROM truths WHERE prediction_id IN (SELECT value FROM json_each('[]'))": "truths_by_prediction",
    }
    with file.reading() as connection:
        for sql, index in asked.items():
            plan = " ".join(row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}"))
            assert index in plan, plan
            assert "TEMP B-TREE" not in plan or "truths" in sql, plan


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_process_opens_its_own_connection(file):
    with file.reading() as connection:
        mine = id(connection)
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        with file.reading() as connection:
            os.write(write, b"same" if id(connection) == mine else b"own")
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(read, 10) == b"own"
    os.close(read)
    os.close(write)


def test_a_file_of_the_users_own_is_not_touched_by_opening_it(tmp_path):
    path = tmp_path / "theirs.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE theirs (a)")
        connection.execute("PRAGMA user_version = 42")
        connection.commit()
    before = path.read_bytes()
    with SqliteFile(path).reading() as connection:
        assert connection.execute("SELECT count(*) FROM theirs").fetchone() == (0,)
    assert path.read_bytes() == before


def test_a_table_of_the_users_own_is_not_overwritten(tmp_path):
    import polars as pl

    tables = SqliteTables("sqlite:///theirs.db", tmp_path)
    with tables.file.writing() as connection:
        connection.execute("CREATE TABLE customers (name TEXT)")
    with pytest.raises(
        DataError, match="table `customers` is in the database already and was not published by Slipway"
    ):
        tables.publish("customers", pl.DataFrame({"name": ["Ana"]}), [])
    tables.file.close()


def test_text_that_is_no_date_stays_text(tmp_path):
    tables = SqliteTables("sqlite:///theirs.db", tmp_path)
    with tables.file.writing() as connection:
        connection.execute("CREATE TABLE t (d DATE)")
        connection.executemany("INSERT INTO t VALUES (?)", [("2022-01-01",), ("yesterday",)])
    assert tables.query("SELECT d FROM t")["d"].to_list() == ["2022-01-01", "yesterday"]
    tables.file.close()


@pytest.mark.parametrize("url", ["mysql://ana:secret@db/x", "sqlite:///", "mysql"])
def test_a_database_of_another_kind_is_refused_without_its_password(tmp_path, url):
    with pytest.raises(ProjectError, match="SLIPWAY_DATABASE_URL names a database of the kind") as refusal:
        open_storage(read_settings(tmp_path, {"SLIPWAY_DATABASE_URL": url}))
    assert "secret" not in str(refusal.value)


def test_the_projects_database_is_where_the_address_says(tmp_path):
    import polars as pl

    storage = open_storage(read_settings(tmp_path, {"SLIPWAY_DATABASE_URL": "sqlite:///db/mine.db"}))
    storage.tables.publish("t", pl.DataFrame({"a": [1]}), [])
    storage.close()
    assert (tmp_path / "db" / "mine.db").is_file()


def test_a_file_that_was_removed_under_us_is_made_anew_and_not_written_into_the_void(tmp_path):
    settings = read_settings(tmp_path, {})
    serving, other = open_storage(settings), open_storage(settings)
    serving.journal.append([Prediction("before", 1.0, 1, {}, "low")])
    for path in settings.state.glob("state.db*"):
        path.unlink()
    serving.journal.append([Prediction("after", 2.0, 1, {}, "low")])
    assert [p.id for p in other.journal.last(5)] == ["after"]
    serving.close()
    other.close()


OTHER = """
import sys
from pathlib import Path
from slipway.records import Decision
from slipway.storage.sqlite import state_file
from slipway.storage.sqlite_decisions import SqliteDecisions
file = state_file(Path(sys.argv[1]))
SqliteDecisions(file).append(Decision("t", "check", sys.argv[2], "", "2026-01-01"))
file.close()
"""


def test_another_thread_that_opens_the_file_takes_no_lock_from_the_first(tmp_path):
    file = state_file(tmp_path / "state.db")
    decisions = SqliteDecisions(file)
    for outcome in ("none", "alarm", "retrain"):
        assert decisions.latest("check", outcomes=(outcome,)) is None
        opening = threading.Thread(target=lambda: decisions.last(1))
        opening.start()
        opening.join()
        # Whoever closes the file last removes its log: that is another's while a lock says that we have it open.
        subprocess.run([sys.executable, "-c", OTHER, str(file.path), outcome], check=True, timeout=60)
        assert decisions.latest("check", outcomes=(outcome,)) is not None
    file.close()


def test_decisions_of_an_older_format_are_found_by_their_version(tmp_path):
    older = SqliteFile(tmp_path / "state.db", FORMATS[:4])
    details = ['{"version": 3}', '{"version": NaN}', "?", '{"version": "4"}', '{"columns": {"version": 5}}']
    with older.writing() as connection:
        for n, detail in enumerate(details):
            connection.execute(
                "INSERT INTO decisions (tick, step, outcome, why, at, detail) VALUES (?, 'check', '', '', '', ?)",
                (f"t{n}", detail),
            )
    older.close()
    file = state_file(tmp_path / "state.db")
    decisions = SqliteDecisions(file)
    assert decisions.latest("check", version=3).tick == "t0"
    assert decisions.latest("check", version=5) is None
    assert [d.detail.get("version") for d in decisions.last(9)][2:] == [None, "4", None]
    file.close()


@pytest.mark.parametrize(
    "change",
    [
        "DROP TABLE ledger",
        "ALTER TABLE ledger RENAME COLUMN version TO v",
        "UPDATE ledger SET why = CAST(x'ff' AS TEXT)",
    ],
)
def test_a_database_that_another_program_changed_is_told_as_such(file, change):
    ledger = SqliteLedger(file)
    record(ledger, "candidate", 1, bundle="b", by="ana", why="")
    with closing(sqlite3.connect(file.path)) as connection:
        connection.execute(change)
        connection.commit()
    with pytest.raises(OutsideError, match=r"state\.db: another program has changed the database \("):
        ledger.head()
    with pytest.raises(OutsideError, match="Put a copy back"):
        ledger.entries()


@pytest.mark.parametrize("column", ["at", "action", "version", "bundle", "why", "previous_hash", "hash"])
def test_bytes_in_an_entry_of_the_ledger_are_an_edit_of_it(file, column):
    ledger = SqliteLedger(file)
    for version in (1, 2):
        record(ledger, "candidate", version, bundle="b", by="ana", why="")
    with closing(sqlite3.connect(file.path)) as connection:
        connection.execute(f"UPDATE ledger SET {column} = x'ff00' WHERE seq = 2")
        connection.commit()
    verified = verify(ledger.entries())
    assert not verified.ok
    assert "entry 2 " in (verified.problem or "")
    assert json.dumps(entry_json(ledger.head()))
