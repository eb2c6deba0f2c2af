"""Values of a request that an online stage loses: there before, null after, since the stage can't read them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

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

    @cached_property
    def lossy(self) -> frozenset[str]:
        """The columns of which training had values that were lost, so that such a value is scored and named."""
        return frozenset(name for name, reading in self.columns.items() if reading.lost)

    @cached_property
    def sources(self) -> tuple[Mapping[str, tuple[str, ...]], ...]:
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
        return cls(columns, tuple(values["stages"]))


Lost = Mapping[int, tuple[str, ...]]
"""By row: the columns whose values were lost."""
Run = Callable[["pl.DataFrame"], "Sequence[pl.DataFrame]"]
"""Gives what each online stage makes of a table, in order."""
Known = Callable[[], "pl.DataFrame"]


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
    if raw.height == 1 and not any(map(_has_gap, readings.sources, made)):
        return {}
    found: dict[int, dict[str, None]] = {}
    shared: dict[tuple[str, ...], dict[int, None]] = {}
    for sources, table in zip(readings.sources, made, strict=True):
        for name, several in sources.items():
            for row in _nulls(raw, table, name, several):
                if len(several) == 1:
                    found.setdefault(row, {})[several[0]] = None
                else:
                    shared.setdefault(several, {})[row] = None
    for several, rows in shared.items():
        doubtful = [row for row in rows if not set(several) & found.get(row, {}).keys()]
        for row, blamed in _blamed(readings.only(several), raw, doubtful, run, known).items():
            found.setdefault(row, {}).update(dict.fromkeys(blamed))
    return {row: tuple(names) for row, names in sorted(found.items())}


def _has_gap(sources: Mapping[str, tuple[str, ...]], table: "pl.DataFrame") -> bool:
    """Whether a made column of a table of one row has nothing in it; a shorter way for what is nearly always so."""
    values = dict(zip(table.columns, table.row(0), strict=True))
    return any((value := values.get(name)) is None or value != value for name in sources)


def _nulls(raw: "pl.DataFrame", table: "pl.DataFrame", name: str, sources: Sequence[str]) -> list[int]:
    """The rows in which a made column is null though everything that it is read from is there."""
    if name not in table.columns:
        return []
    made = table[name]
    if made.dtype.is_float():
        made = made.fill_nan(None)
    if not made.null_count():
        return []
    is_lost = made.is_null()
    for source in sources:
        if source not in raw.columns:
            return []
        is_lost = is_lost & raw[source].is_not_null()
    return is_lost.arg_true().to_list()


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
    asked = raw[list(rows)]
    for source in readings.columns:
        sound = known()[source].drop_nulls()
        if not sound.len():
            continue
        changed = asked.with_columns(pl.Series(source, [sound[0]] * asked.height, dtype=raw.schema[source]))
        made = _tried(run, changed)
        if made is None:
            continue
        still = {
            place
            for sources, table in zip(readings.sources, made, strict=True)
            for name, several in sources.items()
            if len(several) > 1
            for place in _nulls(changed, table, name, several)
        }
        for place, row in enumerate(rows):
            if place not in still:
                found[row].append(source)
    return {row: tuple(names) or tuple(readings.columns) for row, names in found.items()}


def _tried(run: Run, rows: "pl.DataFrame") -> "Sequence[pl.DataFrame] | None":
    try:
        return run(rows)
    except Exception:  # whatever a user's stage raises of such rows: the value is no better
        return None
