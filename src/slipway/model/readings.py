"""Values of a request that an online stage loses: there before, null after, since the stage can't read them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from slipway.tables.column_types import NOTHING

if TYPE_CHECKING:
    import polars as pl

Made = tuple[int, str]
"""A column that the stage of this place makes, by its name."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What the online stages make of one column of a request."""

    makes: tuple[Made, ...]
    """The columns that are null where this one is, or where it holds what can't be read."""
    lost: int
    """Rows of the training table in which a value of it was lost."""


@dataclass(frozen=True)
class Readings:
    """What is recorded of every column of a request that online stages read.

    A bundle of an older format has none, and nothing is said of lost values.
    """

    columns: Mapping[str, Reading] = field(default_factory=dict)
    stages: tuple[str, ...] = ()
    """The names of the stages, in order."""
    rows: int = 0
    """Of the training table."""

    @cached_property
    def lossy(self) -> frozenset[str]:
        """The columns of which training had values that were lost, so that such a value is scored and named."""
        return frozenset(name for name, reading in self.columns.items() if reading.lost)

    @cached_property
    def sources(self) -> "tuple[Sources, ...]":
        """For each stage the columns that it makes, with those of a request that they are read from."""
        found: list[dict[str, tuple[str, ...]]] = [{} for _ in self.stages]
        for name, reading in self.columns.items():
            for place, made in reading.makes:
                found[place][made] = (*found[place].get(made, ()), name)
        return tuple(found)

    def expected(self, name: str) -> str:
        """What a request has to give in a column, in words."""
        stage = self.stages[min(place for place, _ in self.columns[name].makes)]
        return f"a value that the online stage `{stage}` can read"

    def only(self, names: Sequence[str]) -> "Readings":
        """The same of some of the columns."""
        return Readings({name: self.columns[name] for name in names}, self.stages)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Readings":
        columns = {
            name: Reading(tuple((place, made) for place, made in each["makes"]), each["lost"])
            for name, each in values["columns"].items()
        }
        return cls(columns, tuple(values["stages"]), values["rows"])


Lost = Mapping[int, tuple[str, ...]]
"""By row: the columns whose values were lost."""
Run = Callable[["pl.DataFrame"], "Sequence[pl.DataFrame]"]
"""Gives what each online stage makes of a table, in order."""
Known = Callable[[], "pl.DataFrame"]
Sources = Mapping[str, tuple[str, ...]]
"""The columns that a stage makes, with those of a request that each is read from."""


def lost_values(
    readings: Readings, raw: "pl.DataFrame", made: "Sequence[pl.DataFrame]", run: Run, known: Known
) -> Lost:
    """Find the rows in which a value was lost, and the columns that are to blame.

    Args:
        raw: the rows as they came.
        made: what each stage made of them.
        run: the stages, to ask which of several columns is to blame.
        known: gives rows as training had them, whose values stand in for those that are suspected.
    """
    nulls = _nulls_of_one if raw.height == 1 else _nulls
    found: dict[int, dict[str, None]] = {}
    shared: dict[tuple[str, ...], dict[int, None]] = {}
    for sources, table in zip(readings.sources, made, strict=True):
        for several, rows in nulls(raw, table, sources):
            for row in rows:
                if len(several) == 1:
                    found.setdefault(row, {})[several[0]] = None
                else:
                    shared.setdefault(several, {})[row] = None
    for several, suspected in shared.items():
        doubtful = [row for row in suspected if not set(several) & found.get(row, {}).keys()]
        for row, blamed in _blamed(readings.only(several), raw, doubtful, run, known).items():
            found.setdefault(row, {}).update(dict.fromkeys(blamed))
    return {row: tuple(names) for row, names in sorted(found.items())}


def _is_there(value: Any) -> bool:
    """Whether a request's value says something; "?" and the like, which a file's reader takes for nothing, do not."""
    return value is not None and not (isinstance(value, str) and value.strip() in NOTHING)


def _are_there(values: "pl.Series") -> "pl.Series":
    import polars as pl

    if values.dtype != pl.String:
        return values.is_not_null()
    return values.is_not_null() & ~values.str.strip_chars().is_in(NOTHING)


def _nulls_of_one(
    raw: "pl.DataFrame", table: "pl.DataFrame", sources: Sources
) -> Iterator[tuple[tuple[str, ...], Sequence[int]]]:
    """The same as `_nulls` of a table of one row, which is most of what is asked: a look at its values."""
    values, given = dict(zip(table.columns, table.row(0), strict=True)), None
    for name, several in sources.items():
        value = values.get(name, 0)
        if value is not None and value == value:
            continue
        given = given or dict(zip(raw.columns, raw.row(0), strict=True))
        if all(_is_there(given.get(source)) for source in several):
            yield several, (0,)


def _nulls(
    raw: "pl.DataFrame", table: "pl.DataFrame", sources: Sources
) -> Iterator[tuple[tuple[str, ...], Sequence[int]]]:
    """For what each column is read from, the rows in which it is null though all of that is there."""
    for name, several in sources.items():
        if name not in table.columns or not all(source in raw.columns for source in several):
            continue
        is_lost = _are_null(table[name])
        if is_lost is None:
            continue
        for source in several:
            is_lost = is_lost & _are_there(raw[source]).to_numpy()
        yield several, np.flatnonzero(is_lost).tolist()


def _are_null(made: "pl.Series") -> "np.ndarray[Any, np.dtype[np.bool_]] | None":
    """Say of each value whether it is null or NaN; None where none is, which costs every request a few microseconds."""
    if made.dtype.is_float():
        is_null = np.isnan(made.to_numpy())  # a null among floats is NaN there
        return is_null if is_null.any() else None
    return made.is_null().to_numpy() if made.null_count() else None


def _blamed(
    readings: Readings, raw: "pl.DataFrame", rows: Sequence[int], run: Run, known: Known
) -> dict[int, tuple[str, ...]]:
    """Which of several columns is to blame in each row: the one with another value of which nothing is lost.

    All of them, where that is true of none.
    """
    import polars as pl

    if not rows:
        return {}
    found: dict[int, list[str]] = {row: [] for row in rows}
    asked, examples = raw[list(rows)], known()
    sound = _tried(run, examples) or ()
    for source, reading in readings.columns.items():
        value = _sound(examples[source], reading, sound)
        if value is None:
            continue
        changed = asked.with_columns(pl.Series(source, [value] * asked.height, dtype=raw.schema[source]))
        made = _tried(run, changed)
        if made is None:
            continue
        still = {
            place
            for sources, table in zip(readings.sources, made, strict=True)
            for several, places in _nulls(changed, table, sources)
            for place in places
            if len(several) > 1
        }
        for place, row in enumerate(rows):
            if place not in still:
                found[row].append(source)
    return {row: tuple(names) or tuple(readings.columns) for row, names in found.items()}


def _sound(values: "pl.Series", reading: Reading, made: "Sequence[pl.DataFrame]") -> Any:
    """A value of a column of which nothing was lost; None where there is none."""
    import polars as pl

    is_sound = values.is_not_null()
    for stage, table in enumerate(made):
        for name in [name for place, name in reading.makes if place == stage and name in table.columns]:
            is_null = _are_null(table[name])
            if is_null is not None:
                is_sound = is_sound & pl.Series(~is_null)
    return next(iter(values.filter(is_sound)), None)


def _tried(run: Run, rows: "pl.DataFrame") -> "Sequence[pl.DataFrame] | None":
    try:
        return run(rows)
    except Exception:  # whatever a user's stage raises of such rows: the value is no better
        return None
