"""A column that holds another kind of value than when a version learnt is named, with a value and what there was."""

import datetime
from decimal import Decimal

import polars as pl
import pytest

from fruit import fruit, make_bundle
from slipway.errors import StageError
from slipway.model.type_changes import explained, type_change
from slipway.project import read_project

__all__ = ["make_bundle"]


@pytest.fixture(scope="module")
def bundle(make_bundle):
    return make_bundle(fruit(60), fruit(30, seed=2))


@pytest.mark.parametrize(
    ("name", "values", "said"),
    [
        ("weight", ["120.5", "3750 g"], "column `weight` holds text (such as '3750 g'), where training had numbers."),
        ("weight", ["120.5", "99"], "column `weight` holds text (such as '120.5'), where training had numbers."),
        ("weight", [True, False], "column `weight` holds true and false (such as True), where training had numbers."),
        ("weight", [datetime.date(2026, 1, 31)], "column `weight` holds dates"),
        ("weight", [[1.0], [2.0]], "column `weight` is of type List(Float64), which a request cannot carry"),
        ("colour", [1, 2], "column `colour` holds whole numbers (such as 1), where training had text."),
        ("kind", [1.5, 2.5], "column `kind` holds numbers (such as 1.5), where training had text."),
        ("is_red", ["yes", "no"], "column `is_red` holds text (such as 'yes'), where training had numbers."),
    ],
)
def test_another_kind_of_value_is_named_with_what_training_had(bundle, name, values, said):
    assert type_change(bundle, pl.Series(name, values)).startswith(said)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("weight", [1, 2]),
        ("weight", [Decimal("1.5"), None]),
        ("weight", [None, None]),
        ("age", [1.0, float("nan")]),
        ("colour", ["never seen", None]),
        ("is_red", [1, 0]),
        ("elsewhere", [[1]]),
    ],
)
def test_the_same_kind_in_another_width_is_no_change(bundle, name, values):
    assert type_change(bundle, pl.Series(name, values)) is None


def test_the_error_of_a_stage_begins_with_what_has_changed_in_its_data(bundle):
    project = read_project(bundle.folder.parent)
    raised = StageError("pipeline.py:22: stage `split` raised ValueError: no number: '3750 g'\n\nTraceback (most …)")
    assert explained(raised, project, ["split"], bundle, None) is raised  # nothing has changed: it says what it said
    path = project.path("raw")
    before = path.read_text()
    header, *lines = before.splitlines()
    path.write_text("\n".join([header, *(line.replace(",", " g,", 1) for line in lines)]) + "\n")
    try:
        told = str(explained(raised, project, ["split"], bundle, None))
    finally:
        path.write_text(before)
    assert told.startswith(f"data/raw/fruit.csv: column `weight` holds text (such as '{lines[0].split(',')[0]} g')")
    assert told.endswith("So it failed: pipeline.py:22: stage `split` raised ValueError: no number: '3750 g'.")
    assert "Traceback" not in told
