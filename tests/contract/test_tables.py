import datetime as dt
import threading
import uuid
from pathlib import Path

import polars as pl
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from slipway.errors import DataError, OutsideError
from slipway.settings import read_settings
from slipway.storage import open_storage, open_tables


@pytest.fixture(params=["sqlite", "postgres"])
def open_backend(request, tmp_path):
    """The project's database has more backends than the rest of the storage."""
    environment = {}
    if request.param == "postgres":
        url = request.getfixturevalue("postgres_server").url
        name = f"t{uuid.uuid4().hex[:12]}"
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {name}")
        environment["SLIPWAY_DATABASE_URL"] = f"{url}?options=-csearch_path%3D{name}"
    opened = []

    def opening():
        opened.append(open_storage(read_settings(tmp_path, environment)))
        return opened[-1]

    yield opening
    for storage in opened:
        storage.close()


@pytest.fixture
def is_sqlite(request):
    return "sqlite" in request.node.callspec.id


LINEAR = pl.DataFrame({"x": [1.0, 2.0, 3.0], "y": [3.0, 5.0, 7.0]})


def ids(storage, table="t", by="x"):
    return dict(storage.tables.query(f'SELECT {by}, id FROM "{table}" ORDER BY id').rows())


def test_what_was_published_can_be_asked_for(storage):
    storage.tables.publish("linear_data", LINEAR, [])
    assert_frame_equal(storage.tables.query("SELECT x, y FROM linear_data ORDER BY id"), LINEAR)


def test_types_and_nulls_survive(storage):
    table = pl.DataFrame(
        {
            "whole": [1, None, -(2**63)],
            "half": [0.5, None, 1e300],
            "flag": [True, False, None],
            "text": ["001", "", None],
            "day": [dt.date(2022, 2, 1), None, dt.date(1999, 12, 31)],
            "instant": [dt.datetime(2022, 2, 1, 12, 30, 0, 123456), None, dt.datetime(1999, 1, 1)],
        }
    )
    storage.tables.publish("t", table, [])
    assert_frame_equal(storage.tables.query("SELECT whole, half, flag, text, day, instant FROM t ORDER BY id"), table)


def test_empty_columns_and_empty_tables_keep_their_types(storage):
    table = pl.DataFrame({"n": [1], "f": [0.5], "b": [True], "s": ["a"], "d": [dt.date(2022, 1, 1)]}).clear()
    storage.tables.publish("t", table, [])
    assert_frame_equal(storage.tables.query("SELECT n, f, b, s, d FROM t"), table)


def test_rows_that_stay_keep_id_and_created_at_by_content(storage):
    storage.tables.publish("t", LINEAR, [])
    before = storage.tables.query("SELECT * FROM t ORDER BY id")
    storage.tables.publish("t", LINEAR, [])
    assert_frame_equal(storage.tables.query("SELECT * FROM t ORDER BY id"), before)
    storage.tables.publish("t", pl.DataFrame({"x": [3.0, 9.0], "y": [7.0, 19.0]}), [])
    after = storage.tables.query("SELECT * FROM t ORDER BY id")
    assert after["x"].to_list() == [3.0, 9.0]
    assert after.row(0) == before.row(2)
    assert after["id"][1] not in before["id"]
    assert after["created_at"][1] >= before["created_at"][0]


def test_rows_that_stay_keep_id_and_created_at_by_key_while_their_content_changes(storage):
    storage.tables.publish("t", LINEAR, ["x"])
    before = storage.tables.query("SELECT * FROM t ORDER BY id")
    storage.tables.publish("t", pl.DataFrame({"x": [2.0, 1.0, 4.0], "y": [50.0, 3.0, 9.0]}), ["x"])
    after = storage.tables.query("SELECT id, x, y FROM t ORDER BY id")
    assert after.rows()[:2] == [(1, 1.0, 3.0), (2, 2.0, 50.0)]
    assert after["x"].to_list() == [1.0, 2.0, 4.0]
    made = storage.tables.query("SELECT created_at FROM t WHERE x = 2.0")
    assert made["created_at"][0] == before["created_at"][1]


def test_equal_rows_are_counted(storage):
    twice = pl.DataFrame({"x": [1, 1, 2]})
    storage.tables.publish("t", twice, [])
    storage.tables.publish("t", pl.DataFrame({"x": [1, 1, 1]}), [])
    found = storage.tables.query("SELECT id, x FROM t ORDER BY id")
    assert found["x"].to_list() == [1, 1, 1]
    assert found["id"].to_list()[:2] == [1, 2]
    assert found["id"][2] > 3


rows = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from(["a", "b", None]), st.sampled_from([0.5, None])), max_size=8
)


@given(first=rows, second=rows)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_table_is_what_was_published_last_and_as_many_rows_stay_as_can(storage, first, second):
    schema = {"a": pl.Int64, "b": pl.String, "c": pl.Float64}
    storage.tables.publish("t", pl.DataFrame(first, schema, orient="row"), [])
    before = {row[0]: row[1:] for row in storage.tables.query("SELECT id, a, b, c FROM t").rows()}
    storage.tables.publish("t", pl.DataFrame(second, schema, orient="row"), [])
    after = {row[0]: row[1:] for row in storage.tables.query("SELECT id, a, b, c FROM t").rows()}
    assert sorted(map(str, after.values())) == sorted(map(str, second))
    stayed = {number for number in after if before.get(number) == after[number]}
    assert len(stayed) == sum(min(first.count(row), second.count(row)) for row in set(first))


def test_nan_is_kept_as_null_and_its_row_stays(storage):
    table = pl.DataFrame({"x": [float("nan"), 1.0]})
    storage.tables.publish("t", table, [])
    storage.tables.publish("t", table, [])
    assert storage.tables.query("SELECT id, x FROM t ORDER BY id").rows() == [(1, None), (2, 1.0)]


def test_columns_come_and_go_and_rows_of_a_known_key_stay(storage):
    storage.tables.publish("t", LINEAR, ["x"])
    changed = pl.DataFrame({"x": [1.0, 2.0], "z": ["new", None], "y": ["3", "5"]})
    storage.tables.publish("t", changed, ["x"])
    assert_frame_equal(storage.tables.query("SELECT x, z, y FROM t ORDER BY id"), changed)
    assert ids(storage) == {1.0: 1, 2.0: 2}


def test_names_are_quoted(storage):
    table = pl.DataFrame({"order": [1], 'a "b"; DROP TABLE t': ["x"], "größe (m²)": [2.5]})
    storage.tables.publish('sele"ct; --', table, ["order"])
    found = storage.tables.query('SELECT * FROM "sele""ct; --"')
    assert found.drop("id", "created_at").equals(table)


def test_a_reader_sees_the_old_content_or_the_new_one(open_backend):
    writer, reader = open_backend(), open_backend()
    writer.tables.publish("t", pl.DataFrame({"n": [0] * 500}), [])
    done = threading.Event()
    sizes = set()

    def read():
        while not done.is_set():
            sizes.add(tuple(reader.tables.query("SELECT n, count(*) AS c FROM t GROUP BY n").rows()))

    thread = threading.Thread(target=read)
    thread.start()
    for n in range(1, 8):
        writer.tables.publish("t", pl.DataFrame({"n": [n] * 500}), [])
    done.set()
    thread.join()
    assert sizes <= {((n, 500),) for n in range(8)}


def test_what_cannot_be_published_leaves_the_table_as_it_was(storage):
    storage.tables.publish("t", LINEAR, ["x"])
    with pytest.raises(DataError, match=r"table `t`: two rows have the key x = 1\.0"):
        storage.tables.publish("t", pl.DataFrame({"x": [1.0, 1.0], "y": [2.0, 3.0]}), ["x"])
    assert_frame_equal(storage.tables.query("SELECT x, y FROM t ORDER BY id"), LINEAR)


@pytest.mark.parametrize(
    ("name", "table", "key", "message"),
    [
        ("t", LINEAR, ["X"], "key `X`, which is none of its columns. Did you mean `x`"),
        ("t", pl.DataFrame({"id": [1]}), [], "column `id`, which the database gives by itself"),
        ("t", pl.DataFrame({"Created_At": ["x"]}), [], "column `Created_At`, which the database gives by itself"),
        ("t", pl.DataFrame({"a": [1], "A": [2]}), [], "columns `a` and `A`, which are one name in a database"),
        ("t", pl.DataFrame({"a": [[1, 2]]}), [], r"column `a`: List\(Int64\) can't be published"),
        ("t", pl.DataFrame({"a": [2**63]}, {"a": pl.UInt64}), [], "column `a`: 9223372036854775808 is more than"),
        ("t", pl.DataFrame(), [], "table `t` has no columns"),
        ("", LINEAR, [], "`` can't be the name of a published table"),
    ],
)
def test_what_is_wrong_with_a_table_is_said(storage, name, table, key, message):
    with pytest.raises(DataError, match=message):
        storage.tables.publish(name, table, key)


def test_a_missing_table_is_named_with_the_near_miss(storage):
    storage.tables.publish("linear_data", LINEAR, [])
    with pytest.raises(
        DataError, match=r"no table `liner_data`.*Did you mean `linear_data`\?.*SELECT \* FROM liner_data"
    ):
        storage.tables.query("SELECT * FROM liner_data")


def test_a_query_before_anything_was_published_says_what_to_do(storage, is_sqlite):
    if not is_sqlite:
        pytest.skip("a server is there before its tables are")
    with pytest.raises(DataError, match=r"no database here yet.*Run the stage that publishes"):
        storage.tables.query("SELECT 1")


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("DELETE FROM t", "a query only reads: DELETE FROM t"),
        ("DROP TABLE t", "a query only reads"),
        ("SELECT x FROM t; SELECT y FROM t", "one statement at a time|multiple commands"),
        ("SELEC x", "syntax error.*The query: SELEC x"),
        ("SELECT absent FROM t", 'no such column: absent|column "absent" does not exist'),
        ("SELECT x, y AS x FROM t", "two columns are called `x`: name one with AS"),
        (
            "SELECT 1 AS a UNION ALL SELECT 'b'",
            "column `a` holds integers and text: cast it|invalid input syntax for type integer",
        ),
    ],
)
def test_a_query_that_is_no_single_select_is_refused_and_changes_nothing(storage, sql, message):
    storage.tables.publish("t", LINEAR, [])
    with pytest.raises(DataError, match=message):
        storage.tables.query(sql)
    assert storage.tables.query("SELECT count(*) AS n FROM t")["n"].to_list() == [3]


def test_whole_and_broken_numbers_in_one_column_are_numbers(storage):
    storage.tables.publish("t", LINEAR, [])
    found = storage.tables.query("SELECT 1 AS n UNION ALL SELECT 2.5 UNION ALL SELECT NULL ")
    assert sorted(found["n"].to_list(), key=str) == [1.0, 2.5, None]
    assert found.schema["n"] == pl.Float64


def test_a_long_answer_comes_in_parts_of_the_same_types(storage):
    rows = 120_000
    # The last row alone has a broken number and a text: the first parts have to know of it.
    table = pl.DataFrame(
        {"n": [*range(rows - 1), None], "f": [None] * (rows - 1) + [0.5], "day": [dt.date(2022, 1, 1)] * rows}
    )
    storage.tables.publish("t", table, [])
    parts = list(storage.tables.batches("SELECT n, f, day FROM t ORDER BY id"))
    assert len(parts) > 1
    assert {tuple(part.schema.items()) for part in parts} == {tuple(table.schema.items())}
    assert_frame_equal(pl.concat(parts), table)


def test_a_server_that_is_away_is_named_without_its_password(tmp_path):
    url = "postgresql://somebody:secret@127.0.0.1:1/shop"
    storage = open_storage(read_settings(tmp_path, {"SLIPWAY_DATABASE_URL": url}))
    for asking in (lambda: storage.tables.query("SELECT 1"), lambda: storage.tables.publish("t", LINEAR, [])):
        with pytest.raises(
            OutsideError, match=r"PostgreSQL at 127\.0\.0\.1:1/shop: it is away \(Connection refused"
        ) as caught:
            asking()
        assert "secret" not in str(caught.value)


def test_what_a_server_alone_has_of_types_is_read_or_refused_by_name(request):
    tables = open_tables(request.getfixturevalue("postgres_server").url, Path())[0]
    found = tables.query(
        "SELECT 1.25::numeric AS price, 2::smallint AS rooms, 0.5::real AS share, NULL::numeric AS none"
    )
    assert found.schema == {"price": pl.Float64, "rooms": pl.Int64, "share": pl.Float64, "none": pl.Float64}
    with pytest.raises(DataError, match=r"column `span` is of the type interval: cast it in the query"):
        tables.query("SELECT interval '1 day' AS span")
    with pytest.raises(DataError, match="a query only reads"):
        tables.query("WITH gone AS (DELETE FROM pg_class RETURNING *) SELECT relname FROM gone")
