"""Sources that are asked: queries of a database of one's own, and what a function fetches."""

import json
import re
import sqlite3
import time
from contextlib import closing

import polars as pl
import pytest

from slipway.errors import DataError, OutsideError, ProjectError, StageError
from slipway.pipeline.run import run, run_lock
from slipway.pipeline.snapshots import read_snapshot, snapshot_facts, source_states
from slipway.pipeline.sources import read_source, take_snapshot

FETCHER = """

def fetch_flats(*, first: int = 40, rows: int = 40):
    return pl.DataFrame({
        "area": [f"{first + i} m2" for i in range(rows)],
        "rooms": [1 + i % 4 for i in range(rows)],
        "price": ["high" if i > 20 else "low" for i in range(rows)],
    })
"""


def outcome(report, name):
    return next((stage.outcome, stage.why) for stage in report.stages if stage.name == name)


def older(flats, seconds):
    """The snapshot as if it had been asked for so long ago."""
    path = snapshot_facts(flats.settings.state, "raw")
    values = json.loads(path.read_text())
    values["snapshot"]["asked"] -= seconds
    values["snapshot"]["taken"] -= seconds
    path.write_text(json.dumps(values))


@pytest.fixture
def fetched(flats):
    flats.edit("slipway.toml", 'raw = "data/raw/flats.csv"', 'raw = { fetch = "fetch_flats", max_age = "7d" }')
    flats.write("pipeline.py", (flats.root / "pipeline.py").read_text() + FETCHER)
    return flats


@pytest.fixture
def shop(flats, monkeypatch):
    """A database that is not the project's own, by an environment variable."""
    path = flats.root / "shop.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE flats (area TEXT, rooms INTEGER, price TEXT)")
        rows = [(f"{40 + i} m2", 1 + i % 4, "high" if i > 20 else "low") for i in range(40)]
        connection.executemany("INSERT INTO flats VALUES (?, ?, ?)", rows)
    flats.edit(
        "slipway.toml",
        'raw = "data/raw/flats.csv"',
        'raw = { sql = "select * from flats order by area", database = "SHOP_URL" }',
    )
    monkeypatch.setenv("SHOP_URL", f"sqlite:///{path}")
    return flats


def insert(flats, area):
    with closing(sqlite3.connect(flats.root / "shop.db")) as connection, connection:
        connection.execute("INSERT INTO flats VALUES (?, 2, 'low')", (area,))


def test_a_query_is_asked_on_every_run_and_the_same_rows_cost_no_copy(shop):
    first = shop.run()
    assert not first.failed
    path = shop.project.path("raw")
    before = path.stat()
    again = shop.run()
    assert all(stage.outcome == "unchanged" for stage in again.stages)
    _, why = outcome(again, "raw")
    assert why[0] == "source `raw` is asked on every run: it has no max_age"
    assert why[1].startswith("it gave the same 40 rows, ")
    assert path.stat() == before
    assert shop.stale() == []  # nothing says that there are other rows
    insert(shop, "99 m2")
    report = shop.run()
    assert outcome(report, "raw")[0] == "ran"
    assert outcome(report, "flats") == ("ran", ("input raw changed",))
    assert read_source(shop.project, "raw").height == 41


def test_a_query_that_is_fresh_enough_is_not_asked(shop):
    shop.edit("slipway.toml", '"SHOP_URL"', '"SHOP_URL", max_age = "1h"')
    shop.run()
    insert(shop, "99 m2")
    assert outcome(shop.run(), "raw") == ("unchanged", ())
    older(shop, 3 * 3600)
    assert shop.stale()[0].why == ("source `raw` is 3 h old: max_age 1 h",)
    assert outcome(shop.run(), "raw")[0] == "ran"
    assert shop.stale() == []


def test_another_query_is_asked_and_says_so(shop):
    shop.edit("slipway.toml", '"SHOP_URL"', '"SHOP_URL", max_age = "1h"')
    shop.run()
    shop.edit("slipway.toml", "order by area", "order by price, area")
    assert outcome(shop.run(), "raw")[1][0].startswith("query of `raw` changed: select * from flats order by area → ")


def test_what_is_known_of_a_snapshot_is_shown(shop):
    assert [str(state) for state in source_states(shop.project, shop.settings)] == ["source raw: not asked yet"]
    began = time.time()
    shop.run()
    (state,) = source_states(shop.project, shop.settings)
    told = state.to_json()
    assert (told["name"], told["rows"], told["max_age"]) == ("raw", 40, None)
    assert began <= told["taken"] == told["asked"] <= time.time()
    assert re.fullmatch(r"source raw: 40 rows, \d s old", str(state))


@pytest.mark.parametrize(
    ("name", "value", "error", "message"),
    [
        ("SHOP_URL", "", ProjectError, "database = 'SHOP_URL': there is no such environment variable. Set it to"),
        ("SHOP_URL", "mysql://ada:s3cret@db/shop", ProjectError, "a URL of the kind `mysql`: expected one of"),
        ("SHOP_URL", "postgresql://ada:s3cret/word@db/shop", ProjectError, "not a URL such as postgresql://user:"),
        ("SHOP_URL", "sqlite:///nowhere.db", DataError, "nowhere.db: there is no such database."),
        ("SHOP_URL", "postgresql://ada:s3cret@127.0.0.1:1/shop", OutsideError, "PostgreSQL at 127.0.0.1:1/shop"),
    ],
)
def test_a_database_that_cannot_be_asked(shop, monkeypatch, name, value, error, message):
    monkeypatch.setenv(name, value)
    with pytest.raises(error, match=re.escape(message)) as told:
        take_snapshot(shop.project, "raw", {}, None, shop.settings.state)
    assert "s3cret" not in str(told.value)


def test_a_wrong_query_is_named_with_its_source(shop):
    shop.edit("slipway.toml", "from flats", "from flat")
    with pytest.raises(
        DataError, match=r"slipway.toml: \[sources.raw\] sql: no table `flat` .* Did you mean `flats`\?"
    ):
        take_snapshot(shop.project, "raw", {}, None, shop.settings.state)


def test_a_database_that_is_away_leaves_everything_as_it_was(shop, monkeypatch):
    shop.run()
    older(shop, 7200)
    before = shop.project.path("raw").stat()
    monkeypatch.setenv("SHOP_URL", "postgresql://127.0.0.1:1/shop")
    report = shop.run()
    assert isinstance(report.error, OutsideError)
    assert (
        "Its snapshot (40 rows, 2 h old) stays as it was: run again once it answers, or give it a longer max_age"
        in (str(report.error))
    )
    assert shop.project.path("raw").stat() == before


def test_a_query_without_rows_is_told_by_who_reads_it(shop):
    shop.edit("slipway.toml", "from flats", "from flats where 0")
    assert "source `raw` gave no rows. Look at what it asks for." in str(shop.run().error)


def test_a_fetcher_is_called_once_and_then_when_something_about_it_changed(fetched):
    assert not fetched.run().failed
    assert outcome(fetched.run(), "raw") == ("unchanged", ())
    fetched.edit("pipeline.py", 'f"{first + i} m2"', 'f"{first + i}  m2"')
    assert outcome(fetched.run(), "raw") == ("ran", ("code of `raw` changed",))
    report = fetched.run("raw.rows=41")
    assert outcome(report, "raw") == ("ran", ("setting rows: 40 → 41",))
    assert outcome(report, "flats")[0] == "ran"
    assert "raw:\n  first: 40\n  rows: 41" in (fetched.root / "params.yaml").read_text()
    assert read_source(fetched.project, "raw").height == 41


def test_a_fetcher_is_called_again_when_its_snapshot_is_too_old_or_when_asked_to(fetched):
    fetched.run()
    older(fetched, 8 * 86400)
    before = fetched.project.path("raw").stat()
    what, why = outcome(fetched.run(), "raw")
    assert (what, why[0]) == ("unchanged", "source `raw` is 8 d old: max_age 7 d")
    assert fetched.project.path("raw").stat() == before
    forced = fetched.run(wanted=["raw"], force=True)
    assert outcome(forced, "raw")[1][0] == "asked for with --force"
    snapshot_facts(fetched.settings.state, "raw").unlink()
    assert outcome(fetched.run(), "raw")[1][0] == "nobody knows how old the snapshot of source `raw` is"


def test_another_function_is_another_source(fetched):
    fetched.run()
    fetched.write("pipeline.py", (fetched.root / "pipeline.py").read_text() + "\n\ndef other(): return fetch_flats()\n")
    fetched.edit("slipway.toml", "fetch_flats", "other")
    why = outcome(fetched.run(), "raw")[1]
    assert "fetch of `raw` changed: fetch_flats → other" in why


@pytest.mark.parametrize(
    ("body", "rows"),
    [
        ("yield pl.DataFrame({'a': [1, None]})\n    yield pl.DataFrame({'a': [2.0]}).cast(pl.Int64)", 3),
        ("return [pl.DataFrame({'a': [1]}), pl.DataFrame({'a': [2]})]", 2),
        ("import pandas\n    return pandas.DataFrame({'a': [1, 2]})", 2),
        ("return pl.LazyFrame({'a': [1, 2]})", 2),
    ],
)
def test_a_fetcher_gives_a_table_or_parts_of_one(fetched, body, rows):
    fetched.write(
        "pipeline.py", f"import polars as pl\nfrom slipway import stage\n{_STAGES}\ndef fetch_flats():\n    {body}\n"
    )
    take_snapshot(fetched.project, "raw", {}, None, fetched.settings.state)
    table = pl.read_parquet(fetched.project.path("raw"))
    assert (table.height, table.schema) == (rows, {"a": pl.Int64})


_STAGES = """
@stage
def model(raw: pl.DataFrame): ...
@stage
def test(raw: pl.DataFrame): ...
"""


@pytest.mark.parametrize(
    ("body", "error", "message"),
    [
        ("return None", StageError, "gave nothing: expected a Polars or pandas DataFrame, or an iterator of such"),
        ("return {'a': 1}", StageError, "gave a value of the type dict: expected"),
        ("yield 3", StageError, "gave a value of the type int as part 1: expected"),
        ("yield from ()", StageError, "gave no part at all"),
        ("return pl.DataFrame()", StageError, "gave a table without columns"),
        (
            "yield pl.DataFrame({'a': [1]})\n    yield pl.DataFrame({'b': [1]})",
            DataError,
            "gave part 2 without column `a`",
        ),
        (
            "yield pl.DataFrame({'a': [1]})\n    yield pl.DataFrame({'a': ['x']})",
            DataError,
            "gave part 2 with String in column `a`, and the first has Int64",
        ),
        ("raise ValueError('no season')", StageError, "which fetches source `raw`, raised ValueError: no season"),
        ("raise ConnectionError('refused')", OutsideError, "raised ConnectionError: refused"),
        ("open('nowhere.csv')", StageError, "raised FileNotFoundError"),
    ],
)
def test_what_a_fetcher_does_wrong_is_said(fetched, body, error, message):
    fetched.write(
        "pipeline.py", f"import polars as pl\nfrom slipway import stage\n{_STAGES}\ndef fetch_flats():\n    {body}\n"
    )
    with pytest.raises(error, match=re.escape(message)) as told:
        take_snapshot(fetched.project, "raw", {}, None, fetched.settings.state)
    assert type(told.value) is error
    assert "slipway/pipeline" not in str(told.value)
    assert read_snapshot(fetched.settings.state, "raw") is None


def test_a_fetcher_that_fails_leaves_its_snapshot_and_tells_its_age_before_the_traceback(fetched):
    fetched.run()
    older(fetched, 8 * 86400)
    fetched.edit(
        "pipeline.py", "    return pl.DataFrame({", '    raise TimeoutError("slow")\n    return pl.DataFrame({'
    )
    report = fetched.run()
    assert isinstance(report.error, OutsideError)
    head, _, trace = str(report.error).partition("\n\n")
    assert "raised TimeoutError: slow. Its snapshot (40 rows, 8 d old) stays as it was" in head
    assert trace.startswith("Traceback")
    assert 'raise TimeoutError("slow")' in trace
    assert read_source(fetched.project, "raw").height == 40


def test_labelled_rows_are_added_to_a_snapshot(fetched):
    from slipway.tables.files import write_table

    fetched.run()
    write_table(read_source(fetched.project, "raw").head(3), fetched.project.labelled("raw"))
    assert outcome(fetched.run(), "flats")[1] == ("input labelled rows of raw is new",)
    assert read_source(fetched.project, "raw").height == 43


def test_facts_of_a_newer_version_are_refused(fetched):
    fetched.run()
    snapshot_facts(fetched.settings.state, "raw").write_text('{"format": 99}')
    with pytest.raises(ProjectError, match="written by a newer Slipway"):
        fetched.run()


def test_sources_may_be_asked_at_once_in_processes_of_their_own(fetched):
    fetched.edit("slipway.toml", "[model]", 'more = { fetch = "fetch_more" }\n[model]')
    code = "\n\ndef fetch_more():\n    return fetch_flats(rows=7)\n"
    fetched.write("pipeline.py", (fetched.root / "pipeline.py").read_text() + code)
    for expected in ("ran", "unchanged"):
        with run_lock(fetched.settings):
            report = run(fetched.project, fetched.settings, None, jobs=2)
        assert {stage.outcome for stage in report.stages} == {expected}
    rows = [state.snapshot.rows for state in source_states(fetched.project, fetched.settings)]
    assert rows == [40, 7]


def test_a_picture_of_the_project_names_the_function(fetched):
    from slipway.pipeline.draw import draw

    assert "source raw: fetch_flats" in draw(fetched.project, "svg")
    assert "- → raw → raw" in draw(fetched.project)
