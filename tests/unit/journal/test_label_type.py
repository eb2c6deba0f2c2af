import math

import pytest

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
