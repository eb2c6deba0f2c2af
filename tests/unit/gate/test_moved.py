import numpy as np
import polars as pl
import pytest

from slipway.gate.moved import _indices, moved
from slipway.model.score import load_scorer
from slipway.profile.count import build_profile
from slipway.profile.drift import psi


def profile(table):
    return build_profile(table, [], table, kind="classification")


def index(new, old, name):
    """The index of a column of two tables, by their profiles alone."""
    return _indices(profile(new), profile(old))[name]


@pytest.mark.parametrize("draw", ["normal", "whole", "few", "heavy"])
def test_the_index_by_two_profiles_is_that_of_the_rows_themselves(draw):
    rng = np.random.default_rng(1)

    def column(rows, shift):
        values = {
            "normal": rng.normal(shift, 1.0, rows),
            "whole": rng.poisson(40 + 5 * shift, rows).astype(float),
            "few": rng.binomial(6, 0.4 + 0.1 * shift, rows).astype(float),
            "heavy": np.where(rng.random(rows) < 0.4, 0.0, rng.exponential(2.0 + 2 * shift, rows)),
        }[draw]
        return pl.DataFrame({"x": values})

    old, new = column(20_000, 0.0), column(15_000, 0.5)
    reference = profile(old).columns["x"]
    exact = psi(reference.bins(reference.counts), reference.bins(reference.count(new["x"])))
    assert exact.value > 0.03
    assert index(new, old, "x").value == pytest.approx(exact.value, rel=0.05)


def test_categories_that_came_are_counted_with_the_rare_ones():
    old = pl.DataFrame({"town": ["Ulm"] * 60 + ["Bonn"] * 40})
    new = pl.DataFrame({"town": ["Ulm"] * 30 + ["Bonn"] * 20 + ["Kiel"] * 50})
    found = index(new, old, "town")
    assert found == psi(np.array([60, 40, 0]), np.array([30, 20, 50]))


def test_the_same_data_have_not_moved():
    rng = np.random.default_rng(2)
    table = pl.DataFrame({"x": rng.normal(size=3_000), "town": rng.choice(["Ulm", "Bonn"], 3_000)})
    assert all(found.value < 1e-9 for found in _indices(profile(table), profile(table)).values())


def test_the_line_names_what_moved_most_and_holds_it_against_nobody(make_bundle, rows):
    heavier = rows(800, seed=4).with_columns(pl.col("weight") + 60)
    candidate = load_scorer(make_bundle(heavier, rows(100, seed=2)))
    production = load_scorer(make_bundle(rows(400), rows(100, seed=2)))
    found = moved(candidate, production)
    told = found.line()
    assert next(iter(found.columns)) == "weight"
    assert told.measured.startswith("800 rows, production's 400; moved, by PSI: weight ")
    assert told.outcome == "passed"
    assert found.to_json()["columns"]["weight"]["psi"] > 1
    same = moved(production, production).line()
    assert same.measured == "400 rows, production's 400; no column moved (PSI above 0.1)"
