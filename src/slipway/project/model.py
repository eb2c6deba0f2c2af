"""`[model]` of slipway.toml → what the model is, and what the gate asks of it."""

from slipway.errors import near_miss
from slipway.project.facts import METRICS, Model, Threshold
from slipway.project.keys import Keys

METRICS_ARTIFACT = "metrics"


def read_model(keys: Keys) -> Model:
    kind = keys.text("kind", among=METRICS)
    gates = keys.table("gate")
    gate = {}
    for metric in gates.rest():
        table = gates.table(metric)
        threshold = Threshold(
            table.number("min", None), table.number("max", None), table.number("max_drop", None, at_least=0)
        )
        table.finish()
        if threshold == Threshold():
            gates.refuse(metric, "min, max or max_drop, such as { min = 0.75, max_drop = 0.01 }")
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
        pickle=keys.flag("pickle", False),
    )
    keys.finish()
    return model


def _default_gate(kind: str) -> dict[str, Threshold]:
    # Without thresholds a candidate is still held against production: no worse, beyond chance.
    metric = "accuracy" if kind == "classification" else "rmse"
    return {metric: Threshold(max_drop=0.0)}
