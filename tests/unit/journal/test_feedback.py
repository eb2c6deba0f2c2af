import polars as pl
import pytest

from slipway.errors import DataError
from slipway.journal.feedback import keep_file
from slipway.journal.label_type import label_type
from slipway.journal.ship import Shipper


@pytest.fixture
def keep(tmp_path, journal, answer):
    """Keeps a file of truths of the predictions a and b, and gives what is then journalled."""
    journal.append([answer("a"), answer("b")])

    def keeping(content, *classes, kind="classification", correct=False):
        if isinstance(content, str):
            file = tmp_path / "truths.csv"
            file.write_text(content)
        else:
            file = tmp_path / "truths.parquet"
            pl.DataFrame(content).write_parquet(file)
        kept = keep_file(
            journal, tmp_path / "spool", file, label_type(kind, classes), source="user:ada", is_correction=correct
        )
        Shipper(tmp_path / "spool", journal).ship()
        keeping.kept = kept
        return [(t.prediction_id, t.truth, t.source) for t in journal.truths()]

    return keeping


@pytest.mark.parametrize(
    ("classes", "cells", "truths"),
    [
        (("001", "1"), ("001", "1"), ("001", "1")),
        (("1", "2"), ("1", "2"), ("1", "2")),
        ((1, 2), ("1", "2.0"), (1, 2)),
        ((True, False), ("true", "False"), (True, False)),
        ((1.5, 2.0), ("1.5", "2"), (1.5, 2.0)),
        (("low", "high"), ("low", "middling"), ("low", "middling")),
    ],
)
def test_a_cell_is_the_class_that_it_spells(keep, classes, cells, truths):
    kept = keep(f"id,truth\na,{cells[0]}\nb,{cells[1]}\n", *classes)
    assert [truth for _, truth, _ in kept] == list(truths)
    assert [type(truth) for _, truth, _ in kept] == [type(truth) for truth in truths]
    assert {source for _, _, source in kept} == {"user:ada"}


@pytest.mark.parametrize(
    ("content", "classes", "kind", "said"),
    [
        ("id,truth\na,001\n", (1, 2), "classification", "row 1: the truth is '001': expected a whole number"),
        ("id,truth\na,1.5\n", (1, 2), "classification", "expected a whole number, as the model predicts. Known here"),
        ("id,truth\na,low\n", (), "regression", "expected a number or a whole number"),
        ({"id": ["a"], "truth": [1]}, ("1", "2"), "classification", "the truth is 1: expected a text"),
        ({"id": ["a"], "truth": [True]}, (), "regression", "the truth is True: expected a number"),
        ({"id": ["a"], "truth": [None]}, ("1", "2"), "classification", "row 1: no truth"),
    ],
)
def test_what_can_not_be_true_is_refused_with_its_row(keep, journal, content, classes, kind, said):
    with pytest.raises(DataError) as refused:
        keep(content, *classes, kind=kind)
    assert said in str(refused.value)
    assert journal.truths() == []


def test_a_class_that_training_never_saw_is_kept_and_named(keep):
    keep("id,truth\na,Low\nb,low\n", "low", "high")
    assert keep.kept.sentence() == "2 truths kept. The model was not trained on `Low` (1). Did you mean `low`?"


def test_a_correction_is_a_second_entry(keep):
    keep("id,truth\na,low\n", "low", "high")
    with pytest.raises(DataError, match="--correct says that this one is right"):
        keep("id,truth\na,high\n", "low", "high")
    assert keep("id,truth\na,high\nb,low\n", "low", "high", correct=True) == [
        ("a", "low", "user:ada"),
        ("a", "high", "user:ada"),
        ("b", "low", "user:ada"),
    ]
    assert keep.kept.sentence() == "1 truths kept, 1 corrected."
