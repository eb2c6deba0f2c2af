import polars as pl
import pytest

from slipway.model.trace import trace

END = pl.DataFrame({"area": [1, 2, 2, 3, 4], "price": [" LOW ", "low", "high", "HIGH", None]})


def rows(**columns):
    return pl.DataFrame(columns)


@pytest.mark.parametrize("every", [True, False])
def test_a_row_whose_label_was_cleaned_is_traced_by_its_features(every):
    part = rows(area=[3, 1], price=["high", "low"])
    traced = trace(END, part, every=every, target="price")
    assert traced.untraced == 0
    assert dict(zip(traced.part.tolist(), traced.start.tolist(), strict=True)) == {0: 3, 1: 0}


def test_rows_that_agree_in_the_label_too_are_told_apart_by_it():
    part = rows(area=[2, 1], price=["high", "low"])
    traced = trace(END, part, every=True, target="price")
    assert sorted(zip(traced.part.tolist(), traced.start.tolist(), strict=True)) == [(0, 2), (1, 0)]


def test_a_row_of_other_features_stays_untraced():
    traced = trace(END, rows(area=[9, 1], price=["low", "low"]), every=True, target="price")
    assert traced.untraced == 1
    assert traced.start.tolist() == [0]


def test_without_a_target_a_changed_label_is_another_row():
    assert trace(END, rows(area=[1], price=["low"]), every=True).untraced == 1
