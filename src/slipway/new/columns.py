"""A table and its target in; what becomes of each column out, and why."""

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from slipway.errors import ProjectError
from slipway.new.leaks import suspects
from slipway.new.target import Target, judge_target

if TYPE_CHECKING:
    import polars as pl

Use = Literal["category", "number", "quantity", "date", "left out"]

_SPLIT_VALUES = {"train", "training", "test", "testing", "val", "valid", "validation", "dev", "holdout", "eval"}
_SPLIT_NAME = re.compile(r"^(cv_?)?(split|fold|partition|subset)(_?\d+)?$", re.IGNORECASE)
_ID_NAME = re.compile(r"(^|[_\s\-.])(?i:id|key|uuid|guid|index|idx|rownum)$|[a-z](Id|ID)$|^(?i:unnamed)")

NUMBER = r"-?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:[eE][+-]?\d+)?"
"""A number inside a text; a comma stands before three digits each time, or it is no number of ours."""
_QUANTITY = rf"^\s*([^\d\-\p{{L}}_]*)({NUMBER})(?:\s*$|\s*([^\d\s.,][^\s]*(?: [^\d\s]+)*)\s*$)"
_PADDED = r"^\s*[^\d\p{L}]*0\d"
_DATE = r"^\d{4}-(0[1-9]|1[0-2])(-\d{2}([T ]\d{2}:\d{2}.*)?)?$"
_CLOCK = "as days since 1970; a clock, so monitoring shows it and never alarms"


@dataclass(frozen=True, slots=True)
class Column:
    """What becomes of one column."""

    name: str
    use: Use
    why: str
    """For a column left out the reason; for the others how it is read, or nothing."""
    unit: str = ""
    """What stands around the number of a quantity, such as " m2" after it."""
    example: str = ""
    """A value of a quantity, for the comment beside its cleaning."""
    is_suspect: bool = False
    """It may give the target away, but is kept."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What is predicted, and from what."""

    target: Target
    rows: int
    columns: tuple[Column, ...]
    """All but the target, in the table's order."""

    @property
    def kept(self) -> tuple[Column, ...]:
        return tuple(column for column in self.columns if column.use != "left out")

    @property
    def left_out(self) -> tuple[Column, ...]:
        return tuple(column for column in self.columns if column.use == "left out")

    def of(self, *uses: Use) -> tuple[Column, ...]:
        """The columns that are used in one of these ways."""
        return tuple(column for column in self.columns if column.use in uses)


def judge(table: "pl.DataFrame", target: str | None) -> Judged:
    """Decide for each column of a table whether a model may learn from it, and how it is read.

    Left out are ids, columns without content, marks of a split, free text, and what gives the target away.

    Raises:
        ProjectError: the target can't be learnt, or no column is left to learn from.
    """
    goal = judge_target(table, target)
    known = table.drop_nulls(goal.name)
    columns = [_judge_column(known[name]) for name in table.columns if name != goal.name]
    kept = [column.name for column in columns if column.use != "left out"]
    verdicts = suspects(known.select(*kept, goal.name), goal)
    for place, column in enumerate(columns):
        if column.name in verdicts:
            verdict = verdicts[column.name]
            columns[place] = (
                Column(column.name, "left out", verdict.why)
                if verdict.is_sure
                else replace(column, why="; ".join(filter(None, [column.why, verdict.why])), is_suspect=True)
            )
    judged = Judged(goal, known.height, tuple(columns))
    if not judged.kept:
        reasons = "; ".join(f"`{column.name}` {column.why}" for column in judged.left_out) or "there is no other column"
        raise ProjectError(f"No column is left to predict `{goal.name}` from: {reasons}.")
    return judged


def _judge_column(values: "pl.Series") -> Column:
    import polars as pl

    given = values.drop_nulls()
    distinct = given.n_unique()
    reason = _empty(values, given, distinct) or _mark(given, distinct) or _identity(given, distinct)
    if reason:
        return Column(values.name, "left out", reason)
    dtype = values.dtype
    if dtype.is_numeric() or dtype == pl.Boolean:
        return Column(values.name, "number", "")
    if dtype == pl.Date or dtype == pl.Datetime:
        return Column(values.name, "date", _CLOCK)
    if dtype in (pl.String, pl.Categorical, pl.Enum):
        return _judge_text(given.cast(pl.String), distinct)
    return Column(values.name, "left out", f"is of type {dtype}, which a request can't carry")


def _judge_text(given: "pl.Series", distinct: int) -> Column:
    name = given.name
    if given.str.contains(_DATE).all():
        return Column(name, "date", _CLOCK)
    quantity = _quantity(given, distinct)
    if quantity:
        return quantity
    if distinct > max(20, given.len() // 2):
        words = given.str.count_matches(r"\S+").mean()
        if isinstance(words, float) and words >= 4:
            return Column(name, "left out", f"is free text: {distinct:,} different texts of {words:.0f} words or so")
        return Column(name, "left out", f"is nearly always another text: {distinct:,} in {given.len():,} rows")
    return Column(name, "category", f"{distinct:,} values" if distinct > 50 else "")


def _quantity(given: "pl.Series", distinct: int) -> Column | None:
    """Numbers with one unit, or text only because some values, such as "n/a", are no numbers."""
    parts = given.str.extract_groups(_QUANTITY).struct.unnest()
    units = (parts["1"].fill_null("") + "#" + parts["3"].fill_null("")).set(parts["2"].is_null(), None)
    if distinct < 10 or units.null_count() == units.len() or given.str.contains(_PADDED).any():
        return None
    unit = units.drop_nulls().mode().sort()[0]
    is_number = (units == unit).fill_null(False)
    share = is_number.sum() / is_number.len()
    if share < 0.5 or (share < 0.9 and given.filter(~is_number).n_unique() > 10):
        return None
    numbers = given.filter(is_number)
    example = next(iter(numbers.filter(numbers.str.contains(",", literal=True)).head(1)), numbers[0]).strip()
    others = given.filter(~is_number).unique().sort().head(3).to_list()
    note = f"; what is none, such as {_listed(others)}, as null" if others else ""
    return Column(
        given.name, "quantity", f'as a number: "{example}"{note}', unit=unit.replace("#", ""), example=example
    )


def _listed(values: list[str]) -> str:
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
    if given.dtype.is_integer():
        low, high = given.min(), given.max()
        if distinct == count and (is_named or (count >= 20 and high - low == count - 1)):  # type: ignore[operator]
            return "is another number in each row: an id"
        if is_named and distinct > count / 2:
            return f"names things, it does not describe them: {distinct:,} ids in {count:,} rows"
        return ""
    if given.dtype == pl.String and ((distinct == count and is_named) or (is_named and distinct > count / 2)):
        return f"names things, it does not describe them: {distinct:,} ids in {count:,} rows"
    return ""
