"""How a column writes its moments, and the function of the written pipeline that reads them.

There is one implementation of reading: the text of `Dates.function`, which the project gets. `moments_of` runs it.
"""

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import polars as pl

_DAYS = (
    "%Y-%m-%d", "%Y-%m", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%Y-%j", "%G-W%V-%u",
    "%d.%m.%y", "%d.%m.%Y", "%d/%m/%y", "%d/%m/%Y", "%m/%d/%y", "%m/%d/%Y", "%d-%m-%y", "%d-%m-%Y", "%m-%d-%Y",
    "%d %b %Y", "%d %B %Y", "%d-%b-%y", "%d-%b-%Y", "%d/%b/%Y", "%b %d, %Y", "%B %d, %Y", "%b %Y", "%B %Y", "%b-%Y",
    "%m/%Y", "%m.%Y", "%a, %d %b %Y", "%A, %d %B %Y", "%A, %B %d, %Y", "%a %d %b %Y", "%a %b %d %Y",
)  # fmt: skip
_CLOCKS = (" %H:%M:%S%.f", " %H:%M", " %H:%M:%S,%3f", " %I:%M:%S%.f %p", " %I:%M %p")
_WHOLE = (
    "%a %b %d %H:%M:%S %Y", "%a %b %d %H:%M:%S%#z %Y", "%a %b %d %Y %H:%M:%S GMT%#z", "%d/%b/%Y:%H:%M:%S",
    "%d/%b/%Y:%H:%M:%S%#z", "%Y%m%dT%H%M", "%Y%m%dT%H%M%S", "%Y%m%dT%H%M%#z", "%Y%m%dT%H%M%S%#z", "%Y%m%d%H%M%S",
    "%Y-%m-%dT%H%M%S%#z", "%d-%b-%y %I.%M.%S%.f %p", "%d-%b-%y %I.%M.%S%.f %p%#z", "%Y-%m-%d-%H.%M.%S%.f",
)  # fmt: skip
"""Of programs: ctime, browsers, web servers' logs, ISO 8601 without signs between, Oracle, DB2."""
_ZONE = "%#z"
"""An offset of any form: Z, +01, +0100, +01:00, with a blank before it or without."""
_ABBREVIATIONS = {
    "EST": "-0500", "EDT": "-0400", "CST": "-0600", "CDT": "-0500", "MST": "-0700", "MDT": "-0600", "PST": "-0800",
    "PDT": "-0700", "CET": "+0100", "CEST": "+0200", "EET": "+0200", "EEST": "+0300", "WET": "+0000", "WEST": "+0100",
    "MSK": "+0300", "JST": "+0900",
}  # fmt: skip
"""Those of RFC 2822, and others that mean one offset alone."""
_PLACE = r"[A-Z][A-Za-z]+/[A-Za-z_]+(?:/[A-Za-z_]+)?"
_LOOKS = (
    r"^\s*(?:\p{L}{3,9}\.?,? +)?(?:\d{4}[-/.]\d{1,2}\b|\d{4}-(?:W\d{2}|\d{3})\b|\d{8}|\d{1,2}[-/.]\d{1,2}[-/.]\d{2}"
    r"|\d{1,2}[-/.]\d{4}\b|\d{1,2}[ /-]\p{L}{3,9}[ /-]\d{2}|\p{L}{3,9}[ -]+\d{1,4}\b)"
)
_NAMED = re.compile(
    r"date|day|datum|tarih|fecha|jour|time|stamp|epoch|unix|when|month|seen|creat|updat|modif|(^|_)(on|at|ts|dt)$"
    r"|(^|[a-z])(At|On|Ts)$",
    re.IGNORECASE,
)
_COUNT_NAMED = re.compile(
    r"event|log|record|open|clos|start|end|begin|arriv|depart|visit|since|sent|recei|expir|join|regist|(^|_)(ms|us|ns|t)$",
    re.IGNORECASE,
)
"""Names that say more surely of a great whole number than of another that it counts since 1970."""
_DAY_NAMED = re.compile(r"date|datum|tarih|fecha", re.IGNORECASE)
_SAMPLE = 2_000
_TRIED = 50
"""Values on which forms are tried before all of the sample is."""
_SHARE = 0.9
"""Of the values at least this share has to be a date."""
_SECONDS = (500_000_000, 4_000_000_000)
"""From 1985 to 2096, in seconds since 1970."""
_SHEET_DAYS = (20_000, 60_000)
"""From 1954 to 2064, in days of a spreadsheet."""
_EPOCHS: dict[Literal["s", "ms", "us", "ns"], int] = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


@dataclass(frozen=True, slots=True)
class Dates:
    """How a column writes its moments."""

    forms: tuple[str, ...] = ()
    """Each of strptime's, tried in this order; empty where the column is of a date's type, or counts."""
    note: str = ""
    """What was guessed."""
    is_zoned: bool = False
    """The column's type has a time zone."""
    count: str = ""
    """What a column of numbers counts since 1970: "s", "ms", "us" or "ns"; "days" of a spreadsheet."""
    zones: tuple[tuple[str, str], ...] = ()
    """Names of zones that the texts have, other than UTC, and their offsets."""
    place: str = ""
    """The place whose time it is, where all texts name the same one."""

    @property
    def words(self) -> str:
        """How the moments are written, in words; empty for a date's own type."""
        if self.count:
            names = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}
            return f"{names[self.count]} since 1970" if self.count in names else "days of a spreadsheet"
        told = [form for place, form in enumerate(self.forms) if _other_clock(form) not in self.forms[:place]]
        zone = ", in UTC" if self.has_zones else ""
        return ", ".join(f'"{form}"' for form in told) + zone

    @property
    def has_zones(self) -> bool:
        """Whether offsets are read, so that all moments are in UTC."""
        return any(_ZONE in form for form in self.forms)

    @property
    def is_long_count(self) -> bool:
        """Whether it counts in numbers that are too long for a CSV file's whole numbers, and so are texts."""
        return self.count == "ns"

    def call(self, name: str, column: str) -> str:
        """The expression that reads a column, given the function's name and the column's as a literal."""
        if self.count == "days":
            seconds = f"((pl.col({column}).cast(pl.Float64) - 25_569) * 86_400).round()"
            return f'pl.from_epoch({seconds}.cast(pl.Int64, strict=False), "s").cast(pl.Datetime("us"))'
        if self.count:
            count = f"pl.col({column}).cast(pl.Int64, strict=False)"
            return f'pl.from_epoch({count}, "{self.count}").cast(pl.Datetime("us"))'
        if not self.forms:
            zone = ".dt.replace_time_zone(None)" if self.is_zoned else ""
            return f'pl.col({column}){zone}.cast(pl.Datetime("us"))'
        forms = [f'"{form}"' for form in self.forms]
        return f"{name}({', '.join([column, *forms])})"

    def function(self, name: str) -> str:
        """Write the function that reads texts, for a module that has imported Polars as `pl`; empty where none is."""
        if not self.forms:
            return ""
        lines = ["text = pl.col(column).cast(pl.String).str.strip_chars()"]
        lines += [f"text = text{step}" for step in self._steps]
        read = 'text.str.to_datetime(form, strict=False, time_unit="us")'
        read += ".dt.replace_time_zone(None)" if self.has_zones else ""
        lines.append(f"moment = pl.coalesce([{read} for form in forms])")
        lines.append("return pl.when(moment.dt.year() >= 1000).then(moment)")
        where = ", in UTC," if self.has_zones else ""
        body = "".join(f"    {line}\n" for line in lines)
        return f"""
def {name}(column: str, *forms: str) -> pl.Expr:
    \"\"\"Read the moment{where} that a text names in one of these forms; null where it names none.\"\"\"
{body}"""

    @property
    def _steps(self) -> list[str]:
        """The calls that bring a text to one of the forms."""
        steps = []
        if any(":" in form for form in self.forms):
            steps.append(r'.str.replace(r"(\d)(?:[Tt]|, ?)(\d{1,2}:)", "${1} ${2}")')
        if any("%V" in form for form in self.forms):
            steps.append(r'.str.replace(r"(-W\d{2})$", "${1}-1")')
        if self.place:
            steps.append(rf'.str.replace(r"\s*\[?{self.place}\]?$", "")')
        if self.has_zones:
            steps.append(r'.str.replace(r"\s*[\[(].*[\])]$", "")')
            steps.append(r'.str.replace(r"\b(?:UTC|GMT|z)(\s|$)", "+0000${1}")')
            steps += [rf'.str.replace(r"\b{zone}\b", "{offset}")' for zone, offset in self.zones]
        return steps


TYPED = Dates()
"""Of a column whose type is a date's."""


def dates(given: "pl.Series") -> Dates | None:
    """Tell the forms in which a column of texts or numbers, without nulls, has its moments; None where it has none."""
    import polars as pl

    if given.dtype.is_numeric():
        return _counted(given)
    if given.dtype != pl.String:
        return None
    head = given.head(_SAMPLE)
    if head.str.contains(r"^\d{19}$").all():
        return _counted(given.cast(pl.Int64, strict=False))
    if not head.str.contains(_LOOKS).mean() >= _SHARE:  # type: ignore[operator]
        return None
    if head.str.contains(r"^\d{8}(\d{6})?$").all() and not _NAMED.search(given.name):
        return None
    texts = given.unique().sort().str.strip_chars()
    sample = texts.sample(min(_SAMPLE, texts.len()), seed=7)
    found = _with_forms(sample, _zoned(sample))
    if found is None or moments_of(sample, found).null_count() > (1 - _SHARE) * sample.len():
        return None
    return found


def moments_of(values: "pl.Series", found: Dates) -> "pl.Series":
    """The moments that a column's values name, by the code that is written; null where one names none."""
    import polars as pl

    namespace: dict[str, Any] = {"pl": pl}
    exec(found.function("_moment"), namespace)  # noqa: S102 - text of ours
    expression = eval(found.call("_moment", '"c"'), namespace)  # noqa: S307 - text of ours
    return pl.DataFrame({"c": values}).select(expression).to_series()


def _counted(given: "pl.Series") -> Dates | None:
    """What a column of numbers counts, by its size, where its name says that it is of time."""
    is_named = bool(_NAMED.search(given.name))
    if not (is_named or _COUNT_NAMED.search(given.name)) or given.null_count() or not given.len():
        return None
    import polars as pl

    if given.dtype.is_float() and not given.is_finite().all():
        return None
    low, high = float(given.min()), float(given.max())  # type: ignore[arg-type]
    for unit, factor in _EPOCHS.items():
        if low >= _SECONDS[0] * factor and high <= _SECONDS[1] * factor:
            return Dates(count=unit) if is_named or factor > 1 else None
    if not is_named:
        return None
    whole = given.cast(pl.Int64, strict=False)
    if bool((whole == given).all()) and given.dtype.is_integer():
        for form, width in (("%Y%m%d", 8), ("%Y%m%d%H%M%S", 14)):
            if low >= 1900 * 10 ** (width - 4) and high < 2101 * 10 ** (width - 4):
                return Dates((form,)) if _parsed(given.unique().cast(pl.String), form).all() else None
    if low >= _SHEET_DAYS[0] and high <= _SHEET_DAYS[1] and _DAY_NAMED.search(given.name):
        return Dates(count="days", note="its numbers are taken for a spreadsheet's days, counted from 1900")
    return None


def _zoned(sample: "pl.Series") -> Dates:
    """What a column's texts say of zones."""
    place = sample.str.extract(rf"({_PLACE})\]?$")
    is_offset = sample.str.contains(r":\d{2}(?:[.,]\d+)?\s*(?:[+-]\d{2}|[Zz])")
    named = place.filter(~is_offset).drop_nulls()
    if named.len() >= _SHARE * sample.len() and named.n_unique() == 1:
        return Dates(place=named[0], note=f"by the clocks of {named[0]}")
    zones = tuple(
        (zone, offset) for zone, offset in _ABBREVIATIONS.items() if sample.str.contains(rf"\d\s*{zone}\b").any()
    )
    return Dates(zones=zones)


def _with_forms(sample: "pl.Series", found: Dates) -> Dates | None:
    """The forms that read the most of a sample, each of them some that the ones before do not."""
    every = _candidates(sample, found)
    with_zones = replace(found, forms=every)
    texts = sample
    for step in with_zones._steps:
        texts = eval(f"texts{step}", {"texts": texts})  # noqa: S307 - text of ours
    first = texts.head(_TRIED)
    likely = [form for form in every if _parsed(first, form).any()]
    chosen, note, left = _chosen(texts, likely)
    if left.any():
        rest = texts.filter(left)
        further, note_of_rest, _ = _chosen(rest, [form for form in every if _turned(form) not in chosen])
        chosen, note = [*chosen, *further], note or note_of_rest
    if not chosen:
        return None
    zoned = [form for form in chosen if _ZONE in form]
    if zoned and any(":" in form and _ZONE not in form for form in chosen):
        note = "; ".join(filter(None, [note, "what has no offset is taken for UTC"]))
    # A clock may have seconds or not: a request's need not have what the file's have.
    chosen += [other for form in chosen if (other := _other_clock(form)) and other not in chosen]
    # A year of two digits is tried first: the form with four would take "31.12.22" for the year 22.
    ordered = tuple(sorted(dict.fromkeys(chosen), key=lambda form: "%y" not in form))
    return replace(found, forms=ordered, note="; ".join(filter(None, [found.note, note])))


def _candidates(sample: "pl.Series", found: Dates) -> tuple[str, ...]:
    """The forms that these texts may have, by the signs that are in them."""
    has = {
        sign: bool(sample.str.contains(pattern).any())
        for sign, pattern in (
            (":", ":"), ("%p", r"(?i)[ap]\.?m"), ("%3f", r",\d{3}"), ("%b", r"\p{L}{3}"), ("%V", "W"),
            (_ZONE, r"[:\d](?:[.,]\d+)?\s*(?:[AaPp][Mm]\s*)?(?:[+-]\d{2}|[Zz]\b|UTC|GMT)"),
        )
    }  # fmt: skip
    has[_ZONE] = (has[_ZONE] or bool(found.zones)) and not found.place
    clocks = [clock for clock in _CLOCKS if has[":"]]
    zones = ["", _ZONE] if has[_ZONE] else [""]
    made = [*_DAYS, *(day + clock + zone for day in _DAYS for clock in clocks for zone in zones), *_WHOLE]
    return tuple(
        form
        for form in made
        if (has["%p"] or "%p" not in form)
        and (has["%3f"] or "%3f" not in form)
        and (has["%b"] or not re.search("%[aAbB]", form))
        and (has["%V"] or "%V" not in form)
        and (has[_ZONE] or _ZONE not in form)
    )


def _chosen(texts: "pl.Series", every: list[str]) -> "tuple[list[str], str, pl.Series]":
    """Of these forms those that are needed, what was guessed, and which texts are in none of them."""
    import polars as pl

    hits = {form: found for form in every if (found := _parsed(texts, form)).any()}
    chosen, note = list[str](), ""
    left = pl.repeat(True, texts.len(), eager=True, dtype=pl.Boolean)
    while hits and left.any():
        gains = {form: int((found & left).sum()) for form, found in hits.items()}
        best = max(gains, key=lambda form: gains[form])
        if gains[best] == 0:
            break
        rival = _turned(best)
        if rival in gains and gains[rival] == gains[best]:
            best, note = _first_or_second(texts, best, rival)
        chosen.append(best)
        left &= ~hits[best]
        hits = {form: found for form, found in hits.items() if _turned(form) not in chosen}
    return chosen, note, left


def _parsed(texts: "pl.Series", form: str) -> "pl.Series":
    moments = texts.str.to_datetime(form, strict=False, time_unit="us")
    return moments.dt.year().is_between(1000, 2999).fill_null(False)


def _other_clock(form: str) -> str:
    """The same form with seconds where it has none, and without where it has them."""
    if ":%S%.f" in form:
        return form.replace(":%S%.f", "")
    if ":%M" in form and "%S" not in form:
        return form.replace(":%M", ":%M:%S%.f")
    return ""


def _turned(form: str) -> str:
    """The same form with day and month in each other's place."""
    return form.replace("%d", "\0").replace("%m", "%d").replace("\0", "%m") if "%d" in form and "%m" in form else ""


def _first_or_second(texts: "pl.Series", one: str, other: str) -> tuple[str, str]:
    """Which of two forms is meant where every value can be either: the day is what is always 1, else by the sign."""
    days = {
        form: texts.str.to_datetime(form, strict=False, time_unit="us").dt.day().drop_nulls() for form in (one, other)
    }
    always_first = [form for form in (one, other) if days[form].n_unique() == 1]
    if len(always_first) == 1:
        return always_first[0], "each is the first of a month, if the day is not the other number"
    is_day_first = "/" not in one
    chosen = next(form for form in (one, other) if (form.index("%d") < form.index("%m")) == is_day_first)
    return chosen, f"no value says whether day or month comes first: {'day' if is_day_first else 'month'} is taken"
