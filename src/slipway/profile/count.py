"""Tables in, a reference profile or a window's counts out; counts of two windows add up to those of both."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from slipway.errors import BundleError, DataError, near_miss
from slipway.profile.clocks import clocks_among
from slipway.profile.columns import (
    Column,
    NumberColumn,
    NumberCounts,
    TextColumn,
    TextCounts,
    describe,
    describe_classes,
)
from slipway.records import Label

FORMAT = 2
READABLE = (1, FORMAT)
"""Formats that are read; the first knows nothing of unreadable values."""

ColumnCounts = NumberCounts | TextCounts


@dataclass(frozen=True, slots=True)
class Counts:
    """A window, counted over a profile's cells. Two of the same profile add up."""

    rows: int
    """Rows that reached the model."""
    columns: Mapping[str, ColumnCounts]
    prediction: ColumnCounts
    raw_rows: int
    missing: Mapping[str, int]
    """Nulls of each column of the raw rows."""
    unreadable: Mapping[str, int] = field(default_factory=dict)
    """Values of each column that were in the raw rows and are null for the model."""

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.rows + other.rows,
            {name: _add(counts, other.columns[name]) for name, counts in self.columns.items()},
            _add(self.prediction, other.prediction),
            self.raw_rows + other.raw_rows,
            {name: nulls + other.missing[name] for name, nulls in self.missing.items()},
            {name: n + other.unreadable[name] for name, n in self.unreadable.items() if name in other.unreadable},
        )


@dataclass(frozen=True, slots=True)
class Profile:
    """What a version learnt from, as the cells and counts that a window is compared with."""

    kind: str
    """classification or regression: how predictions are compared."""
    rows: int
    columns: Mapping[str, Column]
    """What the online stages gave the model."""
    prediction: Column
    raw_rows: int
    missing: Mapping[str, int]
    """Nulls of each column of the raw rows."""
    unreadable: Mapping[str, int] | None = None
    """Values of each column that were in the raw rows and are null for the model; None where nobody counted."""

    def count(self, features: pl.DataFrame, predictions: Sequence[Label | None], raw: pl.DataFrame) -> Counts:
        """Count a window over this profile's cells.

        Args:
            features: what the online stages gave the model.
            predictions: its answers; None, where a row could not be answered, is left out.
            raw: the rows as they came.

        Raises:
            DataError: a column of the profile is not there.
        """
        _check(self.columns, features.columns, "features")
        _check(self.missing, raw.columns, "raw rows")
        return Counts(
            rows=features.height,
            columns={name: column.count(features[name]) for name, column in self.columns.items()},
            prediction=self.prediction.count(_labels(predictions, self.kind)),
            raw_rows=raw.height,
            missing={name: count_missing(raw[name]) for name in self.missing},
            unreadable=_unreadable({} if self.unreadable is None else self.unreadable, features, raw),
        )

    def to_json(self) -> dict[str, Any]:
        """JSON values; numbers are finite and come back as they were."""
        return {
            "format": FORMAT,
            "kind": self.kind,
            "rows": self.rows,
            "columns": {name: _column_json(column) for name, column in self.columns.items()},
            "prediction": _column_json(self.prediction),
            "raw_rows": self.raw_rows,
            "missing": dict(self.missing),
            "unreadable": None if self.unreadable is None else dict(self.unreadable),
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Profile":
        """The profile that `to_json` gave.

        Raises:
            BundleError: it was written by a newer version.
        """
        if values.get("format") not in READABLE:
            raise BundleError(
                f"the profile has format {values.get('format')!r}, this Slipway reads up to {FORMAT}: "
                "update Slipway, or train again."
            )
        return cls(
            values["kind"],
            values["rows"],
            {name: _column(column) for name, column in values["columns"].items()},
            _column(values["prediction"]),
            values["raw_rows"],
            dict(values["missing"]),
            values.get("unreadable"),
        )


def build_profile(
    features: pl.DataFrame,
    predictions: Sequence[Label | None],
    raw: pl.DataFrame,
    *,
    kind: str,
    clocks: Iterable[str] = (),
    keeps_sample: bool = False,
) -> Profile:
    """Count a reference.

    Args:
        features: what the online stages gave the model to learn from, without the target.
        predictions: its answers on rows like those; not necessarily as many.
        raw: the rows as they came in, without the target.
        kind: classification or regression.
        clocks: columns that move with time, beside dates and what is computed from them.
        keeps_sample: numbers are kept themselves too, for bins that are found when there is a window.

    Raises:
        DataError: there are no rows.
    """
    if features.height == 0:
        raise DataError("a reference profile needs rows, and the training table has none.")
    named = clocks_among(features, raw) | frozenset(clocks)
    labels = _labels(predictions, kind)
    return Profile(
        kind=kind,
        rows=features.height,
        columns={
            name: describe(features[name], is_clock=name in named, keeps_sample=keeps_sample)
            for name in features.columns
        },
        prediction=describe(labels) if kind == "regression" else describe_classes(labels),
        raw_rows=raw.height,
        missing={name: count_missing(raw[name]) for name in raw.columns},
        unreadable=_unreadable(raw.columns, features, raw) if features.height == raw.height else None,
    )


def count_missing(series: pl.Series) -> int:
    """Nulls of a column; NaN is one."""
    nulls = series.null_count()
    return nulls + int(series.is_nan().sum()) if series.dtype.is_float() else nulls


def _unreadable(names: Iterable[str], features: pl.DataFrame, raw: pl.DataFrame) -> dict[str, int]:
    """How many values of each column that both tables have are null in the features alone."""
    if features.height != raw.height:
        return {}
    both = [name for name in names if name in features.columns and name in raw.columns]
    return {name: _lost(raw[name], features[name]) for name in both}


def _lost(before: pl.Series, after: pl.Series) -> int:
    if not count_missing(after):
        return 0
    return int((_is_there(before) & ~_is_there(after)).sum())


def _is_there(series: pl.Series) -> pl.Series:
    return series.is_not_null() & series.is_not_nan() if series.dtype.is_float() else series.is_not_null()


def _labels(predictions: Sequence[Label | None], kind: str) -> pl.Series:
    if kind == "regression":
        values = [None if label is None else float(label) for label in predictions]
        return pl.Series("prediction", values, dtype=pl.Float64)
    return pl.Series("prediction", [str(label) for label in predictions if label is not None], dtype=pl.String)


def _check(expected: Iterable[str], found: list[str], what: str) -> None:
    absent = [name for name in expected if name not in found]
    if absent:
        raise DataError(
            f"the window's {what} have no column `{absent[0]}`, which the reference profile has."
            f"{near_miss(absent[0], found)}"
        )


def _add(left: ColumnCounts, right: ColumnCounts) -> ColumnCounts:
    if isinstance(left, NumberCounts) and isinstance(right, NumberCounts):
        return left + right
    if isinstance(left, TextCounts) and isinstance(right, TextCounts):
        return left + right
    raise ValueError("counts of different profiles don't add up")


def _column_json(column: Column) -> dict[str, Any]:
    if isinstance(column, TextColumn):
        return {
            "type": column.type,
            "flag": column.flag,
            "categories": dict(column.categories),
            "spectrum": {str(times): many for times, many in column.spectrum.items()},
            "nulls": column.nulls,
        }
    counts = column.counts
    return {
        "type": column.type,
        "flag": column.flag,
        "edges": column.edges.tolist(),
        "bounds": list(column.bounds),
        "values": list(column.values),
        "centre": column.centre,
        "cells": counts.cells.tolist(),
        "nulls": counts.nulls,
        "n": counts.n,
        "total": counts.total,
        "squares": counts.squares,
        "sample": None if counts.sample is None else counts.sample.tolist(),
    }


def _column(values: Mapping[str, Any]) -> Column:
    if "categories" in values:
        spectrum = {int(times): many for times, many in values["spectrum"].items()}
        return TextColumn(values["type"], values["flag"], dict(values["categories"]), spectrum, values["nulls"])
    counts = NumberCounts(
        np.array(values["cells"], dtype=np.int64),
        values["nulls"],
        values["n"],
        values["total"],
        values["squares"],
        None if values.get("sample") is None else np.array(values["sample"], dtype=np.float64),
    )
    return NumberColumn(
        values["type"],
        values["flag"],
        np.array(values["edges"], dtype=np.float64),
        tuple(values["bounds"]),
        tuple(values["values"]),
        values["centre"],
        counts,
    )
