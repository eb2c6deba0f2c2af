import polars as pl
import pytest

from slipway.errors import ProjectError
from slipway.new.target import judge_target, literal_labels


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


def test_without_a_target_the_columns_are_listed_with_a_guess_and_why():
    table = pl.DataFrame({"id": range(20), "churn": [0, 1] * 10, "x": [1.0] * 19 + [None]})
    with pytest.raises(ProjectError) as asked:
        judge_target(table, None)
    assert str(asked.value).splitlines() == [
        "Which column is to be predicted? Say --target COLUMN, such as --target churn. 20 rows:",
        "  column  type          distinct  nulls",
        "  id      whole number        20      0",
        "  churn   whole number         2      0  <- perhaps: its name says so",
        "  x       number               1      1",
    ]


@pytest.mark.parametrize(
    ("columns", "guess"),
    [
        ({"a": range(20), "sale_price": range(20), "b": ["x", "y"] * 10}, "sale_price.*its name says so"),
        ({"a": ["x", "y"] * 10, "n": [i / 3 for i in range(20)]}, "a .*few values"),
        ({"n": [i / 3 for i in range(20)], "m": [i / 7 for i in range(20)]}, "m .*the last column"),
        ({"churn": ["x"] * 20, "m": [i / 7 for i in range(20)]}, "m .*the last column"),
    ],
)
def test_the_guess_is_a_usual_name_else_few_values_else_the_last(columns, guess):
    with pytest.raises(ProjectError, match=rf"(?m)^  {guess.replace('.*', '.*<- perhaps: .*', 1)}"):
        judge_target(pl.DataFrame(columns), None)


@pytest.mark.parametrize(
    ("values", "warning"),
    [
        ([1, 2] * 5 + [None] * 30, "mostly null: 10 of 40 rows"),
        (list(range(100, 140)), "another whole number in each row: is it an id"),
        ([0] * 98 + [1] * 2, "nearly constant: 0 in 98.0% of the rows"),
        (["a", "b"] * 20 + ["c"], "one class with fewer than 5 rows, such as 'c'"),
        ([f"t{i // 2}" for i in range(40)], "nearly unique: 20 values in 40 rows"),
    ],
)
def test_what_is_odd_about_a_target_is_said(values, warning):
    assert any(warning in said for said in judge_target(pl.DataFrame({"y": values}), "y").warnings)


def test_a_usual_target_gives_no_warning():
    assert judge_target(pl.DataFrame({"y": ["a", "b"] * 20}), "y").warnings == ()


def test_numbers_inside_texts_are_asked_for_as_numbers():
    with pytest.raises(ProjectError, match=r'inside texts, such as "\$1,000".*as such in the file: 1000\.'):
        judge_target(pl.DataFrame({"y": [f"${1_000 + i:,}" for i in range(20)]}), "y")


@pytest.mark.parametrize(
    ("others", "words", "labels"),
    [
        (["EMEA", "APAC"], {"NA": 20}, ("NA",)),
        (["AF", "AS", "EU", "SA"], {"NA": 9, "?": 3}, ("NA",)),
        (["EMEA", "APAC"], {"NA": 2}, ()),  # too few to be told from a slip
        (["EMEA", "APAC"], {"N/A": 20}, ()),
        (["good", "bad"], {"NA": 20}, ()),
        (["A", "B"], {"NA": 20}, ()),
        (["YES"], {"NA": 20}, ()),
        ([1.5, 2.5], {"NA": 20}, ()),
    ],
)
def test_na_is_a_label_among_codes_like_it(others, words, labels):
    assert literal_labels(pl.Series([None, *others] * 20), words) == labels


def test_words_that_are_read_as_null_are_named_with_their_rows():
    table = pl.DataFrame({"x": range(60), "y": ["EMEA", None, "APAC"] * 20})
    target = judge_target(table, "y", {"NA": 17, "n/a": 1})
    assert target.missing == 20
    assert target.missing_words == (
        ': there stands "NA" (17 rows), "n/a" (1 row) or nothing (2 rows), which means that it is not known'
    )
    assert judge_target(table, "y").missing_words == ""


@pytest.mark.parametrize("word", ["-", ".", "None", "n.a.", "unknown", "NA", " null", ""])
def test_a_class_that_may_mean_that_nothing_is_known_is_pointed_out(word):
    table = pl.DataFrame({"y": ["a", "b", word] * 20})
    (warning,) = judge_target(table, "y").warnings
    assert warning.startswith(f'`y` has the class "{word}" in 20 rows')


@pytest.mark.parametrize(
    ("values", "words", "message"),
    [
        (["ok"] * 12 + [None] * 8, {"N/A": 8}, "always 'ok' where it is known; 8 rows have none.*\"N/A\" \\(8 rows\\)"),
        (["ok"] * 12 + [None] * 8, {"?": 7}, '"\\?" \\(7 rows\\) or nothing \\(1 row\\), which means'),
        ([None] * 20, {"nan": 12, "null": 8}, '20 have no `y`: there stands "nan" \\(12 rows\\), "null" \\(8 rows\\)'),
    ],
)
def test_a_refusal_names_the_words_that_were_read_as_null(values, words, message):
    with pytest.raises(ProjectError, match=message):
        judge_target(pl.DataFrame({"y": pl.Series(values, dtype=pl.String)}), "y", words)
