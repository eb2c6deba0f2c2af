"""A table and a list of changes in, the table drifted by them out: the same for the same seed."""

import math
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from slipway.errors import DataError, ProjectError, near_miss
from slipway.files import Draft
from slipway.tables.files import read_table, write_table

Amounts = Mapping[str, float]
Shares = Mapping[str, tuple[str, float]]
"""A value of the column, and the share of rows that it is to take."""

LABELS = 50  # a whole number with at most so many values is taken as a label
IN_SHARES = ("nulls", "flip")
WITH_VALUE = ("category", "sample")


@dataclass(frozen=True, slots=True)
class Changes:
    """What is to drift, by column."""

    scale: Amounts = field(default_factory=dict)
    """Factor. Whole numbers are rounded."""
    shift: Amounts = field(default_factory=dict)
    """What is added."""
    noise: Amounts = field(default_factory=dict)
    """Standard deviation of what is added, as a share of the column's own."""
    nulls: Amounts = field(default_factory=dict)
    """Share of rows whose value is taken away."""
    category: Shares = field(default_factory=dict)
    """Share of rows whose value becomes the one given."""
    sample: Shares = field(default_factory=dict)
    """Rows are drawn anew, so that the value given makes up this share of them."""
    flip: Amounts = field(default_factory=dict)
    """Share of rows whose label becomes another one; among numbers, whose values change places."""


def simulate_file(file: Path | str, output: Path | str, changes: Mapping[str, Sequence[str]], *, seed: int = 42) -> int:
    """Write the drifted data of a file; the number of rows. See `parse_changes` for how changes are written."""
    drifted = simulate(read_table(file), parse_changes(changes), seed=seed)
    with Draft(Path(output)) as draft:
        write_table(drifted, draft.path)
        draft.commit()
    return drifted.height


def simulate(table: pl.DataFrame, changes: Changes, *, seed: int = 42) -> pl.DataFrame:
    """Drift a table. As many rows, and the same columns with the same types, come out.

    Args:
        seed: each change has its own random numbers, so that one more does not alter the others.

    Raises:
        ProjectError: there is no such column.
        DataError: the column's type does not allow the change.
    """
    every: dict[str, Mapping[str, Any]] = {f.name: getattr(changes, f.name) for f in fields(changes)}
    for columns in every.values():
        for name in columns:
            if name not in table.columns:
                raise ProjectError(f"simulate: there is no column `{name}`.{near_miss(name, table.columns)}")
    for change in (*WITH_VALUE, "flip"):
        for name in every[change]:
            _refuse_nested(table[name], change)
    for name, (value, share) in changes.sample.items():
        table = _sample(table, name, value, share, _random(seed, "sample", name))
    steps: dict[str, Callable[..., pl.Series]] = {
        "scale": _scale,
        "shift": _shift,
        "noise": _noise,
        "category": _category,
        "nulls": _nulls,
        "flip": _flip,
    }
    for change, apply in steps.items():
        for name, amount in every[change].items():
            table = table.with_columns(apply(table[name], amount, _random(seed, change, name)))
    return table


def parse_changes(options: Mapping[str, Sequence[str]]) -> Changes:
    """Read options as a command line has them: {"scale": ["Age=1.1"], "category": ["city=new:0.3"]}.

    Raises:
        ProjectError: an option is not written so, or a share is not from 0 to 1.
    """
    known = [f.name for f in fields(Changes)]
    for option in options:
        if option not in known:
            raise ProjectError(f"simulate: there is no change `{option}`.{near_miss(option, known)}")
    return Changes(**{option: _parsed(option, texts) for option, texts in options.items()})


def _parsed(option: str, texts: Sequence[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for text in texts:
        if option in WITH_VALUE:
            name, equals, rest = text.partition("=")
            value, colon, number = rest.rpartition(":")
            if not (name and equals and value and colon):
                raise ProjectError(f"--{option} {text}: expected COLUMN=VALUE:SHARE, such as city=new:0.3.")
            _put(found, name, (value, _number(option, text, number)), option)
        else:
            name, equals, number = text.rpartition("=")
            if not (name and equals):
                raise ProjectError(f"--{option} {text}: expected COLUMN=NUMBER, such as Age=0.1.")
            _put(found, name, _number(option, text, number), option)
    return found


def _put(found: dict[str, Any], name: str, value: Any, option: str) -> None:
    if name in found:
        raise ProjectError(f"--{option}: `{name}` is given twice. Give each column once.")
    found[name] = value


def _number(option: str, text: str, number: str) -> float:
    is_share = option in IN_SHARES or option in WITH_VALUE
    try:
        value = float(number)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or (is_share and not 0 <= value <= 1) or (option == "noise" and value < 0):
        expected = "a share from 0 to 1" if is_share else "a number" if option != "noise" else "a number, at least 0"
        raise ProjectError(f"--{option} {text}: `{number}` is not {expected}.")
    return value


def _random(seed: int, change: str, name: str) -> np.random.Generator:
    return np.random.default_rng([seed, zlib.crc32(f"{change} {name}".encode())])


def _chosen(rows: int, share: float, random: np.random.Generator) -> NDArray[np.int64]:
    return np.sort(random.permutation(rows)[: round(share * rows)])


def _sample(table: pl.DataFrame, name: str, value: str, share: float, random: np.random.Generator) -> pl.DataFrame:
    column = table[name]
    wanted = (column == _typed(column, value, "sample")).fill_null(False).to_numpy()
    inside, outside = np.flatnonzero(wanted), np.flatnonzero(~wanted)
    many = round(share * table.height)
    if many and not inside.size:
        texts = column.drop_nulls().unique().cast(pl.String).to_list()
        raise DataError(f"simulate: no row has {name} = {value}.{near_miss(value, texts[:1000])}")
    if many < table.height and not outside.size:
        raise DataError(f"simulate: every row has {name} = {value}: there are no others to draw.")
    drawn = [random.choice(inside, many)] if many else []
    if many < table.height:
        drawn.append(random.choice(outside, table.height - many))
    return table[random.permutation(np.concatenate(drawn))] if drawn else table


def _scale(column: pl.Series, factor: float, random: np.random.Generator) -> pl.Series:
    return _as(column, _number_column(column, "scale") * factor)


def _shift(column: pl.Series, amount: float, random: np.random.Generator) -> pl.Series:
    return _as(column, _number_column(column, "shift") + amount)


def _noise(column: pl.Series, amount: float, random: np.random.Generator) -> pl.Series:
    numbers = _number_column(column, "noise")
    deviation: Any = numbers.fill_nan(None).std()
    return _as(column, numbers + pl.Series(random.normal(0.0, amount * float(deviation or 0.0), len(column))))


def _nulls(column: pl.Series, share: float, random: np.random.Generator) -> pl.Series:
    is_taken = np.zeros(len(column), dtype=bool)
    is_taken[_chosen(len(column), share, random)] = True
    if column.dtype == pl.Object:  # Polars can't choose among those
        values = [None if taken else value for taken, value in zip(is_taken, column.to_list(), strict=True)]
        return pl.Series(column.name, values, dtype=pl.Object)
    return pl.select(pl.when(~pl.Series(is_taken)).then(column).alias(column.name)).to_series()


def _category(column: pl.Series, change: tuple[str, float], random: np.random.Generator) -> pl.Series:
    value, share = change
    if isinstance(column.dtype, pl.Enum | pl.Categorical):
        column = column.cast(pl.String)
    return column.scatter(_chosen(len(column), share, random), _typed(column, value, "category"))


def _flip(column: pl.Series, share: float, random: np.random.Generator) -> pl.Series:
    chosen = _chosen(len(column), share, random)
    labels = column.drop_nulls().unique().sort()
    if column.dtype.is_float() or (column.dtype.is_integer() and len(labels) > LABELS):
        return column.scatter(chosen, column[random.permutation(chosen)]) if chosen.size else column
    if len(labels) < 2:
        raise DataError(f"simulate: `{column.name}` has one label alone: there is none to swap it with.")
    # One step or more around the circle of labels: never back to the row's own.
    place = {label: index for index, label in enumerate(labels.to_list())}
    steps = random.integers(1, len(labels), chosen.size).tolist()
    swapped = [
        None if label is None else labels[(place[label] + step) % len(labels)]
        for label, step in zip(column[chosen].to_list(), steps, strict=True)
    ]
    return column.scatter(chosen, pl.Series(column.name, swapped, dtype=column.dtype)) if swapped else column


def _refuse_nested(column: pl.Series, change: str) -> None:
    if column.dtype.is_nested() or column.dtype in (pl.Binary, pl.Object):
        raise DataError(
            f"simulate: --{change} needs a column of single values, and `{column.name}` holds {column.dtype}. "
            "Such a column can be given nulls alone."
        )


def _number_column(column: pl.Series, change: str) -> pl.Series:
    if not column.dtype.is_numeric():
        kind = "text" if column.dtype == pl.String else str(column.dtype)
        raise DataError(
            f"simulate: --{change} needs a column of numbers, and `{column.name}` is {kind}. "
            "For categories there are --category and --sample."
        )
    return column.cast(pl.Float64)


def _as(column: pl.Series, changed: pl.Series) -> pl.Series:
    """The changed numbers in the column's own type, so that the file is read back as the same table."""
    dtype = column.dtype
    if dtype.is_integer():
        lowest, highest = float(column.lower_bound().item()), float(column.upper_bound().item())
        changed = changed.round().clip(lowest, float(np.nextafter(highest, 0)))
    return changed.cast(dtype).alias(column.name)


def _typed(column: pl.Series, value: str, change: str) -> Any:
    """A value given as text, as the column would hold it."""
    if column.dtype == pl.Boolean:
        if value.lower() in ("true", "false"):
            return value.lower() == "true"
    else:
        found = pl.Series([value]).cast(
            pl.String if isinstance(column.dtype, pl.Enum | pl.Categorical) else column.dtype, strict=False
        )
        if found[0] is not None:
            return found[0]
    raise DataError(f"simulate: --{change} {column.name}={value}: the column holds {column.dtype}, not such a value.")
