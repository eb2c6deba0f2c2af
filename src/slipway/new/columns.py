"""What becomes of each column of a table, and why."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from slipway.errors import DataError, ProjectError
from slipway.model.dtypes import request_type
from slipway.new.dates import TYPED, Dates, dates, moments_of
from slipway.new.leaks import suspects
from slipway.new.notation import Notation, Quantity, quantity
from slipway.new.row_index import index_reason
from slipway.new.target import Target, judge_target, word_counts
from slipway.new.units import Unit
from slipway.tables.column_types import NOTHING

if TYPE_CHECKING:
    import polars as pl

Use = Literal["category", "number", "quantity", "date", "text", "left out"]

_SPLIT_VALUES = {"train", "training", "test", "testing", "val", "valid", "validation", "dev", "holdout", "eval"}
_FEW_KINDS = 50
"""With fewer different rows a fifth of them is no sample of all."""
_SPLIT_NAME = re.compile(r"^(cv_?)?(split|fold|partition|subset)(_?\d+)?$", re.IGNORECASE)
_ID_NAME = re.compile(r"(^|[_\s\-.])(?i:id|key|uuid|guid|index|idx|rownum)$|[a-z](Id|ID)$|^(?i:unnamed)")

_MOST_CATEGORIES = 250
_NEWEST = 0.5
"""Where more rows than this share are of the newest moment, too few are older."""
_MOMENTS = 5
_EACH_OTHER = 0.95
_WORDS = 60
"""Different ones that free text has at least; with fewer nothing can be pressed together."""
_LOOKED_AT = 100_000
"""Rows from which it is told what texts hold, whether a column gives the target away, and what is newest."""
_TEST_ROWS = 20_000
"""A test of more rows tells little more, and rows that are split by time are learnt from when they are older."""
_CLOCK = "as days since 1970; a clock, so monitoring shows it and never alarms"
_NOT_OF_THE_ROW = re.compile(r"birth|born|dob|geburt|dogum|naiss|expir|due|valid|until", re.IGNORECASE)
"""Dates that say how old somebody is or when something ends, not when the row came to be."""
_OF_THE_ROW = re.compile(r"creat|date|time|stamp|month|when|order|sold|posted|recorded|(^|_)(at|on|ts)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Column:
    """What becomes of one column."""

    name: str
    use: Use
    why: str
    """For a column left out the reason; for the others how it is read, or nothing."""
    quantity: Quantity | None = None
    """How a quantity's numbers are written."""
    dates: Dates = TYPED
    """How a date is written."""
    calendar: tuple[str, ...] = ()
    """What of a date besides its days can tell something: "month", "weekday", "hour"."""
    has_cases: bool = False
    """Some of its texts differ from each other in case alone."""
    is_suspect: bool = False
    """It may give the target away, but is kept."""


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What a table's file says of its columns, beside their values."""

    commas: frozenset[str] = frozenset()
    """Columns of numbers that the file writes with a decimal comma."""
    has_semicolons: bool = False
    """Semicolons stand between its values, as is usual where the comma is a decimal sign."""
    unnamed: tuple[str, ...] = ()
    """Columns that have no name in the file, by the names that the reader gave them."""
    index: tuple[str, ...] = ()
    """Columns that the file's own metadata call pandas' index."""
    words: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """By column the words that were read as null, and in how many rows."""
    literal_labels: tuple[str, ...] = ()
    """Words that are labels of the target, though they are usually read as null."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What is predicted, and from what."""

    target: Target
    rows: int
    columns: tuple[Column, ...]
    """All but the target, in the table's order."""
    time: str = ""
    """The column by which the newest rows become the test; empty where rows are split by content."""
    until: str = ""
    """The day of the newest row by that column, as 2024-03-31."""
    test_share: float = 0.2
    warnings: tuple[str, ...] = ()
    """What is odd about the table or its target, a sentence each."""

    @property
    def kept(self) -> tuple[Column, ...]:
        return tuple(column for column in self.columns if column.use != "left out")

    @property
    def left_out(self) -> tuple[Column, ...]:
        return tuple(column for column in self.columns if column.use == "left out")

    def of(self, *uses: Use) -> tuple[Column, ...]:
        """The columns that are used in one of these ways."""
        return tuple(column for column in self.columns if column.use in uses)


def judge(table: "pl.DataFrame", target: str | None, facts: FileFacts | None = None) -> Judged:
    """Decide for each column of a table whether a model may learn from it, and how it is read.

    Left out are ids, columns without content, marks of a split, and what gives the target away.

    Args:
        facts: what the table's file says of its columns.

    Raises:
        ProjectError: the target can't be learnt, or no column is left to learn from.
    """
    facts = facts or FileFacts()
    goal = judge_target(table, target, facts.words.get(target or "", {}), facts.literal_labels)
    known = table.drop_nulls(goal.name) if goal.missing else table
    others = [name for name in table.columns if name != goal.name]
    columns = [_judge_column(known[name], facts) for name in others]
    for place, column in enumerate(columns):
        # An index of dates is when its rows came to be: that is told to a model, and divides what it is tested on.
        if column.use != "date" and (
            reason := index_reason(known[column.name], others, unnamed=facts.unnamed, index=facts.index)
        ):
            columns[place] = Column(column.name, "left out", reason)
    columns = [_with_comma(column, known) if column.name in facts.commas else column for column in columns]
    kept = [column.name for column in columns if column.use not in ("left out", "text")]
    looked_at = known if known.height <= _LOOKED_AT else known.sample(_LOOKED_AT, seed=7)
    verdicts = suspects(looked_at.select(*kept, goal.name), goal)
    for place, column in enumerate(columns):
        if column.name in verdicts:
            verdict = verdicts[column.name]
            columns[place] = (
                Column(column.name, "left out", verdict.why)
                if verdict.is_sure
                else replace(column, why="; ".join(filter(None, [column.why, verdict.why])), is_suspect=True)
            )
    share = round(max(0.01, min(0.2, _TEST_ROWS / known.height)), 3)
    time = _time(looked_at, columns, share, goal.name)
    told = [column.name for column in columns if column.use != "left out"]
    warnings = (*goal.warnings, *_repeated(table), *(() if time else _few_kinds(known, told)))
    until = next((_last_day(known, column) for column in columns if column.name == time), "")
    judged = Judged(goal, known.height, tuple(columns), time, until, share, warnings)
    if not judged.kept:
        reasons = "; ".join(f"`{column.name}` {column.why}" for column in judged.left_out) or "there is no other column"
        raise ProjectError(f"No column is left to predict `{goal.name}` from: {reasons}.")
    return judged


def _judge_column(values: "pl.Series", facts: FileFacts) -> Column:
    import polars as pl

    given = values.drop_nulls()
    if not _fits_request(values.dtype):
        kind = str(values.dtype.base_type()).lower()
        return Column(values.name, "left out", f"is of the type {kind}, which a request can't carry")
    distinct = given.n_unique()
    reason = _empty(values, given, distinct) or _mark(given, distinct) or _identity(given, distinct)
    if reason:
        return Column(values.name, "left out", reason)
    dtype = values.dtype
    if dtype in (pl.Date, pl.Datetime):
        return _date(given, Dates((), is_zoned=getattr(dtype, "time_zone", None) is not None))
    if dtype.is_numeric() and (found := dates(given)):
        return _date(given, found)
    if dtype.is_numeric() or dtype == pl.Boolean:
        return Column(values.name, "number", "")
    if dtype in (pl.String, pl.Categorical, pl.Enum):
        texts = given if given.len() <= _LOOKED_AT else given.sample(_LOOKED_AT, seed=7)
        return _judge_text(texts.cast(pl.String), texts.n_unique(), facts)
    return Column(values.name, "left out", "is empty")


def _fits_request(dtype: "pl.DataType") -> bool:
    try:
        request_type("", dtype)
    except DataError:
        return False
    return True


def _judge_text(given: "pl.Series", distinct: int, facts: FileFacts) -> Column:
    name = given.name
    if found := dates(given):
        return _date(given, found)
    if number := quantity(given, has_semicolons=facts.has_semicolons):
        return Column(name, "quantity", _quantity_words(number, given.len()), quantity=number)
    if distinct > max(20, given.len() // 2):
        words = given.str.count_matches(r"\S+").mean()
        if isinstance(words, float) and words >= 3 and _vocabulary(given) >= _WORDS:
            return Column(name, "text", f"free text of {words:.0f} words or so, by the words in it")
        return Column(name, "left out", f"is nearly always another text: {distinct:,} in {given.len():,} rows")
    has_cases = given.str.strip_chars().str.to_lowercase().n_unique() < given.str.strip_chars().n_unique()
    said = [f"{distinct:,} values"] if distinct > 50 else []
    said += [f"the rarest share one of {_MOST_CATEGORIES}"] if distinct > _MOST_CATEGORIES else []
    said += ["upper and lower case alike"] if has_cases else []
    null_words = Counter(facts.words.get(name, {}))
    stripped = given.str.strip_chars()
    null_words.update(dict(stripped.filter(stripped.is_in(NOTHING)).value_counts().iter_rows()))
    said += [f"{word_counts(null_words)} as null"] if null_words else []
    return Column(name, "category", "; ".join(said), has_cases=has_cases)


def _quantity_words(number: Quantity, rows: int) -> str:
    """How a quantity is read: what its written code did with the column's own values."""
    example = f'"{number.example}"'
    if number.notation.has_signs and number.value < 0:
        example += f" as {number.value:g}"
    odd = [f'"{text}" as {value:g}' for text, value in number.odd]
    words = [f"as a number: {', '.join([example, *odd])}"]
    if number.notation.is_guess:
        meant = "the decimal sign" if number.notation.decimal == "," else "between thousands"
        words.append(f"the comma is taken to be {meant}")
    if number.others:
        share = f"{number.nulls / rows:.1%} of the rows" if rows >= _LOOKED_AT else f"{number.nulls:,} rows"
        words.append(f"what is none, such as {_listed(number.others)}, as null ({share})")
    return "; ".join(words)


def _vocabulary(given: "pl.Series") -> int:
    return given.head(10 * _WORDS).str.extract_all(r"\b\w+\b").explode().n_unique()


def _date(given: "pl.Series", found: Dates) -> Column:
    """A date, and what of the calendar its values differ in."""

    moments = moments_of(given, found)
    parts = {"month": moments.dt.month(), "weekday": moments.dt.weekday(), "hour": moments.dt.hour()}
    only_months = moments.dt.day().n_unique() == 1
    calendar = [name for name, part in parts.items() if part.n_unique() > 1 and not (name == "weekday" and only_months)]
    span = (moments.max() - moments.min()).days  # type: ignore[operator,union-attr]
    if span < 60 and "month" in calendar:
        calendar.remove("month")
    written = f"; written {found.words}" if found.words else ""
    also = f", with its {_and(calendar)}" if calendar else ""
    note = f"; {found.note}" if found.note else ""
    others = given.filter(moments.is_null())
    nothing = f"; what is none, such as {_listed(others.unique().sort().head(3))}, as null" if others.len() else ""
    return Column(given.name, "date", f"{_CLOCK}{also}{written}{note}{nothing}", dates=found, calendar=tuple(calendar))


def _with_comma(column: Column, table: "pl.DataFrame") -> Column:
    """A number that the file writes as "12,5": a request may write it so, too."""
    if column.use != "number":
        return column
    values = table[column.name].drop_nulls()
    fractions = values.filter(values != values.round(0))
    example = str((fractions if fractions.len() else values)[0]).replace(".", ",")
    number = Quantity(Notation(","), Unit(), example)
    return replace(column, use="quantity", why=f'as a number: "{example}"', quantity=number)


def _time(table: "pl.DataFrame", columns: "list[Column]", share: float, target: str) -> str:
    """The column that says when a row came to be, if the newest rows by it can be a test."""
    fit = []
    for column in columns:
        if column.use != "date" or _NOT_OF_THE_ROW.search(column.name):
            continue
        moments = moments_of(table[column.name], column.dates)
        is_newest = (moments >= moments.quantile(1 - share, "nearest")).fill_null(False)
        is_fit = moments.null_count() <= table.height / 10 and is_newest.mean() <= _NEWEST  # type: ignore[operator]
        if is_fit and moments.n_unique() >= _MOMENTS and table[target].filter(~is_newest).n_unique() > 1:
            fit.append((bool(_OF_THE_ROW.search(column.name)), moments.n_unique(), column.name))
    return max(fit, key=lambda each: each[:2])[2] if fit else ""


def _last_day(table: "pl.DataFrame", column: Column) -> str:
    return f"{moments_of(table[column.name], column.dates).dt.max():%Y-%m-%d}"


def _repeated(table: "pl.DataFrame") -> list[str]:
    """A word on rows that are there twice."""
    # By hashes, since the rows themselves would be in memory once more.
    repeated = table.height - table.hash_rows().n_unique() if not any(t.is_nested() for t in table.dtypes) else 0
    if not repeated:
        return []
    row = "row is" if repeated == 1 else "rows are"
    return [
        f"{repeated:,} {row} the same as another in every column; the split keeps such rows on one side, and they "
        "count as often as they are there."
    ]


def _few_kinds(table: "pl.DataFrame", told: "list[str]") -> list[str]:
    """A word on rows of a few kinds, whole kinds of which the split tests on."""
    kinds = table.select(told).hash_rows().n_unique() if told else 0
    if not 0 < kinds < min(_FEW_KINDS, table.height / 4):
        return []
    return [
        f"The columns that are kept have {kinds} different rows in all. The model is tested on kinds of rows that it "
        "has not learnt from, so it may seem worse than it is, and be refused: add columns that tell rows apart."
    ]


def _and(words: "list[str]") -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _listed(values: Iterable[str]) -> str:
    return ", ".join(f'"{value}"' for value in values)


def _empty(values: "pl.Series", given: "pl.Series", distinct: int) -> str:
    if given.is_empty():
        return "is empty"
    if given.len() < values.len() / 100:
        return f"is nearly empty: {given.len():,} of {values.len():,} rows have it"
    if distinct == 1 and given.len() == values.len():
        return f"is always {given[0]!r}"
    return ""


def _mark(given: "pl.Series", distinct: int) -> str:
    if distinct > 20:
        return ""
    if _SPLIT_NAME.match(given.name) or {str(v).strip().lower() for v in given.unique()} <= _SPLIT_VALUES:
        return "marks a split, which the project makes itself"
    return ""


def _identity(given: "pl.Series", distinct: int) -> str:
    import polars as pl

    count = given.len()
    is_named = bool(_ID_NAME.search(given.name))
    # Rows that are there twice have their id twice.
    is_each_other = distinct >= _EACH_OTHER * count
    if given.dtype.is_integer():
        low, high = given.min(), given.max()
        if is_each_other and (is_named or (count >= 20 and high - low == distinct - 1)):  # type: ignore[operator]
            return "is another number in each row: an id"
        if is_named and distinct > count / 2:
            return f"names things, it does not describe them: {distinct:,} ids in {count:,} rows"
        return ""
    if given.dtype == pl.String and is_named and distinct > count / 2:
        return f"names things, it does not describe them: {distinct:,} ids in {count:,} rows"
    return ""
