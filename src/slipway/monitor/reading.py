"""What was measured of one column, and what a reader needs to judge it: frozen facts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from slipway.monitor.overlay import Overlay
from slipway.profile.columns import Flag

Level = Literal["alert", "critical"]
Role = Literal["feature", "raw", "prediction", "quality", "truth"]


@dataclass(frozen=True, slots=True)
class Alert:
    """A measure of a column beyond its threshold."""

    column: str
    measure: str
    value: float
    threshold: float
    """Of the level that it is beyond."""
    level: Level

    def to_json(self) -> dict[str, Any]:
        return {
            "column": self.column,
            "measure": self.measure,
            "value": self.value,
            "threshold": self.threshold,
            "level": self.level,
        }


@dataclass(frozen=True, slots=True)
class Reading:
    """One measure of one column; None where there was nothing to compare."""

    measure: str
    value: float | None
    threshold: float | None = None
    """None: shown, no signal."""
    critical: float | None = None
    """A second, higher threshold."""
    level: Level | None = None
    """The highest that it is beyond."""
    without_drift: float | None = None
    """What the value would be without drift; a threshold is held against what is above that."""
    by_chance: float | None = None
    """What the value hardly ever passes by chance."""

    @property
    def is_beyond(self) -> bool:
        return self.level is not None

    @property
    def passed(self) -> float:
        """The threshold of the level that it is beyond."""
        found = self.critical if self.level == "critical" else self.threshold
        return found or 0.0

    @property
    def weight(self) -> float:
        """How near to its threshold, or how far beyond: 1 is at it. 0 for what is no signal."""
        if self.value is None or not self.threshold:
            return float(self.is_beyond)
        still = 1.0 if self.measure == "cardinality_ratio" and self.threshold > 1 else self.without_drift or 0.0
        allowed = self.threshold - 1.0 if still == 1.0 else self.threshold
        weight = max(abs(self.value) - still, 0.0) / allowed
        return max(weight, 1.0) if self.is_beyond else min(weight, 0.99)


@dataclass(frozen=True, slots=True)
class Course:
    """One figure over the consecutive pieces of a window, the oldest first; None where a piece has nothing to tell."""

    label: str
    values: tuple[float | None, ...]
    mark: float | None
    """What it is to be held against: a threshold, or the reference's own figure."""


@dataclass(frozen=True, slots=True)
class ColumnDrift:
    """One column, or the predictions, or how right they were."""

    name: str
    role: Role
    type: str
    flag: Flag | None
    readings: tuple[Reading, ...]
    facts: Mapping[str, Any]
    """Beside the measures: shares of nulls, means, examples of unseen and vanished categories. JSON values."""
    overlay: Overlay | None = None
    course: tuple[Course, ...] = ()

    @property
    def alerts(self) -> tuple[Alert, ...]:
        """The measures beyond their thresholds, the farthest first."""
        beyond = sorted(self.readings, key=lambda r: -r.weight)
        return tuple(
            Alert(self.name, r.measure, r.value or 0.0, r.passed, r.level) for r in beyond if r.level is not None
        )

    @property
    def is_critical(self) -> bool:
        return any(reading.level == "critical" for reading in self.readings)

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
        if self.course:
            values["over_time"] = {course.label: list(course.values) for course in self.course}
        return {**values, "type": self.type, "flag": self.flag, **self.facts}
