"""`[model]` of slipway.toml → what the model is, and what the gate asks of it."""

import math

from slipway.errors import near_miss
from slipway.project.facts import METRICS, Model, Replay, Threshold
from slipway.project.keys import Keys

METRICS_ARTIFACT = "metrics"

_MARGIN = {"anyOf": [{"type": "number", "minimum": 0}, {"type": "string", "pattern": r"^[0-9.]+ ?%$"}]}


def read_model(keys: Keys) -> Model:
    kind = keys.text("kind", among=METRICS)
    gates = keys.table("gate")
    gate = {}
    for metric in gates.names():
        table = gates.table(metric)
        threshold = _threshold(table)
        if threshold == Threshold():
            gates.refuse(metric, "min, max or max_drop, such as { min = 0.75, max_drop = 0.01 }")
        if threshold.doubt is not None and threshold.max_drop is None:
            gates.refuse(metric, "a max_drop beside the doubt, which says how far beyond it chance may reach")
        if threshold.minimum is not None and threshold.maximum is not None and threshold.minimum > threshold.maximum:
            gates.refuse(metric, "a min that is not above the max")
        if threshold.max_drop is not None and metric not in METRICS[kind]:
            gates.refuse(
                metric,
                f"min or max alone: only {', '.join(METRICS[kind])} are recomputed, so only they have a max_drop",
                near_miss(metric, METRICS[kind]),
            )
        gate[metric] = threshold
    model = Model(
        kind=kind,
        target=keys.text("target"),
        artifact=keys.text("artifact", "model"),
        test=keys.text("test", "test"),
        metrics=keys.text("metrics", METRICS_ARTIFACT),
        gate=gate or _default_gate(kind),
        retrain_into=keys.text("retrain_into", None),
        max_source_share=_share(keys),
        slices=keys.texts("slices", None),
        cannot_tell=keys.text("cannot_tell", "refuse", among=("refuse", "pass")),
        replay=_replay(keys.table("replay"), kind),
        pickle=keys.flag("pickle", False),
        literal_labels=keys.texts("literal_labels"),
    )
    keys.finish()
    return model


def _share(keys: Keys) -> float:
    bounds = "a share above 0, up to 1; false for no limit"
    share: float | None = keys.number("max_source_share", 0.5, above=0, at_most=1, expectation=bounds)
    return 1.0 if share is None else share


def _threshold(table: Keys) -> Threshold:
    drop, drop_is_share = _margin(table, "max_drop")
    doubt, doubt_is_share = _margin(table, "doubt")
    if drop is not None and doubt is not None and drop_is_share != doubt_is_share:
        table.refuse("doubt", "the unit of max_drop: both in the metric's own, or both in %")
    found = Threshold(table.number("min", None), table.number("max", None), drop, doubt, drop_is_share)
    table.finish()
    return found


def _margin(table: Keys, key: str) -> tuple[float | None, bool]:
    """A number in the metric's unit, or a text such as "2 %" of production's value; and which of the two it is."""
    value = table.value(key, None, schema=_MARGIN)
    if not isinstance(value, str):
        return table.number(key, None, at_least=0), False
    try:
        share = float(value.removesuffix("%").strip()) / 100
    except ValueError:
        share = -1.0
    if not value.endswith("%") or not 0 <= share < 10:
        table.refuse(key, "a number in the metric's own unit, or a share of production's value such as \"2 %\"")
    return share, True


def _replay(table: Keys, kind: str) -> Replay:
    d = Replay()
    found = Replay(
        requests=table.integer("requests", d.requests),
        latency_factor=table.number("latency_factor", d.latency_factor, at_least=1) or math.inf,
        latency_floor_ms=table.number("latency_floor_ms", d.latency_floor_ms, at_least=0) or 0.0,
        max_flipped=table.number("max_flipped", None, at_least=0),
    )
    table.finish()
    if found.max_flipped is not None and kind == "regression":
        table.refuse("max_flipped", "no such key: numbers move, labels alone flip")
    return found


def _default_gate(kind: str) -> dict[str, Threshold]:
    # Without thresholds a candidate is still held against production: about as good, as far as the rows tell.
    if kind == "classification":
        return {"accuracy": Threshold(max_drop=0.01)}
    return {"rmse": Threshold(max_drop=0.02, is_share=True)}
