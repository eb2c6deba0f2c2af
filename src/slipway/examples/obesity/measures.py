"""A model or two columns of numbers in; how good the one is, or how far apart the others are, out."""

from typing import Any

import polars as pl
from scipy.special import kolmogorov
from sklearn.metrics import accuracy_score, f1_score, precision_score, recall_score
from sklearn.pipeline import Pipeline

from cleaning import TARGET
from slipway.profile.joint import joint_psi, ks_distance


def scores(model: Pipeline, table: pl.DataFrame) -> dict[str, float]:
    truth, answers = table[TARGET].to_numpy(), model.predict(table.drop(TARGET))
    mean = {"average": "weighted", "zero_division": 0.0}
    return {
        "accuracy": float(accuracy_score(truth, answers)),
        "precision": float(precision_score(truth, answers, **mean)),
        "recall": float(recall_score(truth, answers, **mean)),
        "f1": float(f1_score(truth, answers, **mean)),
        "macro_f1": float(f1_score(truth, answers, average="macro", zero_division=0.0)),
    }


def moved(before: pl.Series, after: pl.Series, alert: float, critical: float) -> dict[str, Any]:
    psi, distance = joint_psi(before, after), ks_distance(before, after)
    rows = before.len() * after.len() / (before.len() + after.len())
    return {
        "psi": psi,
        "level": _level(psi, alert, critical),
        "ks": distance,
        "ks_p": float(kolmogorov(rows**0.5 * distance)),
        "mean": {"before": before.mean(), "after": after.mean()},
        "std": {"before": before.std(), "after": after.std()},
    }


def dropped(before: float, after: float, alert: float, critical: float) -> dict[str, Any]:
    drop = (before - after) / before
    return {"before": before, "after": after, "drop": drop, "level": _level(drop, alert, critical)}


def _level(value: float, alert: float, critical: float) -> str:
    return "critical" if value > critical else "alert" if value > alert else "none"
