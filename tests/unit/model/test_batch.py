import polars as pl
import pytest

from slipway.errors import DataError
from slipway.model.batch import answer_file, answer_table, write_parts
from slipway.model.score import load_scorer
from slipway.tables.files import read_table, write_table

from .conftest import loans


def test_a_files_rows_get_their_answers_beside_them(bundle):
    table = loans(5)
    answered = answer_table(load_scorer(bundle), table)
    assert answered.columns == [*table.columns, "prediction", "error", "probability_0", "probability_1", "unread"]
    # The table of rates lacks Kiel, in training as here: what a stage loses is named.
    assert answered["unread"].to_list() == ["town" if town == "Kiel" else None for town in table["town"]]
    assert answered.select(table.columns).equals(table)
    assert answered["error"].to_list() == [None] * 5
    shares = answered["probability_0"] + answered["probability_1"]
    assert shares.round(9).to_list() == [1.0] * 5


def test_a_column_of_the_files_own_keeps_its_name(bundle):
    table = loans(3).with_columns(pl.lit("mine").alias("prediction"))
    answered = answer_table(load_scorer(bundle), table)
    assert answered["prediction"].to_list() == ["mine"] * 3
    assert set(answered["answered_prediction"].to_list()) <= {0, 1}


def test_answers_that_are_scored_again_replace_no_column(bundle):
    scorer, once = load_scorer(bundle), answer_table(load_scorer(bundle), loans(3))
    once = once.with_columns(pl.lit("first").alias("error"))
    thrice = answer_table(scorer, answer_table(scorer, once))
    assert thrice.select(once.columns).equals(once)
    assert thrice["answered_error"].to_list() == thrice["answered_answered_error"].to_list() == [None] * 3


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_file_is_answered_in_parts_as_it_is_at_once(bundle, tmp_path, monkeypatch, suffix):
    table = loans(50)
    file = tmp_path / f"loans{suffix}"
    write_table(table, file)
    parts = [table[:20], table[20:21], table[21:]]
    monkeypatch.setattr("slipway.model.batch.read_parts", lambda path, stay_text, literal: iter(parts))
    scorer = load_scorer(bundle)
    output = tmp_path / "out" / f"answered{suffix}"
    assert write_parts(answer_file(scorer, file), output) == 50
    assert read_table(output)["prediction"].to_list() == answer_table(scorer, table)["prediction"].to_list()
    assert list(output.parent.iterdir()) == [output]


def test_what_is_wrong_in_a_file_has_its_row_and_leaves_no_output(bundle, tmp_path):
    names = [c.name for c in bundle.schema.columns if c.types == ("integer",)]
    table = loans(30).with_columns(pl.col(names[0]).cast(pl.String))
    bad = table[names[0]].to_list()
    bad[17] = "much"
    file, output = tmp_path / "loans.csv", tmp_path / "answered.csv"
    write_table(table.with_columns(pl.Series(names[0], bad)), file)
    with pytest.raises(DataError, match=rf"loans\.csv: row 18 \(`much`\): column `{names[0]}`"):
        write_parts(answer_file(load_scorer(bundle), file), output)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["loans.csv"]


def test_a_part_without_an_answer_has_the_type_of_the_others(bundle):
    scorer = load_scorer(bundle)
    assert answer_table(scorer, loans(3).clear()).schema == answer_table(scorer, loans(3)).schema


def test_an_ending_that_is_no_table_s_is_refused(bundle, tmp_path):
    with pytest.raises(DataError, match=r"not '\.xlsx'"):
        write_parts(iter(()), tmp_path / "answered.xlsx")
