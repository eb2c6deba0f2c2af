"""Decide what a written gate asks: never less than an answer that knows nothing of a row reaches."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from slipway.gate.compare import MIN_CLASS_ROWS
from slipway.gate.quality import MIN_ROWS
from slipway.new.baseline import SPREADS, Baseline, lead_in_errors
from slipway.new.columns import Judged

_SHARE = "5 %"
"""How much worse than production's a loss may be where classes are uneven."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What the gate asks, and where it comes from."""

    metric: str
    minimum: float | None
    maximum: float | None
    max_drop: float | None
    """Of that metric; None where another one is compared with production."""
    why: str
    warnings: tuple[str, ...] = ()
    """What a person has to know before a model goes live, a sentence each."""

    def toml(self) -> str:
        """The value of `gate` under [model]."""
        found = (("min", self.minimum), ("max", self.maximum), ("max_drop", self.max_drop))
        limits = ", ".join(f"{key} = {value:g}" for key, value in found if value is not None)
        asked = [f"{self.metric} = {{ {limits} }}"] if limits else []
        if self.max_drop is None:
            asked.append(f'log_loss = {{ max_drop = "{_SHARE}" }}')
        return f"{{ {', '.join(asked)} }}"


def ask(first: Baseline, judged: Judged) -> Ask:
    """Decide what is asked of one metric.

    So much less than a first model reached that chance refuses hardly a good one, and never less than the best answer
    that is the same for every row. On few test rows there is no such limit: the gate's line on skill says what it can.
    """
    linear = " (linear, which did better than boosted trees)" if first.choice.is_linear else ""
    tried = f"A first model{linear}, tried on {len(next(iter(first.folds.values())))} parts of {first.rows:,} rows"
    tried += ", each newer than what it had learnt from," if judged.time else " that it had not seen,"
    return (_of_numbers if judged.target.kind == "regression" else _of_classes)(first, judged, tried)


def _of_numbers(first: Baseline, judged: Judged, tried: str) -> Ask:
    name = "rmse"
    leads = {each: lead_in_errors(first, each) for each in ("rmse", "mae")}
    if leads["rmse"] < 2 * SPREADS and leads["mae"] > leads["rmse"]:
        name = "mae"  # few large misses decide the other one
    reached, spread, constant = first.mean(name), first.spread(name), first.constants[name]
    words, always = ("root mean square", "mean") if name == "rmse" else ("mean absolute error", "median")
    why = (
        f"{tried} missed by {_figure(reached)} ± {_figure(spread)} ({words}, ± its spread from part to part); always "
        f"saying the {always} misses by {_figure(constant)}. "
    )
    limit = reached + max(SPREADS * spread, 0.1 * reached)
    if _test_rows(judged) < MIN_ROWS:
        maximum, why = None, why + _too_few(f"{_test_rows(judged):.0f} test rows")
    elif limit < constant:
        maximum, why = upwards(limit), why + "max leaves three times the spread to chance."
    else:
        maximum, why = downwards(constant), why + "max keeps out what is no better than that."
    worst = upwards(0.02 * reached)
    return Ask(
        name, None, maximum if reached else None, worst, why, tuple(_no_skill(first, judged, name, f"the {always}"))
    )


def _of_classes(first: Baseline, judged: Judged, tried: str) -> Ask:
    if first.is_uneven and "average_precision" in first.folds:
        return _of_uneven_classes(first, judged, tried)
    reached, spread, constant = first.mean("accuracy"), first.spread("accuracy"), first.constants["accuracy"]
    why = (
        f"{tried} had {reached:.2f} ± {spread:.2g} (± its spread from part to part); always saying the commonest class "
        f"would be right {constant:.2f}. "
    )
    lowest, least = reached - max(SPREADS * spread, 0.02), math.ceil(100 * constant - 1e-9) / 100
    if _test_rows(judged) < MIN_ROWS:
        minimum, why = None, why + _too_few(f"{_test_rows(judged):.0f} test rows")
    elif lowest >= least:
        minimum, why = math.floor(100 * lowest) / 100, why + "min leaves three times the spread to chance."
    else:
        why += "min keeps out what is no better than that: the model's figure less three times the spread is below it."
        minimum = least
    drop = 0.01 if judged.rows * judged.test_share >= 500 else 0.02
    warned = tuple(_no_skill(first, judged, "accuracy", "the commonest class"))
    return Ask("accuracy", minimum, None, drop, why, warned)


def _of_uneven_classes(first: Baseline, judged: Judged, tried: str) -> Ask:
    name = "average_precision"
    reached, spread, constant = first.mean(name), first.spread(name), first.constants[name]
    if first.rare is not None:
        constant = first.rare.share
    of = f" of `{first.rare.label}`" if first.rare is not None else ", the mean over the classes,"
    why = (
        f"{tried} had an average precision{of} {'of ' if first.rare is None else ''}{_figure(reached)} ± "
        f"{_figure(spread)} (± its spread from part to part); without a model it is {_figure(constant)}. Accuracy is "
        f"not asked: always saying the commonest class would be right {first.constants['accuracy']:.3g}. "
    )
    lowest = reached - SPREADS * spread
    rows = _test_rows(judged) * (first.rare.share if first.rare is not None else 1 - first.constants["accuracy"])
    if _test_rows(judged) < MIN_ROWS or rows < MIN_CLASS_ROWS:
        minimum, why = None, why + _too_few(f"{rows:.0f} test rows of other classes than the commonest")
    elif lowest > constant:
        minimum, why = downwards(lowest), why + "min leaves three times the spread to chance."
    else:
        minimum, why = upwards(constant), why + "min keeps out what is no better than that."
    return Ask(name, minimum, None, None, why, tuple(_of_rare(first, judged, rows, minimum)))


def _of_rare(first: Baseline, judged: Judged, rows: float, minimum: float | None) -> Iterator[str]:
    name, rare = judged.target.name, first.rare
    if rare is not None and minimum is None:
        yield (
            f"`{name}` is `{rare.label}` in {rare.rows:,} of {judged.rows:,} rows, about {rows:.0f} of them in the "
            "test: too few to tell a good model from one that knows nothing. Gather more before anybody relies on it."
        )
        return
    if rare is not None and first.choice.rare is not None:
        yield (
            f"`{name}` is `{rare.label}` in {rare.rows:,} of {judged.rows:,} rows. It is answered from a probability "
            "on that is found when the model is trained, and mostly below a half; the probabilities stay as they are."
        )
    yield from _no_skill(first, judged, "average_precision", "the commonest class")


def _no_skill(first: Baseline, judged: Judged, name: str, always: str) -> Iterator[str]:
    lead = lead_in_errors(first, name)
    if lead > 1:
        return
    how = "hardly better" if lead > 0 else "no better"
    yield (
        f"A first model is {how} than always saying {always} ({name} {_figure(first.mean(name))}, without a model "
        f"{_figure(first.constants[name])}): the gate refuses a model that is not. Do the columns say anything of "
        f"`{judged.target.name}`?"
    )


def _too_few(rows: str) -> str:
    return f"About {rows} are too few for a limit: the gate's line on skill says what can be told of them."


def _test_rows(judged: Judged) -> float:
    return judged.rows * judged.test_share


def upwards(value: float) -> float:
    """A number rounded up to two digits."""
    return _rounded(value, math.ceil)


def downwards(value: float) -> float:
    """A number rounded down to two digits."""
    return _rounded(value, math.floor)


def _rounded(value: float, way: Callable[[float], int]) -> float:
    if value <= 0:
        return 0.0
    unit = 10.0 ** (math.floor(math.log10(value)) - 1)
    near = 1e-9 if way is math.floor else -1e-9
    return float(f"{way(value / unit + near) * unit:.6g}")


def _figure(value: float) -> str:
    """Three figures, written out: 21,700 and not 2.17e+04."""
    return f"{float(f'{value:.3g}'):,.0f}" if abs(value) >= 100 else f"{value:.3g}"
