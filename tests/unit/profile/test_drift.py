import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from slipway.profile.drift import (
    Moments,
    attainable_total,
    jensen_shannon,
    kolmogorov_smirnov,
    mean_shift,
    most_risen,
    psi,
    risen_share,
    spike,
    standard_errors,
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


@given(st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 10_000)), min_size=2, max_size=30))
def test_jensen_shannon_is_from_0_to_1_and_its_square_at_most_an_eighth_of_the_index(pairs):
    a, b = np.array(pairs).T
    assume(a.sum() > 0 and b.sum() > 0)
    value = jensen_shannon(a, b).value
    assert 0 <= value <= 1
    assert value**2 * np.log(2) <= psi(a, b).value / 8 + 1e-12


def test_jensen_shannon_of_what_does_not_meet_is_nearly_1():
    assert jensen_shannon(np.array([10**6, 0]), np.array([0, 10**6])).value == pytest.approx(1.0, abs=1e-5)


def test_the_distance_is_read_at_the_worst_edge():
    found = kolmogorov_smirnov(np.array([50, 30, 20]), np.array([10, 20, 70]))
    assert found.value == pytest.approx(0.5)
    assert not found.exceeds(0.5)
    assert found.exceeds(0.49)


def test_a_rare_share_may_be_several_rows_by_chance():
    assert not risen_share(1, 100, 0, 10_000).exceeds(0.0)
    assert risen_share(10, 100, 0, 10_000).exceeds(0.05)


def test_many_looks_need_more_standard_errors():
    assert standard_errors(0.00135) == pytest.approx(3.0, abs=1e-3)
    few, many = (psi(np.full(10, 500), np.full(10, 50), z=standard_errors(a)) for a in (0.01, 0.0001))
    assert few.without_drift == many.without_drift < few.by_chance < many.by_chance


def test_the_chance_of_an_index_is_that_of_chi_squared():
    rng = np.random.default_rng(4)
    share, z = np.full(10, 0.1), standard_errors(0.01)
    found = [psi(rng.multinomial(5_000, share), rng.multinomial(2_000, share), z=z) for _ in range(4_000)]
    assert np.mean([f.value > f.by_chance for f in found]) == pytest.approx(0.01, abs=0.004)


def test_a_spike_is_the_index_of_one_bin_against_all_others_by_hand():
    before, after = np.array([400, 4, 596]), np.array([360, 100, 540])
    assert most_risen(before, after, 1_000, 1_000) == 1
    # shares (4.5 and 100.5) / 1001 and the rest: 0.0959 * (ln(100.5 / 4.5) + ln(996.5 / 900.5))
    found = spike(before, after, 1_000, 1_000, family=3)
    assert found.value == pytest.approx(0.30760, abs=1e-5)
    assert found.exceeds(0.1)
    assert not found.exceeds(0.31)


def test_where_nothing_rose_there_is_no_spike():
    assert most_risen(np.array([5, 5]), np.array([0, 0]), 10, 10) is None
    assert spike(np.array([5, 5]), np.array([5, 5]), 10, 10, family=2).value == 0.0
    assert spike(np.array([0, 10]), np.array([10, 0]), 10, 10, family=2).value > 1  # every row moved there


@given(counts, st.integers(1, 3))
def test_a_column_has_no_spike_beside_itself(c, times):
    assert not spike(c, c * times, int(c.sum()), int(c.sum()) * times, family=c.size).exceeds(0.0)


def test_of_many_bins_one_is_the_largest_by_chance_and_no_more_often_than_is_said():
    rng = np.random.default_rng(2)
    z, share = standard_errors(0.01), np.full(200, 1 / 200)
    drawn = [(rng.multinomial(2_000, share), rng.multinomial(500, share)) for _ in range(2_000)]
    found = [spike(before, after, 2_000, 500, family=200, z=z) for before, after in drawn]
    assert np.mean([f.value > f.by_chance for f in found]) <= 0.013


def test_a_bin_that_can_never_be_beyond_chance_is_left_out_of_the_family():
    # Ten rows in a window of as many as the reference has are all in it once in 1,024 times, nine once in 512.
    assert attainable_total(500, 500, 1 / 1_000) == 10
    assert attainable_total(500, 500, 1 / 512 + 1e-9) == 9


@pytest.mark.parametrize("n", [20, 30, 100])
def test_an_index_over_bins_with_few_rows_keeps_what_chance_is(n):
    """Deciles of n rows have n / 10 each, whatever the shares that they stand for."""
    rng, z = np.random.default_rng(4), standard_errors(0.001)
    beyond = 0
    for _ in range(1_500):
        share = rng.dirichlet(np.full(10, n / 10))
        found = psi(np.full(10, n // 10), rng.multinomial(5_000, share), z=z)
        beyond += found.value > found.by_chance
    assert beyond <= 6


def test_a_few_far_values_move_a_mean_by_chance_on_either_side():
    window = Moments(100, 30.0, 300.0)
    assert not mean_shift(Moments(1_000, 0.0, 1.0), window).exceeds(0.15)
    assert not mean_shift(Moments(100, 0.0, 1.0), Moments(10_000, 2.0, 20.0)).exceeds(0.15)
    assert mean_shift(Moments(1_000, 0.0, 1.0), Moments(100, 0.6, 1.0)).exceeds(0.15)
