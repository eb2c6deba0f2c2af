"""`[monitor]` of slipway.toml → the thresholds of the signals, and how the loop acts on them."""

from slipway.project.facts import Monitor
from slipway.project.keys import Keys


def read_monitor(keys: Keys) -> Monitor:
    d = Monitor()
    monitor = Monitor(
        psi=keys.number("psi", d.psi, at_least=0),
        cardinality_ratio=keys.number("cardinality_ratio", d.cardinality_ratio, at_least=0),
        prediction_drift=keys.number("prediction_drift", d.prediction_drift, at_least=0),
        missing=keys.number("missing", d.missing, at_least=0),
        unseen=keys.number("unseen", d.unseen, at_least=0),
        mean_shift=keys.number("mean_shift", d.mean_shift, at_least=0),
        signals_to_retrain=keys.integer("signals_to_retrain", d.signals_to_retrain, at_least=1),
        window=keys.integer("window", d.window, at_least=1),
        min_rows=keys.integer("min_rows", d.min_rows, at_least=1),
        clocks=keys.texts("clocks", d.clocks),
        watch_rows=keys.integer("watch_rows", d.watch_rows, at_least=1),
        cool_down_minutes=keys.number("cool_down_minutes", d.cool_down_minutes, at_least=0) or 0.0,
    )
    keys.finish()
    return monitor
