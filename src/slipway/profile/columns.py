"""One column of a reference → its cells or categories; the same column of a window → counts over them."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from slipway.profile.categories import spectrum_of
from slipway.profile.cells import count_cells
from slipway.profile.drift import Moments
from slipway.profile.joint import thinned

Type = Literal["number", "time", "text", "boolean", "other"]
Flag = Literal["clock", "id"]

FINE = 250  # quantile cells; a multiple of ten, so that deciles are among them
DISTINCT = 20  # a number with at most so many values has a cell for each
TAILS = 7  # cells beyond either end of the reference, each twice as far out as the one before
TOP, MOST = 25, 250  # categories with a cell of their own, at least and at most; the others share one
EXPECTED = 5  # rows of a window from which on a category is worth a cell
KNOWN = 10_000  # categories kept, so that an unseen one is recognised
KNOWN_CHARACTERS = 500_000
FAR = 1e140  # farther than this from the centre counts as this far, so that squares stay finite
UNIQUE_TEXT, UNIQUE_ROWS, UNIQUE_INTEGERS = 0.95, 50, 100

_DATE = re.compile(r"(\d{4}[-/.]\d{1,2}([-/.]\d{1,2}([T ]\d{1,2}:\d{2}.*)?)?|\d{1,2}[-/.]\d{1,2}[-/.]\d{4})")


@dataclass(frozen=True, slots=True)
class NumberCounts:
    """Counts of a column of numbers over the reference's cells. They add up."""

    cells: NDArray[np.int64]
    nulls: int
    n: int
    """Finite values; an infinite one is in an outermost cell, but in no sum."""
    total: float
    """Sum of the differences from the reference's centre."""
    squares: float
    sample: NDArray[np.float64] | None = None
    """The finite values themselves, where the profile was asked to keep them; of a large reference, quantiles."""

    def __add__(self, other: "NumberCounts") -> "NumberCounts":
        kept = None if self.sample is None or other.sample is None else np.append(self.sample, other.sample)
        return NumberCounts(
            self.cells + other.cells,
            self.nulls + other.nulls,
            self.n + other.n,
            self.total + other.total,
            self.squares + other.squares,
            kept,
        )


@dataclass(frozen=True, slots=True)
class TextCounts:
    """Counts of a column of categories, by category. They add up."""

    values: Mapping[str, int]
    nulls: int

    def __add__(self, other: "TextCounts") -> "TextCounts":
        values = dict(self.values)
        for value, times in other.values.items():
            values[value] = values.get(value, 0) + times
        return TextCounts(values, self.nulls + other.nulls)

    @property
    def n(self) -> int:
        return sum(self.values.values())

    def spectrum(self) -> dict[int, int]:
        """How many categories occur so many times."""
        return spectrum_of(np.fromiter(self.values.values(), np.int64, len(self.values)))


@dataclass(frozen=True, slots=True)
class NumberColumn:
    """A column of numbers, or of moments in time as seconds since 1970, as the reference has it."""

    type: Type
    flag: Flag | None
    edges: NDArray[np.float64]
    """Ascending; a value is in the cell whose number is that of the edges not above it."""
    bounds: tuple[int, ...]
    """The edges between which the index of population stability is taken: deciles, or both sides of a value that
    holds several of them."""
    values: tuple[float, ...]
    """Every value of the reference, where they are few."""
    centre: float
    counts: NumberCounts

    def count(self, series: pl.Series) -> NumberCounts:
        """Count a column over this one's cells. What is no number counts as null."""
        numbers = _numbers(series)
        is_finite = np.isfinite(numbers)
        finite = numbers if is_finite.all() else numbers[is_finite]
        with np.errstate(over="ignore"):
            away = finite - self.centre
        np.clip(away, -FAR, FAR, out=away)
        cells = count_cells(numbers, self.edges)
        total, squares = float(away.sum()), float(np.dot(away, away))
        kept = None if self.counts.sample is None else finite
        return NumberCounts(cells, len(series) - numbers.size, finite.size, total, squares, kept)

    def bins(self, counts: NumberCounts) -> NDArray[np.int64]:
        """The counts in the bins of the index of population stability: fewer and wider than the cells."""
        starts = np.array([0, *(bound + 1 for bound in self.bounds)])
        return np.asarray(np.add.reduceat(counts.cells, starts), dtype=np.int64)

    def beyond(self, counts: NumberCounts) -> int:
        """How many values are below the reference's least or above its greatest; it has a value."""
        inside = np.flatnonzero(self.counts.cells)
        return int(counts.cells.sum() - counts.cells[inside[0] : inside[-1] + 1].sum())

    def far_before(self, counts: NumberCounts) -> int:
        """How many values are below the reference's least by more than four times its range, as 1900-01-01 is."""
        first = int(np.flatnonzero(self.counts.cells)[0])
        return int(counts.cells[: first - TAILS + 2].sum()) if first >= TAILS else 0

    def moments(self, counts: NumberCounts) -> Moments:
        """Number, mean and standard deviation (ddof 0) of the finite values counted."""
        if counts.n == 0:
            return Moments(0, 0.0, 0.0)
        away = counts.total / counts.n
        return Moments(counts.n, self.centre + away, math.sqrt(max(counts.squares / counts.n - away * away, 0.0)))


@dataclass(frozen=True, slots=True)
class TextColumn:
    """A column of categories, as the reference has it."""

    type: Type
    flag: Flag | None
    categories: Mapping[str, int]
    """Categories and their counts, the most frequent first; of a column with very many, not all of them."""
    spectrum: Mapping[int, int] = field(default_factory=dict)
    """Of all categories, kept or not."""
    nulls: int = 0

    @property
    def n(self) -> int:
        return sum(times * many for times, many in self.spectrum.items())

    @property
    def distinct(self) -> int:
        return sum(self.spectrum.values())

    @property
    def is_whole(self) -> bool:
        """Whether every category is kept, so that an unseen one can be told."""
        return len(self.categories) == self.distinct

    @property
    def top(self) -> tuple[str, ...]:
        """The most frequent categories, which always have a cell of their own."""
        return tuple(list(self.categories)[:TOP])

    def cells_for(self, rows: int) -> int:
        """How many categories have a cell of their own where the window has so many rows.

        More than the fewest where both sides can tell: a rare category that becomes a common one is lost among the
        others otherwise.
        """
        least = EXPECTED * max(1.0, self.n / max(rows, 1))
        worth = 0
        for times in self.categories.values():
            if times < least or worth == MOST:
                break
            worth += 1
        return max(worth, TOP)

    def selection(self, cells: int) -> float:
        """How much more than chance the counts of the most frequent are off, since it is by them that they are that.

        The k greatest of d normal variables have squares of 1 + 2 ln(d/k) on average at most.
        """
        return 1 + 2 * math.log(max(self.distinct / cells, 1.0))

    def count(self, series: pl.Series) -> TextCounts:
        """Count the categories of a column; of one that looks like ids or is nested, only nulls."""
        texts = _texts(series) if self.type != "other" else series
        nulls = texts.null_count()
        if self.flag == "id" or self.type == "other":
            return TextCounts({}, nulls)
        return TextCounts(_frequencies(texts), nulls)

    def bins(self, values: Mapping[str, int], cells: int = TOP) -> NDArray[np.int64]:
        """Counts of the most frequent categories, then of all the rest, unseen ones among them."""
        top = [values.get(category, 0) for category in islice(self.categories, cells)]
        return np.array([*top, sum(values.values()) - sum(top)], dtype=np.int64)

    def reference_bins(self, cells: int = TOP) -> NDArray[np.int64]:
        """The reference's own counts in the same bins."""
        top = list(islice(self.categories.values(), cells))
        return np.array([*top, self.n - sum(top)], dtype=np.int64)


Column = NumberColumn | TextColumn


def describe(series: pl.Series, *, is_clock: bool = False, keeps_sample: bool = False) -> Column:
    """What the reference has in one column.

    Args:
        is_clock: the project says that the column moves with time. Dates, and texts that read as dates, are clocks
            without that.
        keeps_sample: numbers are kept themselves too, for bins that are found when there is a window.
    """
    kind = _type(series.dtype)
    if kind in ("number", "time"):
        return _describe_numbers(series, kind, is_clock, keeps_sample)
    if kind == "other":
        return TextColumn("other", None, {}, nulls=series.null_count())
    return _describe_texts(_texts(series), kind, is_clock)


def describe_classes(labels: pl.Series) -> TextColumn:
    """What the reference has in a column of class labels, which are neither clocks nor ids, however they look."""
    return _keep(_frequencies(labels), labels.null_count(), "text", None)


def _describe_texts(texts: pl.Series, kind: Type, is_clock: bool) -> TextColumn:
    found, nulls = _frequencies(texts), texts.null_count()
    n = sum(found.values())
    if is_clock or _is_date(found, n):
        return _keep(found, nulls, kind, "clock")
    is_id = kind == "text" and n >= UNIQUE_ROWS and len(found) >= UNIQUE_TEXT * n
    return _keep(found, nulls, kind, "id" if is_id else None)


def _keep(found: Mapping[str, int], nulls: int, kind: Type, flag: Flag | None) -> TextColumn:
    spectrum = spectrum_of(np.fromiter(found.values(), np.int64, len(found)))
    kept: dict[str, int] = {}
    characters = 0
    for value, times in sorted(found.items(), key=lambda item: (-item[1], item[0])):
        characters += len(value)
        if flag == "id" or len(kept) == KNOWN or characters > KNOWN_CHARACTERS:
            break
        kept[value] = times
    return TextColumn(kind, flag, kept, spectrum, nulls)


def _describe_numbers(series: pl.Series, kind: Type, is_clock: bool, keeps_sample: bool) -> NumberColumn:
    numbers = np.sort(_numbers(series))
    numbers = numbers[np.isfinite(numbers)]
    with np.errstate(over="ignore"):  # an edge that overflows is left out
        edges, bounds, values = _cells(numbers)
    centre = float(numbers[numbers.size // 2]) if numbers.size else 0.0
    flag: Flag | None = "clock" if is_clock or kind == "time" else None
    if (
        flag is None
        and series.dtype.is_integer()
        and numbers.size >= UNIQUE_INTEGERS
        and bool(np.all(np.diff(numbers)))
    ):
        flag = "id"
    bare = NumberColumn(kind, flag, edges, bounds, values, centre, NumberCounts(np.zeros(0, np.int64), 0, 0, 0.0, 0.0))
    counts = bare.count(series)
    if keeps_sample:
        counts = replace(counts, sample=thinned(numbers))
    return NumberColumn(kind, flag, edges, bounds, values, centre, counts)


def _cells(ordered: NDArray[np.float64]) -> tuple[NDArray[np.float64], tuple[int, ...], tuple[float, ...]]:
    """Edges of the fine cells, positions of those that bound a bin, and the values where they are few."""
    if ordered.size == 0:
        return np.zeros(0), (), ()
    distinct = np.unique(ordered)
    if distinct.size <= DISTINCT:
        values = tuple(distinct.tolist())
        marks = bounds = _around(distinct)
    else:
        values = ()
        fine = np.quantile(ordered, np.linspace(0, 1, FINE + 1), method="inverted_cdf")
        deciles, times = np.unique(fine[FINE // 10 : -1 : FINE // 10], return_counts=True)
        # A value that holds several deciles is a bin by itself: what leaves it must not hide beside it.
        bounds = np.union1d(deciles, _around(deciles[times > 1]))
        marks = np.union1d(bounds, np.append(fine[:-1], np.nextafter(fine[-1], np.inf)))
    low, high = np.quantile(ordered, [0.01, 0.99], method="inverted_cdf").tolist()
    span = high - low or float(ordered[-1]) - float(ordered[0]) or abs(low) or 1.0
    steps = span / 8 * 2.0 ** np.arange(TAILS)
    inner = np.concatenate((low - steps, high + steps))  # a few far values leave the last quantile cells very wide
    inner = inner[(inner > ordered[0]) & (inner < ordered[-1])]
    edges = np.unique(np.concatenate((ordered[0] - steps, inner, marks, marks[-1] + steps)))
    edges, bounds = edges[np.isfinite(edges)], bounds[np.isfinite(bounds)]
    return edges, tuple(np.searchsorted(edges, bounds).tolist()), values


def _around(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.union1d(values, np.nextafter(values, np.inf))


def _type(dtype: pl.DataType) -> Type:
    if dtype.is_numeric():
        return "number"
    if dtype.is_temporal():
        return "time"
    if dtype == pl.Boolean:
        return "boolean"
    return "text" if dtype in (pl.String, pl.Categorical, pl.Enum, pl.Null) else "other"


def _numbers(series: pl.Series) -> NDArray[np.float64]:
    """The values that are numbers, infinite ones among them; times as seconds."""
    dtype = series.dtype
    if dtype.is_nested() or dtype == pl.Binary or dtype == pl.Object:
        return np.zeros(0)
    if dtype == pl.Date:
        series = series.cast(pl.Float64) * 86_400
    elif dtype == pl.Time:
        series = series.cast(pl.Int64).cast(pl.Float64) / 1e9
    elif isinstance(dtype, pl.Duration):
        series = series.dt.total_microseconds().cast(pl.Float64) / 1e6
    elif isinstance(dtype, pl.Datetime):
        series = series.dt.timestamp("us").cast(pl.Float64) / 1e6
    elif dtype in (pl.Categorical, pl.Enum):
        series = series.cast(pl.String)
    numbers: Any = series.cast(pl.Float64, strict=False).drop_nulls().to_numpy()
    is_nan = np.isnan(numbers)
    return np.asarray(numbers[~is_nan] if is_nan.any() else numbers, dtype=np.float64)


def _texts(series: pl.Series) -> pl.Series:
    if series.dtype == pl.String:
        return series
    if series.dtype.is_nested() or series.dtype == pl.Object:
        return pl.Series(series.name, [None] * len(series), dtype=pl.String)
    return series.cast(pl.String, strict=False)


def _frequencies(texts: pl.Series) -> dict[str, int]:
    table = texts.drop_nulls().alias("value").value_counts(name="times")
    return dict(zip(table["value"].to_list(), table["times"].to_list(), strict=True))


def _is_date(found: Mapping[str, int], n: int) -> bool:
    if n == 0:
        return False
    return sum(times for value, times in found.items() if _DATE.fullmatch(value.strip())) >= 0.99 * n
