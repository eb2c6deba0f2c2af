"""A column of texts or numbers in; the forms of its dates out, in strptime's words, or nothing."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

_DAYS = (
    "%Y-%m-%d", "%Y-%m", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d",
    "%d.%m.%y", "%d.%m.%Y", "%d/%m/%y", "%d/%m/%Y", "%m/%d/%y", "%m/%d/%Y", "%d-%m-%y", "%d-%m-%Y", "%m-%d-%Y",
    "%d %b %Y", "%d %B %Y", "%d-%b-%y", "%d-%b-%Y", "%b %d, %Y", "%B %d, %Y", "%b %Y", "%B %Y", "%b-%Y", "%m/%Y",
    "%m.%Y",
)  # fmt: skip
_TIMES = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S%.f", "T%H:%M", "T%H:%M:%S", "T%H:%M:%S%.f", "T%H:%M:%S%.fZ",
          " %I:%M %p", " %I:%M:%S %p")  # fmt: skip
_LOOKS = (
    r"^\s*(\d{4}([-/.]\d{1,2}){1,2}|\d{8}|\d{1,2}([-/.]\d{1,2})?[-/.]\d{2,4}"
    r"|\d{1,2}[ -]\p{L}{3,9}[ -]\d{2,4}|\p{L}{3,9}[ -](\d{1,2}, )?\d{4})([ T]\d{1,2}:\d{2}.*)?\s*$"
)
_NAMED = re.compile(r"date|day|datum|tarih|fecha|jour|time|when|month|(^|_)(on|at|ts|dt)$", re.IGNORECASE)
_SAMPLE = 2_000
_SHARE = 0.9
"""Of the values at least this share has to be a date."""
EPOCH = ("epoch",)
"""The form of whole numbers that count seconds since 1970."""


@dataclass(frozen=True, slots=True)
class Dates:
    """How a column writes its dates."""

    forms: tuple[str, ...]
    """Each of strptime's, tried in this order; empty where the column is of a date's type."""
    note: str = ""
    """What was guessed."""
    is_zoned: bool = False
    """The column's type has a time zone."""


TYPED = Dates(())
"""Of a column whose type is a date's."""


def dates(given: "pl.Series") -> Dates | None:
    """The forms in which a column of texts or whole numbers, without nulls, has its dates."""
    import polars as pl

    if given.dtype.is_integer():
        return _numbered(given)
    if given.dtype != pl.String or not given.head(_SAMPLE).str.contains(_LOOKS).mean() >= _SHARE:  # type: ignore[operator]
        return None
    if given.head(_SAMPLE).str.contains(r"^\d{8}$").all() and not _NAMED.search(given.name):
        return None
    texts = given.unique().sort().str.strip_chars()
    sample = texts.sample(min(_SAMPLE, texts.len()), seed=7)
    times = _TIMES if sample.str.contains(":", literal=True).any() else _TIMES[:1]
    every = [day + time for day in _DAYS for time in times]
    hits = {form: found for form in every if (found := _parsed(sample, form)).any()}
    chosen: list[str] = []
    note = ""
    left = pl.repeat(True, sample.len(), eager=True, dtype=pl.Boolean)
    while hits and left.any():
        gains = {form: int((found & left).sum()) for form, found in hits.items()}
        best = max(gains, key=lambda form: gains[form])
        if gains[best] == 0:
            break
        rival = _turned(best)
        if rival in gains and gains[rival] == gains[best]:
            best, note = _first_or_second(sample, best, rival)
        chosen.append(best)
        left &= ~hits[best]
        hits = {form: found for form, found in hits.items() if _turned(form) not in chosen}
    if not chosen or left.mean() > 1 - _SHARE:  # type: ignore[operator]
        return None
    # A year of two digits is tried first: the form with four would take "31.12.22" for the year 22.
    return Dates(tuple(sorted(chosen, key=lambda form: "%y" not in form)), note)


def moments_of(values: "pl.Series", found: Dates) -> "pl.Series":
    """The moments that a column's values name, as the written pipeline reads them; null where one names none."""
    import polars as pl

    if found.forms == EPOCH:
        return pl.from_epoch(values, "s").cast(pl.Datetime("us"))
    if not found.forms:
        return (values.dt.replace_time_zone(None) if found.is_zoned else values).cast(pl.Datetime("us"))
    texts = values.cast(pl.String).str.strip_chars()
    moments = [texts.str.to_datetime(form, strict=False, time_unit="us") for form in found.forms]
    first = pl.select(pl.coalesce(moments)).to_series()
    return first.set(first.dt.year() < 1000, None)


def _numbered(given: "pl.Series") -> Dates | None:
    if not _NAMED.search(given.name):
        return None
    import polars as pl

    low, high = given.min(), given.max()
    if low >= 19000101 and high <= 21001231:  # type: ignore[operator]
        return Dates(("%Y%m%d",)) if _parsed(given.unique().cast(pl.String), "%Y%m%d").all() else None
    if low >= 500_000_000 and high <= 4_000_000_000:  # type: ignore[operator]
        return Dates(EPOCH)
    return None


def _parsed(texts: "pl.Series", form: str) -> "pl.Series":
    moments = texts.str.to_datetime(form, strict=False)
    return moments.dt.year().is_between(1000, 2999).fill_null(False)


def _turned(form: str) -> str:
    """The same form with day and month in each other's place."""
    return form.replace("%d", "\0").replace("%m", "%d").replace("\0", "%m") if "%d" in form and "%m" in form else ""


def _first_or_second(texts: "pl.Series", one: str, other: str) -> tuple[str, str]:
    """Which of two forms is meant where every value can be either: the day is what is always 1, else by the sign."""
    days = {form: texts.str.to_datetime(form, strict=False).dt.day().drop_nulls() for form in (one, other)}
    always_first = [form for form in (one, other) if days[form].n_unique() == 1]
    if len(always_first) == 1:
        return always_first[0], "each is the first of a month, if the day is not the other number"
    is_day_first = "/" not in one
    chosen = next(form for form in (one, other) if (form.index("%d") < form.index("%m")) == is_day_first)
    return chosen, f"no value says whether day or month comes first: {'day' if is_day_first else 'month'} is taken"
