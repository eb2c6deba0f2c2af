import math

import polars as pl
import pytest

from slipway.errors import DataError
from slipway.journal.label_type import ANY, LabelType, label_type

NUMBERS = frozenset({int, float})


@pytest.mark.parametrize(
    ("truth", "types", "label"),
    [
        (1, {float}, 1.0),  # JavaScript writes 1.0 as 1
        (1.0, {int}, 1),
        (1, NUMBERS, 1),
        (2.5, NUMBERS, 2.5),
        (10**30, NUMBERS, 1e30),
        ("001", {str}, "001"),
        (True, {bool}, True),
    ],
)
def test_a_truth_has_the_type_of_the_labels(truth, types, label):
    found = LabelType(frozenset(types)).take(truth)
    assert (found, type(found)) == (label, type(label))


@pytest.mark.parametrize(
    ("truth", "types"),
    [
        (1.5, {int}),
        (True, {int}),
        (True, {float}),
        (1, {bool}),
        (1, {str}),
        ("1", NUMBERS),
        (2**63, {int}),
        (2.0**63, {int}),
        (10**309, NUMBERS),
        (1e308, NUMBERS),
        (-1e46, {float}),
        (10**46, NUMBERS),
        (math.inf, NUMBERS),
        (math.nan, {float}),
        ("", {str}),
        (" \n", {str}),
        (None, {str, int, float, bool}),
    ],
)
def test_what_is_no_label_is_none(truth, types):
    assert LabelType(frozenset(types)).take(truth) is None


@pytest.mark.parametrize(
    ("cell", "classes", "label"),
    [
        ("001", ("001", "1"), "001"),
        ("1", ("001", "1"), "1"),
        ("1", (1, 2), 1),
        ("1.0", (1, 2), 1),
        ("001", (1, 2), None),
        ("3", (1, 2), 3),
        ("yes ", ("yes", "no"), "yes"),
        (" yes", ("yes", " yes"), " yes"),
        ("", ("yes", ""), ""),
        ("  ", ("yes", "no"), None),
        ("1.5", (1, 2), None),
        ("True", (True, False), True),
        ("true", (True, False), True),
        ("true", ("true", "false"), "true"),
        ("1", (True, False), None),
        ("new", ("low", "high"), "new"),
        ("low", (1.5, 2.5), None),
    ],
)
def test_a_cell_is_read_as_what_the_model_predicts(cell, classes, label):
    found = label_type("classification", classes).read(cell)
    assert (found, type(found)) == (label, type(label))


@pytest.mark.parametrize(("cell", "label"), [("3", 3), ("-2.5e3", -2500.0), ("low", None), ("007", None), ("", None)])
def test_a_cell_of_a_regression_is_a_number(cell, label):
    assert label_type("regression", ()).read(cell) == label


def test_a_classifier_that_does_not_say_its_classes_takes_any_label():
    assert label_type("classification", ()) == ANY
    assert ANY.take("low") == "low"
    assert ANY.take(True) is True


def test_a_class_that_training_never_saw_is_known_as_one():
    wanted = label_type("classification", ("low", "high"))
    assert wanted.is_new("Low")
    assert not wanted.is_new("low")
    assert "Did you mean `low`" in wanted.near_miss("Low")
    assert label_type("classification", (1, 0)).is_new(True)
    assert not label_type("regression", ()).is_new(3.0)


def test_how_large_a_number_may_be_is_said_where_it_is_a_number():
    assert LabelType(NUMBERS).expected() == "a number or a whole number, within ±1e45"
    assert LabelType(frozenset({int})).expected() == "a whole number"


@pytest.mark.parametrize(
    ("values", "classes", "labels"),
    [
        ([1.0, None, 0.0], (0, 1), [1, None, 0]),  # whole numbers beside a gap, as pandas has them
        ([2.0, float("nan")], (1, 2, 3), [2, None]),
        (["true", "False", None], (False, True), [True, False, None]),
        (["1", "2"], (1, 2), [1, 2]),
        ([1, 2], ("1", "2"), ["1", "2"]),
        ([True, False], ("False", "True"), ["True", "False"]),
        (["low", "new"], ("low", "high"), ["low", "new"]),
    ],
)
def test_whatever_says_a_label_in_a_table_is_that_label(values, classes, labels):
    found = label_type("classification", classes).of_column(pl.Series("y", values), "t.parquet")
    assert [(label, type(label)) for label in found] == [(label, type(label)) for label in labels]


@pytest.mark.parametrize(
    ("values", "kind", "classes", "problem"),
    [
        ([0, 1], "classification", (False, True), "row 1: `y` is 0: expected true or false"),
        ([1.0, 2.5], "classification", (1, 2), r"row 2: `y` is 2\.5: expected a whole number"),
        ([1.5, 2.5], "classification", (1, 2), "row 1: `y` is 1"),
        (["3.5", "$1,200"], "regression", (), r"row 2: `y` is '\$1,200': expected a number or a whole number"),
        ([[1], [2]], "regression", (), r"row 1: `y` is \[1\]"),
    ],
)
def test_what_no_label_can_be_is_refused_with_its_row(values, kind, classes, problem):
    with pytest.raises(DataError, match=rf"t\.csv: {problem}"):
        label_type(kind, classes).of_column(pl.Series("y", values), "t.csv")
