import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slipway.profile.cells import FEW, count_cells

KINDS = ["normal", "skewed", "whole", "constant", "two far apart", "with infinities", "tiny", "huge"]


def drawn(kind, many, seed):
    rng = np.random.default_rng(seed)
    match kind:
        case "normal":
            return rng.normal(size=many)
        case "skewed":
            return rng.lognormal(0, 4, many)
        case "whole":
            return rng.integers(-30, 300, many).astype(float)
        case "constant":
            return np.full(many, 5.0)
        case "two far apart":
            return np.where(rng.random(many) < 0.5, -1e300, 1e300)
        case "with infinities":
            return np.where(rng.random(many) < 0.01, rng.choice([np.inf, -np.inf], many), rng.normal(size=many))
        case "tiny":
            return rng.normal(1.0, 1e-15, many)
        case _:
            return rng.uniform(-1, 1, many) * 1.7e308


def looked_up(values, edges):
    return np.bincount(np.searchsorted(edges, values, side="right"), minlength=edges.size + 1)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(KINDS), st.integers(0, 1_000), st.integers(1, 300))
def test_many_values_are_counted_as_if_each_were_looked_up(kind, seed, cells):
    values = drawn(kind, FEW + 5_000, seed)
    finite = values[np.isfinite(values)]
    some = np.random.default_rng(seed).choice(finite, cells)
    with np.errstate(over="ignore"):
        edges = np.unique(np.concatenate((some, np.nextafter(some, np.inf), [-1e3, 1e3])))
    assert count_cells(values, edges).tolist() == looked_up(values, edges).tolist()


@pytest.mark.parametrize("edges", [np.zeros(0), np.array([0.0])])
def test_one_edge_or_none_is_enough(edges):
    values = drawn("normal", FEW + 1, 0)
    assert count_cells(values, edges).tolist() == looked_up(values, edges).tolist()


def test_a_value_on_an_edge_is_above_it():
    assert count_cells(np.array([1.0]), np.array([0.0, 1.0, 2.0])).tolist() == [0, 0, 1, 0]
