import polars as pl
import pytest

from slipway.errors import ProjectError
from slipway.new.target import judge_target


def kind(values):
    return judge_target(pl.DataFrame({"y": values}), "y").kind


def test_texts_truths_and_few_whole_numbers_are_classes():
    assert kind(["a", "b"] * 10) == "classification"
    assert kind([True, False] * 10) == "classification"
    assert kind([0, 1, 2] * 10) == "classification"
    assert kind([0.0, 1.0] * 10) == "classification"


def test_other_numbers_are_numbers():
    assert kind([0.5, 1.5] * 10) == "regression"
    assert kind(list(range(30))) == "regression"


def test_the_reason_is_given():
    assert judge_target(pl.DataFrame({"y": [0, 1] * 10}), "y").why.startswith("`y` has 2 whole numbers")


def test_classes_that_differ_in_case_alone_are_pointed_out():
    assert "2 but for case" in judge_target(pl.DataFrame({"y": ["a", "A ", "b", "b"] * 5}), "y").why


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1, 2] * 4, "8 rows are too few.*give 10"),
        ([1, None] * 6, "12 rows \\(6 have no `y`\\) are too few"),
        (["same"] * 20, "always 'same'"),
        ([f"text {i}" for i in range(20)], "20 different texts in 20 rows are too many"),
        ([[1], [2]] * 10, "a target is text, a truth or a number"),
    ],
)
def test_what_cannot_be_learnt_is_refused(values, message):
    with pytest.raises(ProjectError, match=message):
        kind(values)


def test_a_column_that_is_not_there_is_refused_with_the_near_miss():
    with pytest.raises(ProjectError, match="Did you mean `churn`"):
        judge_target(pl.DataFrame({"churn": [0, 1] * 10, "x": [1] * 20}), "chrun")


def test_without_a_target_the_columns_are_listed_with_a_guess():
    table = pl.DataFrame({"id": range(20), "churn": [0, 1] * 10, "x": [1.0] * 20})
    with pytest.raises(ProjectError, match=r"--target COLUMN; `churn`, perhaps. The columns are: id, churn, x"):
        judge_target(table, None)
