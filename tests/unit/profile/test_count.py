import json
from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slipway.errors import BundleError, DataError
from slipway.profile.columns import NumberCounts
from slipway.profile.count import Profile, build_profile


def table(rows, seed):
    rng = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "area": rng.gamma(2.0, 50.0, rows),
            "rooms": rng.integers(1, 6, rows),
            "city": [("a", "b", "c", None)[i] for i in rng.integers(0, 4, rows)],
            "lift": rng.choice([True, False], rows),
            "at": [datetime(2024, 1, 1) + timedelta(hours=int(h)) for h in rng.integers(0, 1000, rows)],
        },
        schema_overrides={"city": pl.String, "at": pl.Datetime},
    )


def labels(rows, seed):
    return np.random.default_rng(seed).choice(["low", "high"], rows).tolist()


def profile(rows=2_000, seed=0, **options):
    t = table(rows, seed)
    return build_profile(t, labels(rows, seed), t, kind="classification", **options)


@settings(max_examples=20)
@given(st.integers(0, 300), st.integers(0, 300))
def test_the_counts_of_two_windows_add_up_to_those_of_both(m, n):
    reference = profile()
    first, second, both = table(m, 1), table(n, 2), pl.concat([table(m, 1), table(n, 2)])
    p, q = labels(m, 3), labels(n, 4)
    added = reference.count(first, p, first) + reference.count(second, q, second)
    at_once = reference.count(both, p + q, both)
    assert (added.rows, added.raw_rows, added.missing) == (at_once.rows, at_once.raw_rows, at_once.missing)
    assert added.prediction == at_once.prediction
    for name, counted in at_once.columns.items():
        summed = added.columns[name]
        if isinstance(counted, NumberCounts):
            assert summed.cells.tolist() == counted.cells.tolist()
            assert (summed.n, summed.nulls) == (counted.n, counted.nulls)
            assert summed.total == pytest.approx(counted.total)
            assert summed.squares == pytest.approx(counted.squares)
        else:
            assert summed == counted


def test_the_reference_counted_as_a_window_gives_its_own_counts():
    reference, t = profile(), table(2_000, 0)
    window = reference.count(t, labels(2_000, 0), t)
    area = reference.columns["area"]
    assert window.columns["area"].cells.tolist() == area.counts.cells.tolist()
    assert window.columns["city"].values == reference.columns["city"].categories
    assert window.missing == reference.missing


def test_a_profile_comes_back_from_json_as_it_was():
    reference = profile(clocks=["rooms"])
    text = json.dumps(reference.to_json(), allow_nan=False)
    back = Profile.from_json(json.loads(text))
    assert back.to_json() == reference.to_json()
    assert back.columns["rooms"].flag == "clock"
    t = table(300, 9)
    again, before = back.count(t, labels(300, 9), t), reference.count(t, labels(300, 9), t)
    assert again.columns["area"].cells.tolist() == before.columns["area"].cells.tolist()
    assert again.columns["city"] == before.columns["city"]


def test_extreme_values_never_reach_json_as_infinity():
    t = pl.DataFrame({"x": [1e308, -1e308, float("inf"), float("nan"), None] * 30})
    built = build_profile(t, [1e308, float("nan"), 2.0], t, kind="regression")
    json.dumps(built.to_json(), allow_nan=False)


def test_a_newer_profile_is_refused_with_a_word():
    with pytest.raises(BundleError, match="format 99, this Slipway reads up to 2"):
        Profile.from_json({**profile().to_json(), "format": 99})


def test_no_rows_make_no_profile():
    with pytest.raises(DataError, match="needs rows"):
        build_profile(table(0, 0), [], table(0, 0), kind="classification")


def test_a_window_without_a_column_is_refused_by_name():
    t = table(10, 1).rename({"city": "citty"})
    with pytest.raises(DataError, match=r"no column `city`.*Did you mean `citty`\?"):
        profile().count(t, labels(10, 1), t)


def test_classes_are_compared_by_name_and_failed_rows_left_out():
    t = table(4, 1)
    built = build_profile(t, [0, 1, 1, 2], t, kind="classification")
    assert built.prediction.categories == {"1": 2, "0": 1, "2": 1}
    assert built.count(t, [1, None, 0, 1], t).prediction.values == {"1": 2, "0": 1}


def test_classes_that_look_like_dates_are_still_classes():
    t = table(60, 1)
    built = build_profile(t, ["2022-01"] * 60, t, kind="classification")
    assert built.prediction.flag is None


def test_missing_counts_nan_as_null():
    t = pl.DataFrame({"x": [1.0, float("nan"), None]})
    assert build_profile(t, [1.0], t, kind="regression").missing == {"x": 2}
