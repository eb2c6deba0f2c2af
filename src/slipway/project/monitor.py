"""`[monitor]` of slipway.toml → the thresholds of the signals, and how the loop acts on them."""

from typing import Any

from slipway.project.facts import SIGNALS, Monitor
from slipway.project.keys import Keys

FIRST_WRITTEN = {"psi": 0.25, "cardinality_ratio": 1.3, "prediction_drift": 0.15}
"""The only default thresholds that there were at first, as `new` wrote them then."""
NEWEST = ("unreadable", "spike", "truth_drift")
"""Keys that were not there then."""


def read_monitor(keys: Keys) -> Monitor:
    d = Monitor()
    defaults = FIRST_WRITTEN if _is_set_by_hand(keys) else d.thresholds
    critical: dict[str, float] = {}
    thresholds: dict[str, Any] = {name: _threshold(keys, name, defaults.get(name), critical) for name in SIGNALS}
    monitor = Monitor(
        **thresholds,
        critical=critical,
        bins=keys.text("bins", d.bins, among=("deciles", "equal-width")),
        signals_to_retrain=keys.integer("signals_to_retrain", d.signals_to_retrain, at_least=1),
        window=keys.integer("window", d.window, at_least=1),
        min_rows=keys.integer("min_rows", d.min_rows, at_least=1),
        clocks=keys.texts("clocks", d.clocks),
        webhook=_webhook(keys),
        watch_rows=keys.integer("watch_rows", d.watch_rows, at_least=1),
        cool_down_minutes=keys.number("cool_down_minutes", d.cool_down_minutes, at_least=0) or 0.0,
    )
    keys.finish()
    return monitor


def _is_set_by_hand(keys: Keys) -> bool:
    """Whether the file gives thresholds of its own, and was written before there were more than three by default.

    It alarms as it was set to alarm: what it does not name has no threshold unless it had one then.
    """
    given = [name for name in SIGNALS if keys.has(name)]
    return any(keys.at(name) != FIRST_WRITTEN.get(name) for name in given) and not any(n in NEWEST for n in given)


def _threshold(keys: Keys, name: str, default: float | None, critical: dict[str, float]) -> float | None:
    """A number, or two levels: `psi = { alert = 0.2, critical = 0.5 }`."""
    if not keys.is_table(name):
        value: float | None = keys.number(name, default, at_least=0)
        return value
    levels = keys.table(name)
    alert: float = levels.number("alert", at_least=0)
    worse: float | None = levels.number("critical", None, at_least=0)
    levels.finish()
    if worse is not None:
        if worse <= alert:
            keys.refuse(name, "a critical level above the alert, such as { alert = 0.2, critical = 0.5 }")
        critical[name] = worse
    return alert


def _webhook(keys: Keys) -> str | None:
    address: str | None = keys.text(
        "webhook", None, pattern=r"https?://[^/].*", expectation='an address such as "https://chat.example.com/hooks/x"'
    )
    return address
