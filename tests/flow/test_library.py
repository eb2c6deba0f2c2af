"""What a notebook does with the library: paths as text, tables of either library, results that say what matters."""

import pandas as pd
import polars as pl
import pytest

import fruit
from slipway import open_project, read_table
from slipway.errors import DataError


@pytest.fixture(scope="module")
def project(released, tmp_path_factory):
    folder = released("linear", tmp_path_factory.mktemp("library")).folder / "linear"
    with open_project(str(folder)) as opened:
        yield opened


@pytest.fixture(scope="module")
def rows(project):
    bundle = project.live_scorer().bundle
    return bundle.test_rows().head(20)


def test_a_path_as_text_and_a_table_of_either_library_are_scored_alike(project, rows, tmp_path):
    rows.write_parquet(tmp_path / "rows.parquet")
    expected = project.live_scorer().score(rows.select(project.live_scorer().bundle.schema.names)).predictions
    for data in (str(tmp_path / "rows.parquet"), tmp_path / "rows.parquet", rows, rows.lazy(), rows.to_pandas()):
        answered = project.predict(data)
        assert isinstance(answered, pl.DataFrame)
        assert answered["prediction"].to_list() == expected
        assert answered["error"].null_count() == rows.height
    assert read_table(str(tmp_path / "rows.parquet")).equals(rows)


def test_a_table_of_another_type_is_refused_by_column(project, rows):
    name = project.live_scorer().bundle.schema.names[0]
    with pytest.raises(DataError, match=f"column `{name}` holds text"):
        project.predict(rows.with_columns(pl.lit("3750 g").alias(name)))
    with pytest.raises(DataError, match=f"column `{name}` holds text"):
        project.predict(rows.to_pandas().assign(**{name: "3750 g"}))
    with pytest.raises(DataError, match=r"a list came: give a Polars or pandas DataFrame\. A path does as well"):
        project.predict([{name: 1.0}])


def test_a_monitor_and_feedback_take_tables_too(project, rows):
    scored = project.monitor(data=pd.concat([rows.to_pandas()] * 20, ignore_index=True))
    assert scored.report.rows == 400
    assert "the 400 rows of the table scored by version 1" in repr(scored)
    with pytest.raises(DataError, match="the table: no column `truth`"):
        project.feedback(pl.DataFrame({"id": ["a"], "true": [1.0]}))


def test_results_say_what_matters_in_a_line(project):
    said = {
        "project": repr(project),
        "status": repr(project.status()),
        "ledger": repr(project.ledger()),
        "entry": repr(project.ledger().entries[-1]),
        "journal": repr(project.journal_state()),
        "scorer": repr(project.live_scorer()),
    }
    assert said["project"].startswith("<Workspace linear in /")
    assert said["status"] == "<Status: live: version 1; candidate: none; every stage is up to date>"
    assert said["ledger"] == "<LedgerView: 3 entries; the chain holds>"
    assert said["entry"].startswith("<LedgerEntry 3: version 1 released by ")
    assert said["journal"] == "<JournalState: 0 predictions, 0 truths; 0 records wait in the spool>"
    assert said["scorer"].startswith("<Scorer: LinearRegression of <Bundle ")
    assert all(len(text) < 200 for text in said.values())


def test_a_renewed_source_with_another_type_is_told_by_its_column(tmp_path):
    (tmp_path / "data/raw").mkdir(parents=True)
    (tmp_path / "slipway.toml").write_text(fruit.TOML)
    (tmp_path / "pipeline.py").write_text(fruit.PIPELINE)
    source, table = tmp_path / "data/raw/fruit.csv", fruit.fruit(60)
    table.write_csv(source)
    with open_project(tmp_path) as project:
        assert project.run().candidate == 1
        table.with_columns(pl.format("{} g", "weight").alias("weight")).write_csv(source)
        ran = project.run()
    told = str(ran.report.error)
    assert told.startswith(f"data/raw/fruit.csv: column `weight` holds text (such as '{table['weight'][0]} g'), where")
    assert "Traceback" not in told
    assert repr(ran).startswith("<Ran: 2 of 4 stages ran; failed: data/raw/fruit.csv: column `weight` holds text")
