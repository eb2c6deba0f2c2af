"""`[monitor]` and how many columns are looked at, in; when a measure counts as a signal, out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from slipway.monitor.reading import Level, Reading
from slipway.profile.drift import CHANCE, Measure, Psi, standard_errors
from slipway.project import Monitor

FALSE_ALARMS = 0.02
"""How often a window without drift may have a signal beyond its threshold by chance, all columns taken together."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The thresholds that hold for a column, and what is chance where so many are looked at."""

    alert: Mapping[str, float]
    critical: Mapping[str, float]
    z: float
    """Standard errors that are still chance."""
    bins: str

    def only(self, measures: Sequence[str]) -> "Rules":
        """The same for some measures; the others are shown and do not alarm."""
        alert = {name: value for name, value in self.alert.items() if name in measures}
        return Rules(alert, self.critical, self.z, self.bins)

    def silent(self) -> "Rules":
        """The same, with no threshold: everything is shown, nothing alarms."""
        return Rules({}, {}, self.z, self.bins)

    def reading(self, measure: str, found: Measure | Psi | None) -> Reading:
        """A measure with its thresholds, and the level that it is beyond."""
        alert, critical = self.alert.get(measure), self.critical.get(measure)
        if found is None:
            return Reading(measure, None, alert, critical)
        level: Level | None = None
        if alert is not None and found.exceeds(alert):
            level = "critical" if critical is not None and found.exceeds(critical) else "alert"
        return Reading(measure, found.value, alert, critical, level, found.without_drift, found.by_chance)


def rules_of(monitor: Monitor, looks: int) -> Rules:
    """Give the rules for a window in which so many measures can alarm: each has an equal share of chance."""
    signals = monitor.thresholds
    z = max(standard_errors(FALSE_ALARMS / max(looks, 1)), CHANCE)
    critical = {name: monitor.critical[name] for name in signals if name in monitor.critical}
    return Rules(signals, critical, z, monitor.bins)
