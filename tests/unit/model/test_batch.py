import polars as pl

from slipway.model.batch import answer_table
from slipway.model.score import load_scorer

from .conftest import loans


def test_a_files_rows_get_their_answers_beside_them(bundle):
    table = loans(5)
    answered = answer_table(load_scorer(bundle), table)
    assert answered.columns == [*table.columns, "prediction", "error", "probability_0", "probability_1"]
    assert answered.select(table.columns).equals(table)
    assert answered["error"].to_list() == [None] * 5
    shares = answered["probability_0"] + answered["probability_1"]
    assert shares.round(9).to_list() == [1.0] * 5


def test_a_column_of_the_files_own_keeps_its_name(bundle):
    table = loans(3).with_columns(pl.lit("mine").alias("prediction"))
    answered = answer_table(load_scorer(bundle), table)
    assert answered["prediction"].to_list() == ["mine"] * 3
    assert set(answered["answered_prediction"].to_list()) <= {0, 1}
