import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from slipway.profile.drift import (
    Moments,
    cardinality_ratio,
    expected_distinct,
    mean_shift,
    psi,
    spectrum_of,
    total_variation,
)

counts = st.lists(st.integers(0, 10_000), min_size=2, max_size=30).map(np.array).filter(lambda c: c.sum() > 0)


def test_two_bins_by_hand():
    # shares 1/2, 1/2 and 50.5/201, 150.5/201: 0.24876 * (ln(100.5/50.5) + ln(150.5/100.5))
    assert psi(np.array([100, 100]), np.array([50, 150])).value == pytest.approx(0.27164, abs=1e-5)


@given(counts)
def test_nothing_drifts_from_itself(c):
    assert psi(c, c).value == pytest.approx(0.0, abs=1e-12)
    assert total_variation(c, c).value == 0.0


@given(st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 10_000)), min_size=2, max_size=30))
def test_the_measures_have_no_direction_and_are_never_negative(pairs):
    a, b = np.array(pairs).T
    assume(a.sum() > 0 and b.sum() > 0)
    assert psi(a, b).value == pytest.approx(psi(b, a).value)
    assert psi(a, b).value >= 0
    assert 0 <= total_variation(a, b).value <= 1


def test_sampling_alone_gives_what_is_expected():
    rng = np.random.default_rng(7)
    share = np.full(10, 0.1)
    found = [psi(rng.multinomial(5_000, share), rng.multinomial(1_000, share)) for _ in range(400)]
    assert np.mean([p.value for p in found]) == pytest.approx(found[0].without_drift, rel=0.1)


def test_an_index_counts_by_what_is_above_sampling():
    found = psi(np.array([100, 100]), np.array([50, 150]))  # 0.27164, of which 0.01 without drift
    assert found.without_drift == pytest.approx(0.01)
    assert found.exceeds(0.26)
    assert not found.exceeds(0.265)


@pytest.mark.parametrize("measure", [psi, total_variation])
def test_bins_must_agree(measure):
    with pytest.raises(ValueError, match="reference has 3 bins, the window 2"):
        measure(np.array([1, 1, 1]), np.array([1, 1]))


@pytest.mark.parametrize("measure", [psi, total_variation])
def test_an_empty_side_is_refused(measure):
    with pytest.raises(ValueError, match="3 reference rows, 0 window rows"):
        measure(np.array([1, 2]), np.array([0, 0]))


def test_total_variation_is_the_share_that_changed_class():
    assert total_variation(np.array([600, 300, 100]), np.array([40, 30, 30])).value == pytest.approx(0.2)


def test_total_variation_rarely_passes_what_chance_explains():
    rng = np.random.default_rng(11)
    for share in ([0.5, 0.5], [0.4, 0.4, 0.2], [1 / 7] * 7):
        found = [total_variation(rng.multinomial(2_000, share), rng.multinomial(100, share)) for _ in range(1_000)]
        assert np.mean([f.value > f.by_chance for f in found]) < 0.01


def test_a_mean_shift_is_in_standard_deviations_of_the_reference():
    found = mean_shift(Moments(10_000, mean=10.0, std=4.0), Moments(100, mean=12.0, std=1.0))
    assert found is not None
    assert found.value == pytest.approx(0.5)
    assert found.exceeds(0.15)


def test_a_small_window_has_to_shift_further():
    reference = Moments(10_000, mean=0.0, std=1.0)
    few, many = mean_shift(reference, Moments(100, 0.2, 1.0)), mean_shift(reference, Moments(5_000, 0.2, 1.0))
    assert few is not None
    assert many is not None
    assert not few.exceeds(0.15)
    assert many.exceeds(0.15)


def test_a_constant_reference_has_no_mean_shift():
    assert mean_shift(Moments(10, 5.0, 0.0), Moments(10, 7.0, 0.0)) is None


def test_two_rows_of_four_by_hand():
    # a a b c: of the six pairs, only aa has one category: (1 + 5 * 2) / 6
    assert expected_distinct({2: 1, 1: 2}, 2)[0] == pytest.approx(11 / 6)


@given(counts, st.floats(0.01, 1.0))
def test_drawing_everything_finds_everything_and_fewer_rows_never_more(c, part):
    spectrum, total = spectrum_of(c), int(c.sum())
    every, deviation = expected_distinct(spectrum, total)
    assert every == pytest.approx(np.count_nonzero(c))
    assert deviation == pytest.approx(0.0, abs=1e-6)
    assert expected_distinct(spectrum, max(1, int(part * total)))[0] <= every + 1e-6


def test_rarefaction_agrees_with_drawing():
    rng = np.random.default_rng(3)
    rows = rng.zipf(1.6, 5_000) % 2_000
    _, counted = np.unique(rows, return_counts=True)
    drawn = [np.unique(rng.choice(rows, 300, replace=False)).size for _ in range(300)]
    expected, deviation = expected_distinct(spectrum_of(counted), 300)
    assert np.mean(drawn) == pytest.approx(expected, rel=0.02)
    assert np.std(drawn) <= deviation


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
