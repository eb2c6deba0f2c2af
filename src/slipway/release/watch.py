"""Judge the first predictions of a promoted version beside the last of its predecessor."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import median
from typing import Any

from slipway.gate.lines import Line
from slipway.journal.shares import callers_beside_others
from slipway.profile.drift import Measure
from slipway.records import Label, Prediction
from slipway.rounding import rounded

ALPHA = 0.05
MIN_TRUTHS = 30
"""Fewer truths on either side, and quality can't be told."""
LEAST_TRUTHS = 2
"""So many can confirm what others' truths show: the tests are exact, or know the spread."""
LATENCY_RATIO = 2.0
LATENCY_FLOOR_MS = 20.0
"""A version is not sent back for a few milliseconds, whatever the ratio."""


@dataclass(frozen=True, slots=True)
class Side:
    """What is known of one version's predictions."""

    predictions: Sequence[Prediction]
    truths: Mapping[str, Label]
    """The latest truth by prediction id."""
    prediction_drift: Measure | None = None
    """How far the answers are from those of the version's own reference; None where it can't be told."""
    sources: Mapping[str, str] = field(default_factory=dict)
    """Who gave the truth, by prediction id."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Whether the promoted version does worse, in a sentence, and the figures of both sides."""

    is_worse: bool
    why: str
    figures: Mapping[str, Any]


def compare(
    promoted: Side, before: Side, *, kind: str, drift_threshold: float | None, ask_in_turn: Callable[[], Line]
) -> Comparison:
    """Judge a promoted version by quality where truths came, else by errors, latency and prediction drift.

    Args:
        kind: classification or regression.
        drift_threshold: of the prediction drift; None where the project has none.
        ask_in_turn: the gate's line on both versions' latency, asked where the journalled ones are far apart: the two
            windows are of different times, and the machine may have been busy in one of them.

    Errors always count. Where several sources gave truths, no caller decides alone: with the truths of each of them
    left out the others have to say the same. Shares are compared by Fisher's exact test (1935), absolute errors by
    Welch's t-test (1947), one-sided.
    """
    figures = {"promoted": _figures(promoted), "before": _figures(before)}
    problem, note = _errors(promoted, before), ""
    if problem is None:
        judged = _quality(promoted, before, kind)
        alone = _deciding_alone(promoted, before, kind) if judged is not None and judged.problem is not None else None
        if judged is not None:
            figures["quality"] = judged.figures
        if alone is not None:
            figures["one_source"] = {"source": alone, "says": judged.problem if judged is not None else None}
        if judged is not None and alone is None:
            problem = judged.problem
        else:
            if (suspicion := _latency(figures["promoted"], figures["before"])) is not None:
                line = ask_in_turn()
                figures["latency"] = {
                    "outcome": line.outcome,
                    "measured": line.measured,
                    "uncertainty": line.uncertainty,
                }
                in_turn = f"{suspicion}; asked in turn, {line.measured} ({line.uncertainty})"
                problem, note = (in_turn, "") if line.outcome == "failed" else (None, f"; {in_turn}")
            problem = problem or _drift(promoted, before, drift_threshold)
    if problem is not None:
        return Comparison(True, problem, figures)
    said = f"no worse than its predecessor over {len(promoted.predictions)} predictions{note}"
    if "one_source" in figures:
        said += f"; by the truths of {figures['one_source']['source']} alone it would be, which others do not confirm"
    return Comparison(False, said, figures)


def _figures(side: Side) -> dict[str, Any]:
    latencies = [p.latency_ms for p in side.predictions if p.error is None]
    return {
        "rows": len(side.predictions),
        "errors": sum(p.error is not None for p in side.predictions),
        "truths": len(side.truths),
        "median_latency_ms": round(median(latencies), 3) if latencies else None,
        "prediction_drift": None if side.prediction_drift is None else abs(side.prediction_drift.value),
    }


def _errors(promoted: Side, before: Side) -> str | None:
    failed, failed_before = (sum(p.error is not None for p in side.predictions) for side in (promoted, before))
    n, m = len(promoted.predictions), len(before.predictions)
    if failed == 0 or not _is_share_greater(failed, n, failed_before, m):
        return None
    return f"{failed} of {n} rows failed, before {failed_before} of {m}"


@dataclass(frozen=True, slots=True)
class _Quality:
    problem: str | None
    figures: dict[str, float]


def _quality(promoted: Side, before: Side, kind: str, *, least: int = MIN_TRUTHS) -> _Quality | None:
    """Compare quality; None where the promoted version has fewer than `least` truths, or the other too few."""
    new, old = _pairs(promoted), _pairs(before)
    if len(new) < least or len(old) < MIN_TRUTHS:
        return None
    if kind == "classification":
        wrong, wrong_before = (sum(str(p) != str(t) for p, t in pairs) for pairs in (new, old))
        now, then = 1 - wrong / len(new), 1 - wrong_before / len(old)
        is_worse = _is_share_greater(wrong, len(new), wrong_before, len(old))
        said = f"accuracy {now:.3f} on {len(new)} truths, before {then:.3f} on {len(old)} earlier ones"
        return _Quality(said if is_worse else None, {"accuracy": now, "accuracy_before": then})
    from scipy.stats import ttest_ind

    errors, errors_before = ([abs(float(p) - float(t)) for p, t in pairs] for pairs in (new, old))
    now, then = sum(errors) / len(errors), sum(errors_before) / len(errors_before)
    p_value = ttest_ind(errors, errors_before, equal_var=False, alternative="greater").pvalue if now > then else 1.0
    said = f"mean absolute error {rounded(now)} on {len(new)} truths, before {rounded(then)} on {len(old)} earlier ones"
    return _Quality(said if p_value < ALPHA else None, {"mae": now, "mae_before": then})


def _deciding_alone(promoted: Side, before: Side, kind: str) -> str | None:
    """The caller without whose truths the version is not shown to be worse, where others gave truths too."""
    for source in callers_beside_others([*promoted.sources.values(), *before.sources.values()]):
        rest, rest_before = _without(promoted, source), _without(before, source)
        # Whose predecessor's truths are all of one caller's is held against those: others say how the version does.
        known = rest_before if len(_pairs(rest_before)) >= MIN_TRUTHS else before
        judged = _quality(rest, known, kind, least=LEAST_TRUTHS)
        if judged is None or judged.problem is None:
            return source
    return None


def _without(side: Side, source: str) -> Side:
    truths = {key: truth for key, truth in side.truths.items() if side.sources.get(key) != source}
    return replace(side, truths=truths)


def _pairs(side: Side) -> list[tuple[Label, Label]]:
    return [
        (p.prediction, side.truths[p.id]) for p in side.predictions if p.prediction is not None and p.id in side.truths
    ]


def _latency(promoted: Mapping[str, Any], before: Mapping[str, Any]) -> str | None:
    now, then = promoted["median_latency_ms"], before["median_latency_ms"]
    if now is None or then is None or now <= LATENCY_RATIO * then or now <= then + LATENCY_FLOOR_MS:
        return None
    return f"median latency {now:.1f} ms, before {then:.1f} ms"


def _drift(promoted: Side, before: Side, threshold: float | None) -> str | None:
    now, then = promoted.prediction_drift, before.prediction_drift
    # Answers that moved under the predecessor too moved with the data; only the new version's own move counts, and as
    # in a check only one that is more than what so few rows show by chance.
    if threshold is None or now is None or then is None or not now.exceeds(threshold) or abs(then.value) > threshold:
        return None
    return f"prediction drift {abs(now.value):.3f}, before {abs(then.value):.3f}, where {threshold:g} is the threshold"


def _is_share_greater(hits: int, n: int, hits_before: int, m: int) -> bool:
    if n == 0 or m == 0 or hits / n <= hits_before / m:
        return False
    from scipy.stats import fisher_exact

    table = [[hits, n - hits], [hits_before, m - hits_before]]
    return float(fisher_exact(table, alternative="greater").pvalue) < ALPHA
