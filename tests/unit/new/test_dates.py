from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.new.dates import EPOCH, TYPED, dates, moments_of

DAYS = [date(2020, 1, 5) + timedelta(days=11 * i) for i in range(60)]


def forms(texts, name="c"):
    found = dates(pl.Series(name, texts))
    return found.forms if found else None


@pytest.mark.parametrize(
    "form",
    [
        "%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%d.%m.%y", "%m/%d/%y", "%d %b %Y",
        "%d-%b-%y", "%b %d, %Y", "%d %B %Y", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S", "%d.%m.%Y %H:%M:%S",
        "%m/%d/%Y %I:%M %p",
    ],
)  # fmt: skip
def test_dates_are_found_in_the_form_they_are_written_in(form):
    moments = [datetime(d.year, d.month, d.day, 13, 45) for d in DAYS]
    texts = [moment.strftime(form) for moment in moments]
    assert forms(texts) == (form,)
    read = moments_of(pl.Series(texts), dates(pl.Series(texts)))
    assert read.dt.date().to_list() == DAYS
    assert ("H" not in form and "I" not in form) or read.to_list() == moments


def test_months_and_several_forms_in_one_column_are_read():
    assert forms([d.strftime("%Y-%m") for d in DAYS]) == ("%Y-%m",)
    mixed = [d.strftime("%d.%m.%Y" if i % 2 else "%Y-%m-%d") for i, d in enumerate(DAYS)]
    assert set(forms(mixed)) == {"%d.%m.%Y", "%Y-%m-%d"}
    assert moments_of(pl.Series(mixed), dates(pl.Series(mixed))).dt.date().to_list() == DAYS


def test_a_year_of_two_digits_is_of_this_time_even_beside_years_of_four():
    mixed = ["31.12.22", "31.12.2021"] * 20
    read = moments_of(pl.Series(mixed), dates(pl.Series(mixed)))
    assert set(read.dt.year().to_list()) == {2021, 2022}


def test_numbers_are_dates_where_they_are_named_so():
    assert forms([int(d.strftime("%Y%m%d")) for d in DAYS], "sale_date") == ("%Y%m%d",)
    assert forms([int(d.strftime("%Y%m%d")) for d in DAYS], "amount") is None
    assert forms([20201301] * 5, "sale_date") is None
    seconds = [int(datetime(d.year, d.month, d.day, tzinfo=UTC).timestamp()) for d in DAYS]
    assert forms(seconds, "created_at") == EPOCH
    assert moments_of(pl.Series(seconds), dates(pl.Series("created_at", seconds))).dt.date().to_list() == DAYS


@pytest.mark.parametrize(
    ("texts", "form", "word"),
    [
        (["03/04/2021", "05/06/2021"] * 9, "%m/%d/%Y", "month is taken"),
        (["03.04.2021", "05.06.2021"] * 9, "%d.%m.%Y", ""),
        (["01/02/2021", "01/03/2021", "01/04/2021"] * 9, "%d/%m/%Y", "first of a month"),
        (["13/04/2021", "05/06/2021"] * 9, "%d/%m/%Y", ""),
    ],
)
def test_which_is_the_day_is_told_or_said_to_be_a_guess(texts, form, word):
    found = dates(pl.Series(texts))
    assert found.forms == (form,)
    assert word in found.note
    assert bool(word) == bool(found.note)


@pytest.mark.parametrize(
    "texts", [["5-10", "11-15"], ["1.2.3", "4.5.6"], ["a", "b"], ["12345678", "87654321"], ["2021", "2022"], ["10:30"]]
)
def test_ranges_versions_and_codes_are_no_dates(texts):
    assert forms(texts * 20) is None


def test_a_typed_column_needs_no_form():
    assert moments_of(pl.Series(DAYS), TYPED).dt.date().to_list() == DAYS


@given(st.lists(st.dates(date(1900, 1, 1), date(2099, 12, 31)), min_size=3))
def test_every_day_comes_back(days):
    texts = pl.Series([d.strftime("%Y-%m-%d") for d in days])
    assert moments_of(texts, dates(texts)).dt.date().to_list() == days
