from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.new.dates import TYPED, dates, moments_of

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
    stem = form.replace("T%H", " %H").replace(":%S", ":%S%.f")
    assert forms(texts)[0] == stem
    assert all(other in (stem, stem.replace(":%S%.f", ""), stem.replace("%M", "%M:%S%.f")) for other in forms(texts))
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
    assert dates(pl.Series("created_at", seconds)).count == "s"
    assert moments_of(pl.Series(seconds), dates(pl.Series("created_at", seconds))).dt.date().to_list() == DAYS


MOMENTS = [datetime(2024, 1, 1, 11, 5, 7, tzinfo=UTC) + timedelta(hours=11.5 * i) for i in range(120)]
BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")


def hours(moment):
    """An offset as PostgreSQL writes it: +01."""
    return f"{moment:%Y-%m-%d %H:%M:%S}{moment:%z}"[:-2]


@pytest.mark.parametrize(
    ("zone", "write"),
    [
        (BERLIN, lambda m: m.isoformat()),
        (BERLIN, lambda m: f"{m:%Y-%m-%d %H:%M:%S%z}"),
        (BERLIN, hours),
        (BERLIN, lambda m: f"{m:%Y-%m-%d %H:%M:%S}.0000000 {m:%z}"[:-2] + ":00"),  # SQL Server
        (BERLIN, lambda m: f"{m.isoformat()}[Europe/Berlin]"),  # Java
        (BERLIN, lambda m: f"{m:%Y-%m-%d %H:%M:%S %Z}"),  # CET and CEST
        (NEW_YORK, lambda m: f"{m:%a, %d %b %Y %H:%M:%S %Z}"),  # RFC 2822, with EST and EDT
        (NEW_YORK, lambda m: f"{m:%a, %d %b %Y %H:%M:%S %z}"),
        (BERLIN, lambda m: f"{m:%a %b %d %Y %H:%M:%S} GMT{m:%z} (Central European Time)"),  # a browser's Date
        (BERLIN, lambda m: f"{m:%d/%b/%Y:%H:%M:%S %z}"),  # a web server's log
        (BERLIN, lambda m: f"{m:%Y%m%dT%H%M%S%z}"),
        (UTC, lambda m: f"{m:%Y-%m-%d %H:%M:%S} UTC"),
        (UTC, lambda m: f"{m:%Y-%m-%dT%H:%M:%SZ}"),
        (UTC, lambda m: f"{m:%Y-%m-%d %H:%M:%S} Z"),
        (UTC, lambda m: f"{m:%Y-%m-%dt%H:%M:%S}.25z"),
        (UTC, lambda m: f"{m:%Y-%m-%d %H:%M:%S}.123 +0000"),  # Snowflake, Databricks
        (UTC, lambda m: f"{m:%Y-%m-%dT%H:%M:%S}.123456789Z"),
        (UTC, lambda m: f"{m:%a, %d %b %Y %H:%M:%S} GMT"),
        (UTC, lambda m: f"{m:%a %b} {m.day:2} {m:%H:%M:%S} UTC {m.year}"),  # date
        (UTC, lambda m: f"{m:%a %b %d %H:%M:%S} +0000 {m.year}"),
    ],
)
def test_moments_with_an_offset_or_a_zone_are_read_in_utc(zone, write):
    texts = pl.Series([write(moment.astimezone(zone)) for moment in MOMENTS])
    found = dates(texts)
    assert found.has_zones
    assert moments_of(texts, found).dt.truncate("1s").to_list() == [m.replace(tzinfo=None) for m in MOMENTS]


@pytest.mark.parametrize(
    "form",
    [
        "%Y-%m-%d %H:%M:%S.%f", "%Y-%m-%dT%H:%M:%S.%f", "%m/%d/%Y, %I:%M:%S %p", "%m/%d/%Y, %I:%M:%S\u202f%p",
        "%a %b %d %H:%M:%S %Y", "%Y-%m-%d %H:%M:%S,123", "%d-%b-%y %I.%M.%S.000000 %p", "%Y%m%dT%H%M%S",
        "%B %d, %Y %I:%M:%S %p", "%Y-%m-%d-%H.%M.%S.%f", "%Y-%m-%d %H:%M:%S Europe/Berlin",
    ],
)  # fmt: skip
def test_clocks_without_a_zone_are_read_as_they_stand(form):
    texts = pl.Series([moment.strftime(form) for moment in MOMENTS])
    found = dates(texts)
    assert not found.has_zones
    assert moments_of(texts, found).dt.truncate("1s").to_list() == [m.replace(tzinfo=None) for m in MOMENTS]


@pytest.mark.parametrize(
    ("texts", "days"),
    [
        ([f"{m:%G-W%V-%u}" for m in MOMENTS], [m.date() for m in MOMENTS]),
        ([f"2024-W{k:02}" for k in range(1, 53)], [date(2024, 1, 1) + timedelta(weeks=k) for k in range(52)]),
        ([f"{m:%Y-%j}" for m in MOMENTS], [m.date() for m in MOMENTS]),
        ([f"{m:%A, %d %B %Y}" for m in MOMENTS], [m.date() for m in MOMENTS]),
    ],
)
def test_weeks_and_days_of_the_year_are_read(texts, days):
    assert moments_of(pl.Series(texts), dates(pl.Series(texts))).dt.date().to_list() == days


@pytest.mark.parametrize("factor", [1, 10**3, 10**6, 10**9])
@pytest.mark.parametrize("kind", [int, float, str])
def test_counts_since_1970_are_told_by_their_size(factor, kind):
    if kind is str and factor < 10**9:
        return  # shorter ones are numbers to the reader of files
    counts = pl.Series("seen_at", [kind(int(m.timestamp()) * factor) for m in MOMENTS])
    read = moments_of(counts, dates(counts))
    assert (read.dt.epoch("s") - pl.Series([int(m.timestamp()) for m in MOMENTS])).abs().max() == 0
    assert dates(counts.alias("phone")) is None or kind is str  # of nineteen digits there is no phone
    if factor > 1:
        assert dates(counts.alias("event_ms")) == dates(counts)


def test_days_of_a_spreadsheet_are_read_and_said_to_be_a_guess():
    days = pl.Series("order_date", [45_292 + i for i in range(100)])
    found = dates(days)
    assert "spreadsheet's days" in found.note
    assert moments_of(days, found)[0].date() == date(2024, 1, 1)
    assert dates(days.alias("days_open")) is None


def test_mixed_offsets_meet_in_utc_and_what_has_none_is_said_to_be_taken_so():
    texts = ["2024-01-31T23:30:00-05:00", "2024-02-01 05:30:00+01", "2024-02-01 04:30:00 UTC", "2024-02-01T04:30Z"]
    column = pl.Series(texts * 20)
    assert set(moments_of(column, dates(column)).to_list()) == {datetime(2024, 2, 1, 4, 30)}
    with_none = pl.Series([*texts, "2024-02-01 04:30:00"] * 20)
    assert dates(with_none).note == "what has no offset is taken for UTC"


@given(st.lists(st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1)), min_size=3), st.data())
def test_a_request_in_any_accepted_form_is_read_as_the_file_was(moments, data):
    column = pl.Series([f"{m:%Y-%m-%d %H:%M:%S} +0000" for m in moments])
    found = dates(column)
    moment = moments[0].replace(microsecond=0)
    shift = data.draw(st.integers(-12 * 4, 14 * 4)) * 15
    there = (moment + timedelta(minutes=shift)).isoformat(sep=data.draw(st.sampled_from("T ")))
    offset = (
        f"{'-' if shift < 0 else '+'}{abs(shift) // 60:02}{data.draw(st.sampled_from(['', ':']))}{abs(shift) % 60:02}"
    )
    ending = data.draw(
        st.sampled_from([offset, f" {offset}"] if shift else ["Z", " Z", " UTC", "+00", "+00:00", " GMT"])
    )
    assert moments_of(pl.Series([there + ending]), found).to_list() == [moment]


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


def test_the_hours_of_a_spreadsheets_days_are_exact():
    given = [datetime(2024, 1, 1) + timedelta(hours=7 * i) for i in range(300)]
    days = pl.Series("date", [(moment - datetime(1899, 12, 30)) / timedelta(days=1) for moment in given])
    assert moments_of(days, dates(days)).to_list() == given
