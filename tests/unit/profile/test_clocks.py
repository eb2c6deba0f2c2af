from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from slipway.profile.clocks import clocks_among, dates_of
from slipway.profile.count import build_profile


@pytest.fixture(scope="module")
def days():
    random = np.random.default_rng(0)
    return [date(2020, 1, 1) + timedelta(days=int(day)) for day in random.integers(0, 700, 2_000)]


def features(days):
    random = np.random.default_rng(1)
    return pl.DataFrame(
        {
            "month": [day.month for day in days],
            "weekday from 0": [day.weekday() for day in days],
            "running month": [day.year * 12 + day.month for day in days],
            "days since": [(date(2023, 1, 1) - day).days for day in days],
            "year built": random.integers(1950, 2020, len(days)),
            "rooms": random.integers(1, 13, len(days)),
            "constant": [7] * len(days),
        }
    )


MOVING = {"month", "weekday from 0", "running month", "days since"}


@pytest.mark.parametrize("form", ["%Y-%m-%d", "%d.%m.%Y", "%Y/%m/%d"])
def test_parts_of_a_date_are_found_by_their_values(days, form):
    raw = pl.DataFrame({"ad": [day.strftime(form) for day in days]})
    assert clocks_among(features(days), raw) == MOVING


def test_a_column_of_dates_does_as_well(days):
    assert clocks_among(features(days), pl.DataFrame({"ad": days})) == MOVING


def test_where_requests_have_the_month_alone_no_weekday_follows_from_it(days):
    raw = pl.DataFrame({"ad": [day.strftime("%Y-%m") for day in days]})
    assert clocks_among(features(days), raw) == MOVING - {"weekday from 0"}


def test_rows_that_are_not_the_same_tell_nothing(days):
    raw = pl.DataFrame({"ad": days})
    assert clocks_among(features(days).head(1_000), raw) == frozenset()
    assert clocks_among(features(days), pl.DataFrame({"note": ["a"] * len(days)})) == frozenset()


def test_the_profile_flags_them(days):
    raw = pl.DataFrame({"ad": days})
    profile = build_profile(features(days), ["a"] * len(days), raw, kind="classification")
    flagged = {name for name, column in profile.columns.items() if column.flag == "clock"}
    assert flagged == MOVING


@pytest.mark.parametrize(
    "values", [["a", "b"], [None, None], [1, 2], ["2020-01-01", "soon", "later"], ["1.5", "2.5"], ["12", "13"]]
)
def test_what_is_no_date_is_none(values):
    assert dates_of(pl.Series(values, strict=False)) is None


def test_a_moment_with_a_zone_is_told_in_utc():
    zoned = pl.Series([datetime(2024, 5, 1, 12, tzinfo=UTC)]).dt.convert_time_zone("Asia/Tokyo")
    assert dates_of(zoned).to_list() == [datetime(2024, 5, 1, 12)]
