"""The features and the raw rows that they were computed from, in; the features that move with time by nature, out."""

from collections.abc import Iterator

import numpy as np
import polars as pl

FORMATS = ("%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S")
MONTHS = r"^\d{4}[-/.]\d{1,2}$"
READ = 0.99  # the share of a column's texts that have to be dates
FIRST = 100  # values that tell a text from a date, before all are read
LOOKED_AT = 5_000  # rows, evenly spaced; what is no part of a date there is none anywhere


def clocks_among(features: pl.DataFrame, raw: pl.DataFrame) -> frozenset[str]:
    """Columns of numbers that follow from a date of their own row: a part of it, or something that rises with it.

    Found by their values, not their names: the year in which a house was built is no clock, the month of its
    advertisement is one whatever it is called. Empty where the two tables are not of the same rows.
    """
    if features.height != raw.height or not features.height:
        return frozenset()
    step = max(1, features.height // LOOKED_AT)
    dates = [found for name in raw.columns if (found := dates_of(raw[name].gather_every(step))) is not None]
    if not dates:
        return frozenset()
    numbers = [name for name, dtype in features.schema.items() if dtype.is_numeric()]
    return frozenset(
        name for name in numbers if any(_follows(features[name].gather_every(step), date) for date in dates)
    )


def dates_of(column: pl.Series) -> pl.Series | None:
    """A column of dates, or of texts that nearly all read as dates, as moments; None for any other."""
    if column.null_count() == len(column):
        return None
    if isinstance(column.dtype, pl.Datetime) and column.dtype.time_zone is not None:
        column = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    if isinstance(column.dtype, pl.Date | pl.Datetime):
        return column.cast(pl.Datetime("us"))
    if column.dtype != pl.String or _read(column.drop_nulls().head(FIRST)) is None:
        return None
    return _read(column)


def _read(column: pl.Series) -> pl.Series | None:
    texts = column.str.strip_chars()
    present = len(texts) - texts.null_count()
    if texts.str.contains(MONTHS).sum() >= READ * present:
        texts = texts.str.replace_all(r"[/.]", "-") + "-01"
    for form in FORMATS:
        read = texts.str.to_datetime(form, strict=False, time_unit="us")
        if len(read) - read.null_count() >= READ * present:
            return read
    return None


def _follows(column: pl.Series, date: pl.Series) -> bool:
    both = pl.DataFrame({"x": column.cast(pl.Float64), "at": date}).filter(
        pl.col("x").is_finite() & pl.col("at").is_not_null()
    )
    if both.height < len(column) / 2 or both["x"].n_unique() < 2 or both["at"].n_unique() < 3:
        return False
    values = both["x"].to_numpy()
    return any(np.ptp(values - part) < 1e-6 for part in _parts(both["at"])) or _rises(both)


def _parts(at: pl.Series) -> Iterator["np.ndarray[tuple[int, ...], np.dtype[np.float64]]"]:
    # Counted from 0 or 1, from Sunday or Monday: an offset makes no difference.
    parts = (at.dt.year(), at.dt.quarter(), at.dt.month(), at.dt.week(), at.dt.day(), at.dt.weekday(),
             at.dt.ordinal_day(), at.dt.hour())  # fmt: skip
    for part in parts:
        yield part.cast(pl.Float64).to_numpy()
    yield (at.dt.weekday() % 7).cast(pl.Float64).to_numpy()


def _rises(both: pl.DataFrame) -> bool:
    """Whether no later row has a lower value: days since, years with a fraction, a running number of months."""
    runs = both.group_by("at").agg(pl.col("x").min().alias("low"), pl.col("x").max().alias("high")).sort("at")
    low, high = runs["low"].to_numpy(), runs["high"].to_numpy()
    return bool(np.all(low[1:] >= high[:-1]) or np.all(high[1:] <= low[:-1]))
