from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.profile.categories import (
    cardinality_ratio,
    expected_distinct,
    spectrum_of,
    spike_of,
    unseen,
    vanished,
)

counts = st.lists(st.integers(0, 10_000), min_size=2, max_size=30).map(np.array).filter(lambda c: c.sum() > 0)


def test_two_rows_of_four_by_hand():
    # a a b c: of the six pairs, only aa has one category: (1 + 5 * 2) / 6
    assert expected_distinct({2: 1, 1: 2}, 2) == pytest.approx(11 / 6)


@given(counts, st.floats(0.01, 1.0))
def test_drawing_everything_finds_everything_and_fewer_rows_never_more(c, part):
    spectrum, total = spectrum_of(c), int(c.sum())
    every = expected_distinct(spectrum, total)
    assert every == pytest.approx(np.count_nonzero(c))
    assert expected_distinct(spectrum, max(1, int(part * total))) <= every + 1e-6


def test_rarefaction_agrees_with_drawing():
    rng = np.random.default_rng(3)
    rows = rng.zipf(1.6, 5_000) % 2_000
    _, counted = np.unique(rows, return_counts=True)
    drawn = [np.unique(rng.choice(rows, 300, replace=False)).size for _ in range(300)]
    assert np.mean(drawn) == pytest.approx(expected_distinct(spectrum_of(counted), 300), rel=0.02)


def test_more_rows_than_there_are_cannot_be_drawn():
    with pytest.raises(ValueError, match="5 rows can't be drawn from 4"):
        expected_distinct({2: 2}, 5)


def test_a_window_larger_than_the_reference_is_thinned():
    rng = np.random.default_rng(5)
    share = np.full(500, 1 / 500)
    small, large = rng.multinomial(400, share), rng.multinomial(20_000, share)
    found = cardinality_ratio(spectrum_of(small), spectrum_of(large))
    assert found is not None
    assert found.value == pytest.approx(1.0, abs=0.08)
    assert not found.exceeds(1.3)


def test_many_new_categories_exceed_the_ratio_and_a_single_one_does_not():
    reference = spectrum_of(np.full(50, 100))
    many = cardinality_ratio(reference, spectrum_of(np.full(100, 10)))
    assert many is not None
    assert many.value == pytest.approx(2.0, rel=0.01)
    assert many.exceeds(1.3)
    one = cardinality_ratio(spectrum_of(np.full(3, 100)), spectrum_of(np.full(4, 100)))
    assert one is not None
    assert one.value == pytest.approx(4 / 3, rel=0.01)
    assert not one.exceeds(1.3)


def test_nothing_to_compare_has_no_ratio():
    assert cardinality_ratio({}, {1: 3}) is None


def test_a_share_of_new_categories_is_expected_where_many_occur_once():
    known = {f"c{i}": 1 for i in range(100)} | {"common": 900}
    window = {"common": 90} | {f"new {i}": 1 for i in range(10)}
    assert unseen(known, spectrum_of(np.array(list(known.values()))), window).value == pytest.approx(0.1)
    assert not unseen(known, spectrum_of(np.array(list(known.values()))), window).exceeds(0.05)
    settled = {"common": 900, "other": 100}
    assert unseen(settled, {900: 1, 100: 1}, window).exceeds(0.05)


def test_a_rare_category_that_a_small_window_misses_has_not_vanished():
    known = {"common": 9_900, "rare": 100}
    assert vanished(known, {"common": 100}).value == pytest.approx(0.01)
    assert not vanished(known, {"common": 100}).exceeds(0.0)  # 37 windows of 100 in a hundred miss it
    assert vanished(known, {"common": 5_000}).exceeds(0.0)


def test_the_unseen_categories_of_a_small_reference_are_rarely_beyond_chance():
    random, beyond = np.random.default_rng(6), 0
    for _ in range(60):
        known = Counter((random.zipf(1.3, 200) % 40).tolist())
        spectrum = spectrum_of(np.array(list(known.values())))
        for _ in range(10):
            window = Counter((random.zipf(1.3, 300) % 40).tolist())
            beyond += unseen(known, spectrum, window, z=2.33).exceeds(0.0)
    assert beyond <= 12  # of 600 windows, one in a hundred by chance


def test_a_new_category_is_the_one_that_rose_most_and_of_a_cut_list_only_known_ones_are_told():
    known = {"a": 500, "b": 300, "rest": 200}
    spectrum = {500: 1, 300: 1, 200: 1}
    window = {"a": 45, "b": 27, "rest": 18, "unknown": 10}
    assert spike_of(known, True, spectrum, window).exceeds(0.1)
    cut = {"a": 500, "b": 300}
    assert not spike_of(cut, False, spectrum, window).exceeds(0.0)
    assert spike_of(cut, False, spectrum, {"a": 20, "b": 80}).exceeds(0.1)
