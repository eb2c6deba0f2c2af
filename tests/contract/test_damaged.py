"""What lies in a journal and can't be read is set aside, counted and can be purged; every other record is there."""

import sqlite3
from contextlib import closing

import psycopg
import pytest

import backends
from slipway.records import Prediction, Truth
from slipway.storage.journal_rows import MAX_DEPTH

DEEP = '{"x": ' + "[" * 5_000 + "]" * 5_000 + "}"
DAMAGED_PREDICTIONS = {
    "too deep": ("row", DEEP),
    "deep in objects": ("row", '{"x": ' + '{"x": ' * MAX_DEPTH + "1" + "}" * (MAX_DEPTH + 1)),
    "cut off": ("row", '{"x": [1, 2'),
    "a list": ("row", "[1, 2]"),
    "a label that is a list": ("prediction", '["low"]'),
    "probabilities that are words": ("probabilities", '{"low": "much"}'),
    "nothing at all": ("row", ""),
    "two values": ("row", "{} {}"),
}
DAMAGED_TRUTHS = {"too deep": "[" * 3_000 + "]" * 3_000, "null": "null", "no JSON": "low", "an object": '{"of": 1}'}


@pytest.fixture
def change(storage, request, tmp_path):
    """Changes a column of one record behind the journal's back."""
    backend = request.node.callspec.params["open_backend"]

    def change(table, key, column, value):
        if backend == "sqlite":
            with closing(sqlite3.connect(tmp_path / ".slipway/state.db")) as connection, connection:
                connection.execute(f"UPDATE {table} SET {column} = ? WHERE id = ?", (value, key))
        else:
            with psycopg.connect(backends.environment(backend, tmp_path)["SLIPWAY_STATE_URL"]) as connection:
                connection.execute(f"UPDATE slipway.{table} SET {column} = %s WHERE id = %s", (value, key))

    return change


def fill(journal, keys="abcde"):
    journal.append([Prediction(key, float(n), 1, {"x": n}, "low", {"low": 1.0}) for n, key in enumerate(keys)])
    journal.append([Truth(f"t{key}", key, 9.0, "low", "api") for key in keys])


@pytest.mark.parametrize("damage", DAMAGED_PREDICTIONS)
def test_a_prediction_that_cannot_be_read_hides_no_other(storage, change, damage):
    journal = storage.journal
    fill(journal)
    change("predictions", "d", *DAMAGED_PREDICTIONS[damage])
    assert [p.id for p in journal.last(3)] == ["b", "c", "e"], "an older one takes its place"
    assert [p.id for part in journal.parts(2) for p in part] == ["a", "b", "c", "e"]
    assert [p.id for p in journal.since(0.0, version=1)] == ["a", "b", "c", "e"]
    assert set(journal.find(["c", "d"])) == {"c"}
    assert journal.count() == (4, 5)
    assert journal.count_damaged() == 1
    (record,) = journal.damaged(9)
    assert record.id == "d"
    assert "low" not in record.why
    assert journal.present(["d", "e", "nobody"]) == {"d", "e"}


@pytest.mark.parametrize("reading", ["last", "parts", "since", "find"])
def test_whoever_reads_first_finds_it(storage, change, reading):
    journal = storage.journal
    fill(journal)
    change("predictions", "c", "row", DEEP)
    readers = {
        "last": lambda: journal.last(9),
        "parts": lambda: [p for part in journal.parts(1) for p in part],
        "since": lambda: journal.since(0.0),
        "find": lambda: [*journal.find([*"abcde"]).values()],
    }
    assert {p.id for p in readers[reading]()} == {*"abde"}
    assert journal.count_damaged() == 1


@pytest.mark.parametrize("damage", DAMAGED_TRUTHS)
def test_a_truth_that_cannot_be_read_hides_no_other(storage, change, damage):
    journal = storage.journal
    fill(journal)
    change("truths", "tb", "truth", DAMAGED_TRUTHS[damage])
    assert [t.id for t in journal.truths(["a", "b", "c"])] == ["ta", "tc"]
    assert [t.id for part in journal.truth_parts(2) for t in part] == ["ta", "tc", "td", "te"]
    assert (journal.count(), journal.count_damaged()) == ((5, 4), 1)
    assert journal.damaged(1)[0].id == "b"


def test_what_is_damaged_is_removed_by_its_id_or_age_and_counted(storage, change):
    journal = storage.journal
    fill(journal)
    for key in "bc":
        change("predictions", key, "row", DEEP)
    change("truths", "tb", "truth", "?")
    assert journal.remove(["b"]) == (1, 1)  # also before anybody has tried to read it
    journal.last(9), journal.truths()
    assert journal.count_damaged() == 1
    assert journal.remove_before(2.5) == (2, 2)  # a, and c, which was set aside
    assert journal.count_damaged() == 0
    assert [p.id for p in journal.last(9)] == ["d", "e"]


def test_a_row_as_deep_as_is_allowed_is_read_from_a_deep_stack(storage):
    value = 1
    for _ in range(MAX_DEPTH - 1):
        value = [value]
    storage.journal.append([Prediction("a", 1.0, 1, {"x": value}, "low")])

    def read(depth):
        return storage.journal.last(1) if depth == 0 else read(depth - 1)

    assert read(300)[0].row == {"x": value}
    assert storage.journal.count_damaged() == 0


@pytest.mark.parametrize(
    ("column", "value"), [("row", b"\xff\xfe{"), ("error", b"\xc3"), ("at", "yesterday"), ("id", b"\x80")]
)
def test_bytes_that_are_no_text_and_a_time_that_is_none(tmp_path, column, value):
    """SQLite alone keeps such: its columns have no types."""
    storage = backends.open_backend("sqlite", tmp_path)
    fill(storage.journal)
    with closing(sqlite3.connect(tmp_path / ".slipway/state.db")) as connection, connection:
        cast = "CAST(? AS TEXT)" if isinstance(value, bytes) else "?"
        connection.execute(f"UPDATE predictions SET {column} = {cast} WHERE id = 'e'", (value,))
    assert [p.id for p in storage.journal.last(2)] == ["c", "d"]
    assert storage.journal.count_damaged() == 1
    assert storage.journal.newest() == 3.0
    storage.close()


def test_figures_of_a_decision_that_cannot_be_read_hide_no_decision(tmp_path):
    from slipway.records import Decision

    storage = backends.open_backend("sqlite", tmp_path)
    storage.decisions.append(Decision("t", "check", "alarm", "why", "2026-01-01", {"version": 1}))
    with closing(sqlite3.connect(tmp_path / ".slipway/state.db")) as connection, connection:
        connection.execute("UPDATE decisions SET detail = ?", (DEEP,))
    assert storage.decisions.last(1)[0].detail == {}
    assert storage.decisions.latest("check", version=1) == Decision("t", "check", "alarm", "why", "2026-01-01", {})
    storage.close()
