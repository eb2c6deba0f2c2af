"""A window and the profile of what the live version learnt from, in; a `DriftReport` with its decision, out."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import polars as pl

from slipway.monitor.course import column_course, cut, prediction_course
from slipway.monitor.measures import (
    column_facts,
    feature_readings,
    held_measures,
    missing_reading,
    missing_shares,
    prediction_measure,
    spike_place,
    unreadable_reading,
)
from slipway.monitor.overlay import Overlay, category_overlay, number_overlay
from slipway.monitor.quality import Answers, quality_drift
from slipway.monitor.reading import Alert, ColumnDrift
from slipway.monitor.rules import Rules, rules_of
from slipway.monitor.truths import truth_drift
from slipway.profile.columns import Column, Flag, NumberColumn, NumberCounts, TextColumn, TextCounts
from slipway.profile.count import ColumnCounts, Counts, Profile
from slipway.project import Monitor
from slipway.records import Label

Verdict = Literal["none", "alarm", "retrain", "too small"]
COUNTED_AS = {"spike": "psi"}
"""An index of one value against all others is an index of its column: the two are one signal."""
PREDICTION = "prediction"


@dataclass(frozen=True, slots=True)
class DriftReport:
    """A window against the reference, and what that asks for."""

    decision: Verdict
    rows: int
    alerts: tuple[Alert, ...]
    """The worst column first."""
    columns: Mapping[str, ColumnDrift]
    """The worst first; the predictions are under `prediction`, how right they were under `quality`, and what
    was true under `truth`."""
    reference_rows: int
    min_rows: int
    signals_to_retrain: int

    @property
    def signals(self) -> tuple[str, ...]:
        """The distinct measures that alarm, however many columns each hits."""
        return _signals(self.alerts)

    @property
    def critical(self) -> tuple[Alert, ...]:
        """The alerts beyond their critical level."""
        return tuple(alert for alert in self.alerts if alert.level == "critical")

    def to_json(self) -> dict[str, Any]:
        return {
            "decision": self.decision,
            "rows": self.rows,
            "alerts": [alert.to_json() for alert in self.alerts],
            "columns": {name: column.to_json() for name, column in self.columns.items()},
        }


@dataclass(frozen=True, slots=True)
class Window:
    """A window's counts, and what only some windows have."""

    counts: Counts
    pieces: Sequence[Counts] = ()
    """The same rows in consecutive pieces, the oldest first; none where their order says nothing."""
    answers: Answers | None = None
    """The rows whose truth is known."""


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


def count_pieces(
    profile: Profile, features: pl.DataFrame, predictions: Sequence[Label | None], raw: pl.DataFrame
) -> list[Counts]:
    """Rows in the order of time, counted in consecutive pieces; none where they are too few."""
    return [
        profile.count(features[start:end], predictions[start:end], raw[start:end])
        for start, end in cut(features.height)
    ]


def judge(monitor: Monitor, profile: Profile, window: Counts | Window, reference: Answers | None = None) -> DriftReport:
    """Hold counts of a window, or of several added up, against the reference.

    Args:
        reference: the test rows' truths and answers, which the window's are held against.
    """
    seen = window if isinstance(window, Window) else Window(window)
    is_enough = seen.counts.rows >= monitor.min_rows
    sides = None if seen.answers is None or reference is None else (reference, seen.answers)
    rules = rules_of(monitor, _looks(monitor, profile, has_truths=sides is not None))
    held = rules if is_enough else rules.silent()
    found = list(_columns(monitor, profile, seen, held))
    if sides is not None:
        told = (quality_drift(profile.kind, *sides, held), truth_drift(profile.kind, *sides, held))
        found += [_renamed(column, profile) for column in told if column is not None]
    found.sort(key=lambda column: (-column.is_critical, -column.weight))
    alerts = tuple(alert for column in found for alert in column.alerts)
    return DriftReport(
        decision=_decide(monitor, alerts) if is_enough else "too small",
        rows=seen.counts.rows,
        alerts=alerts,
        columns={column.name: column for column in found},
        reference_rows=profile.rows,
        min_rows=monitor.min_rows,
        signals_to_retrain=monitor.signals_to_retrain,
    )


def _looks(monitor: Monitor, profile: Profile, *, has_truths: bool) -> int:
    """How many measures can alarm, over all columns."""
    held = monitor.thresholds.keys()
    looks = int("prediction_drift" in held)
    looks += sum(len(held & set(held_measures(c, _flag(monitor, n, c)))) for n, c in profile.columns.items())
    looks += len(profile.missing) * ("missing" in held) + len(profile.unreadable or {}) * ("unreadable" in held)
    return looks + has_truths * len(held & {"quality_drop", "truth_drift"})


def _flag(monitor: Monitor, name: str, column: Column) -> Flag | None:
    return "clock" if name in monitor.clocks else column.flag


def _decide(monitor: Monitor, alerts: Sequence[Alert]) -> Verdict:
    """Enough distinct signals ask for retraining; so does a single one beyond its critical level."""
    signals = _signals(alerts)
    if len(signals) >= monitor.signals_to_retrain or any(alert.level == "critical" for alert in alerts):
        return "retrain"
    return "alarm" if signals else "none"


def _signals(alerts: Sequence[Alert]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(COUNTED_AS.get(alert.measure, alert.measure) for alert in alerts))


def _columns(monitor: Monitor, profile: Profile, window: Window, rules: Rules) -> Iterator[ColumnDrift]:
    yield _prediction(profile, window, rules)
    counts = window.counts
    for name, column in profile.columns.items():
        flag = _flag(monitor, name, column)
        held = rules.only(held_measures(column, flag))
        readings = [*feature_readings(column, counts.columns[name], held, flag)]
        facts = column_facts(column, counts.columns[name], profile.rows, counts.rows)
        # What moves with time by its nature, or is another value in each row, is not null by its nature.
        if any(reading.measure == "spike" and reading.is_beyond for reading in readings):
            facts["spike_at"] = spike_place(column, counts.columns[name])
        if name in profile.missing:
            readings.append(missing_reading(name, profile, counts, rules))
            facts |= missing_shares(name, profile, counts)
        if name in counts.unreadable:
            readings.append(unreadable_reading(name, profile, counts, rules))
        course = column_course(profile, name, window.pieces, held) if flag != "id" else ()
        overlay = _overlay(column, counts.columns[name])
        yield ColumnDrift(
            _named(name, "feature"), "feature", column.type, flag, tuple(readings), facts, overlay, course
        )
    for name in profile.missing:
        if name not in profile.columns:
            flag = "clock" if name in monitor.clocks else None
            reading = missing_reading(name, profile, counts, rules)
            shares = missing_shares(name, profile, counts)
            yield ColumnDrift(_named(name, "raw"), "raw", "raw", flag, (reading,), shares)


def _named(name: str, role: str) -> str:
    # A column may be called `prediction`, which is where the contract puts the predictions.
    return name if name != PREDICTION else f"{name} ({role})"


def _renamed(column: ColumnDrift, profile: Profile) -> ColumnDrift:
    is_taken = column.name in profile.columns or column.name in profile.missing
    return replace(column, name=f"{column.name} (of the answers)") if is_taken else column


def _prediction(profile: Profile, window: Window, rules: Rules) -> ColumnDrift:
    column, counts = profile.prediction, window.counts.prediction
    reading = rules.reading("prediction_drift", prediction_measure(profile, counts, rules.z))
    facts = column_facts(column, counts, profile.rows, window.counts.rows)
    course = prediction_course(profile, window.pieces)
    return ColumnDrift(PREDICTION, "prediction", column.type, None, (reading,), facts, _overlay(column, counts), course)


def _overlay(column: Column, counts: ColumnCounts) -> Overlay | None:
    if isinstance(column, NumberColumn) and isinstance(counts, NumberCounts):
        return number_overlay(column, counts)
    if isinstance(column, TextColumn) and isinstance(counts, TextCounts):
        return category_overlay(column, counts)
    return None
