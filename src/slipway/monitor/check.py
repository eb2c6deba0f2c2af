"""A window and the profile of what the live version learnt from, in; a `DriftReport` with its decision, out."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import polars as pl

from slipway.monitor.overlay import Overlay, category_overlay, number_overlay
from slipway.profile.columns import Column, Flag, NumberColumn, NumberCounts, TextColumn, TextCounts
from slipway.profile.count import ColumnCounts, Counts, Profile
from slipway.profile.drift import Counts as Bins
from slipway.profile.drift import Measure, Psi, cardinality_ratio, mean_shift, psi, total_variation
from slipway.project import Monitor
from slipway.records import Label

Verdict = Literal["none", "alarm", "retrain", "too small"]
PREDICTION = "prediction"


@dataclass(frozen=True, slots=True)
class Alert:
    """A measure of a column beyond its threshold."""

    column: str
    measure: str
    value: float
    threshold: float


@dataclass(frozen=True, slots=True)
class Reading:
    """One measure of one column; None where there was nothing to compare."""

    measure: str
    value: float | None
    threshold: float | None = None
    """None: shown, no signal."""
    is_beyond: bool = False
    without_drift: float | None = None
    """What the value would be without drift; a threshold is held against what is above that."""
    by_chance: float | None = None
    """What the value hardly ever passes by chance."""

    @property
    def weight(self) -> float:
        """How near to its threshold, or how far beyond: 1 is at it. 0 for what is no signal."""
        if self.value is None or not self.threshold:
            return float(self.is_beyond)
        still = 1.0 if self.measure == "cardinality_ratio" and self.threshold > 1 else self.without_drift or 0.0
        allowed = self.threshold - 1.0 if still == 1.0 else self.threshold
        weight = max(abs(self.value) - still, 0.0) / allowed
        return weight if self.is_beyond else min(weight, 0.99)


@dataclass(frozen=True, slots=True)
class ColumnDrift:
    """One column, or the predictions: what was measured, and what a reader needs to judge it."""

    name: str
    role: Literal["feature", "raw", "prediction"]
    type: str
    flag: Flag | None
    readings: tuple[Reading, ...]
    facts: Mapping[str, Any]
    """Beside the measures: shares of nulls, means, examples of unseen and vanished categories. JSON values."""
    overlay: Overlay | None = None

    @property
    def alerts(self) -> tuple[Alert, ...]:
        """The measures beyond their thresholds, the farthest first."""
        beyond = sorted((r for r in self.readings if r.is_beyond), key=lambda r: -r.weight)
        return tuple(Alert(self.name, r.measure, r.value or 0.0, r.threshold or 0.0) for r in beyond)

    @property
    def weight(self) -> float:
        """By which columns are sorted, the worst first; below 0 for one that never alarms."""
        highest = max((reading.weight for reading in self.readings), default=0.0)
        return highest if self.flag is None else highest / (1 + highest) - 1

    def to_json(self) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for reading in self.readings:
            values[reading.measure] = reading.value
            if reading.without_drift is not None:
                values[f"{reading.measure}_without_drift"] = reading.without_drift
            if reading.by_chance is not None:
                values[f"{reading.measure}_by_chance"] = reading.by_chance
        return {**values, "type": self.type, "flag": self.flag, **self.facts}


@dataclass(frozen=True, slots=True)
class DriftReport:
    """A window against the reference, and what that asks for."""

    decision: Verdict
    rows: int
    alerts: tuple[Alert, ...]
    """The worst column first."""
    columns: Mapping[str, ColumnDrift]
    """The worst first; the predictions are under `prediction`."""
    reference_rows: int
    min_rows: int
    signals_to_retrain: int

    @property
    def signals(self) -> tuple[str, ...]:
        """The distinct measures that alarm, however many columns each hits."""
        return tuple(dict.fromkeys(alert.measure for alert in self.alerts))

    def to_json(self) -> dict[str, Any]:
        return {
            "decision": self.decision,
            "rows": self.rows,
            "alerts": [
                {"column": a.column, "measure": a.measure, "value": a.value, "threshold": a.threshold}
                for a in self.alerts
            ],
            "columns": {name: column.to_json() for name, column in self.columns.items()},
        }


def check(
    monitor: Monitor,
    profile: Profile,
    features: pl.DataFrame,
    predictions: Sequence[Label | None],
    raw: pl.DataFrame,
) -> DriftReport:
    """Hold a window against the reference.

    Args:
        features: what the online stages gave the model.
        predictions: its answers; None where a row could not be answered.
        raw: the rows as they came, the target not among the columns.

    Raises:
        DataError: a column that the profile has is not in the window.
    """
    return judge(monitor, profile, profile.count(features, predictions, raw))


def judge(monitor: Monitor, profile: Profile, window: Counts) -> DriftReport:
    """Hold counts of a window, or of several added up, against the reference."""
    is_enough = window.rows >= monitor.min_rows
    thresholds = monitor.thresholds if is_enough else {}
    found = sorted(_columns(monitor, profile, window, thresholds), key=lambda column: -column.weight)
    alerts = tuple(alert for column in found for alert in column.alerts)
    signals = len({alert.measure for alert in alerts})
    decision: Verdict = "none"
    if not is_enough:
        decision = "too small"
    elif signals >= monitor.signals_to_retrain:
        decision = "retrain"
    elif signals:
        decision = "alarm"
    return DriftReport(
        decision=decision,
        rows=window.rows,
        alerts=alerts,
        columns={column.name: column for column in found},
        reference_rows=profile.rows,
        min_rows=monitor.min_rows,
        signals_to_retrain=monitor.signals_to_retrain,
    )


def _columns(
    monitor: Monitor, profile: Profile, window: Counts, thresholds: Mapping[str, float]
) -> Iterator[ColumnDrift]:
    yield _prediction(profile, window, thresholds)
    for name, column in profile.columns.items():
        flag = "clock" if name in monitor.clocks else column.flag
        signals = thresholds if flag is None else {}
        readings = [*_measures(column, window.columns[name], signals)]
        facts = _facts(column, window.columns[name], profile.rows, window.rows)
        if name in profile.missing:
            readings.append(_missing(name, profile, window, signals))
            facts |= _missing_shares(name, profile, window)
        # A feature may be called `prediction`, which is where the contract puts the predictions.
        shown = name if name != PREDICTION else f"{name} (feature)"
        overlay = _overlay(column, window.columns[name])
        yield ColumnDrift(shown, "feature", column.type, flag, tuple(readings), facts, overlay)
    for name in profile.missing:
        if name not in profile.columns:
            flag = "clock" if name in monitor.clocks else None
            reading = _missing(name, profile, window, thresholds if flag is None else {})
            shown = name if name != PREDICTION else f"{name} (raw)"
            yield ColumnDrift(shown, "raw", "raw", flag, (reading,), _missing_shares(name, profile, window))


def _prediction(profile: Profile, window: Counts, thresholds: Mapping[str, float]) -> ColumnDrift:
    column, counts = profile.prediction, window.prediction
    measure: Measure | None = None
    if isinstance(column, NumberColumn) and isinstance(counts, NumberCounts):
        measure = mean_shift(column.moments(column.counts), column.moments(counts))
    elif isinstance(column, TextColumn) and isinstance(counts, TextCounts) and column.n and counts.n:
        classes = list({**column.categories, **counts.values})
        sides = [np.array([side.get(label, 0) for label in classes]) for side in (column.categories, counts.values)]
        measure = total_variation(sides[0], sides[1])
    facts = _facts(column, counts, profile.rows, window.rows)
    reading = _reading("prediction_drift", measure, thresholds)
    return ColumnDrift(PREDICTION, "prediction", column.type, None, (reading,), facts, _overlay(column, counts))


def _measures(column: Column, counts: ColumnCounts, thresholds: Mapping[str, float]) -> Iterator[Reading]:
    if isinstance(column, NumberColumn) and isinstance(counts, NumberCounts):
        yield _reading("psi", _psi(column.bins(column.counts), column.bins(counts)), thresholds)
        moved = mean_shift(column.moments(column.counts), column.moments(counts))
        yield _reading("mean_shift", moved, thresholds)
    elif isinstance(column, TextColumn) and isinstance(counts, TextCounts) and column.flag != "id":
        yield _reading("psi", _psi(column.reference_bins(), column.bins(counts.values)), thresholds)
        if column.type == "text":
            ratio = cardinality_ratio(column.spectrum, counts.spectrum())
            yield _reading("cardinality_ratio", ratio, thresholds)
        if column.is_whole and counts.n and column.n:
            share = sum(times for value, times in counts.values.items() if value not in column.categories) / counts.n
            # Good and Turing: as many new categories are to be expected as there were seen only once.
            expected = Psi(share, without_drift=column.spectrum.get(1, 0) / column.n)
            yield _reading("unseen", expected, thresholds)


def _psi(reference: Bins, window: Bins) -> Psi | None:
    used = (reference > 0) | (window > 0)
    if reference.sum() == 0 or window.sum() == 0:
        return None
    return psi(reference[used], window[used])


def _missing(name: str, profile: Profile, window: Counts, thresholds: Mapping[str, float]) -> Reading:
    if not window.raw_rows or not profile.raw_rows:
        return Reading("missing", None, thresholds.get("missing"))
    rise = window.missing[name] / window.raw_rows - profile.missing[name] / profile.raw_rows
    threshold = thresholds.get("missing")
    return Reading("missing", rise, threshold, threshold is not None and rise > threshold)


def _missing_shares(name: str, profile: Profile, window: Counts) -> dict[str, Any]:
    return {
        "missing_window": window.missing[name] / window.raw_rows if window.raw_rows else None,
        "missing_reference": profile.missing[name] / profile.raw_rows if profile.raw_rows else None,
    }


def _reading(measure: str, found: Measure | Psi | None, thresholds: Mapping[str, float]) -> Reading:
    threshold = thresholds.get(measure)
    if found is None:
        return Reading(measure, None, threshold)
    is_beyond = threshold is not None and found.exceeds(threshold)
    if isinstance(found, Psi):
        return Reading(measure, found.value, threshold, is_beyond, without_drift=found.without_drift)
    return Reading(measure, found.value, threshold, is_beyond, by_chance=found.by_chance)


def _facts(column: Column, counts: ColumnCounts, reference_rows: int, rows: int) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    if isinstance(column, NumberColumn) and isinstance(counts, NumberCounts):
        reference, window = column.moments(column.counts), column.moments(counts)
        facts["mean_reference"] = reference.mean if reference.n else None
        facts["mean"] = window.mean if window.n else None
        nulls = column.counts.nulls
    elif isinstance(column, TextColumn) and isinstance(counts, TextCounts):
        facts["distinct_reference"], nulls = column.distinct, column.nulls
        if column.flag != "id" and column.type != "other":
            unseen = [value for value in counts.values if value not in column.categories] if column.is_whole else []
            facts["distinct"] = len(counts.values)
            facts["unseen_examples"] = sorted(unseen, key=lambda value: (-counts.values[value], value))[:5]
            facts["vanished"] = [value for value in column.top if value not in counts.values][:5] if counts.n else []
    else:
        raise ValueError("the counts are of another profile")
    facts["nulls_reference"] = nulls / reference_rows if reference_rows else None
    facts["nulls"] = counts.nulls / rows if rows else None
    return facts


def _overlay(column: Column, counts: ColumnCounts) -> Overlay | None:
    if isinstance(column, NumberColumn) and isinstance(counts, NumberCounts):
        return number_overlay(column, counts)
    if isinstance(column, TextColumn) and isinstance(counts, TextCounts):
        return category_overlay(column, counts)
    return None
