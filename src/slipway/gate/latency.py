"""Two versions and a few requests → the gate's line on how long each takes, asked in turn in one process."""

import math
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from slipway.gate.compare import Z
from slipway.gate.lines import Line, Outcome
from slipway.model.score import Scorer
from slipway.project import Replay

if TYPE_CHECKING:
    import polars as pl

CHECK = "latency"

_PAIRS, _FEWEST = 40, 8
_SECONDS = 0.25
"""After so long the pairs that there are have to do."""


def latency(
    candidate: Scorer, production: Scorer | None, rows: Sequence[Mapping[str, Any]], limit: Replay, absent: str
) -> Line:
    """Ask both for one row at a time, turn about, so that whatever else the machine does falls on both.

    It fails where both the ratio of the medians and their difference are beyond their limits, and would be whatever
    the spread of the pairs allows (order statistics around the median, at 95 %).
    """
    asked = f"at most {limit.latency_factor:g} times production's, or {limit.latency_floor_ms:g} ms more"
    if production is None:
        return Line(CHECK, asked, absent, "cannot tell", counts=False, varies=True)
    rows = [row for row in rows if not production.bundle.schema.problems([row])]
    if not rows:
        change = "requests that both take"
        return Line(CHECK, asked, "no requests that both take", "cannot tell", "", change, counts=False, varies=True)
    ours, theirs = _turn_about(candidate, production, rows)
    ratio, low_ratio, high_ratio = _median(ours / theirs)
    more, low_more, high_more = _median(ours - theirs)
    said = f"{np.median(ours):.1f} ms vs {np.median(theirs):.1f} ms for a row alone, {len(ours)} pairs"
    unsure = f"{low_ratio:.2f} to {high_ratio:.2f} times, {low_more:+.1f} to {high_more:+.1f} ms (90 %)"
    change = f"above {limit.latency_factor:g} times and {limit.latency_floor_ms:g} ms more it fails"
    if ratio <= limit.latency_factor or more <= limit.latency_floor_ms:
        return Line(CHECK, asked, said, "passed", unsure, change, counts=False, varies=True)
    is_shown = low_ratio > limit.latency_factor and low_more > limit.latency_floor_ms
    outcome: Outcome = "failed" if is_shown else "cannot tell"
    change = "a quieter machine" if not is_shown else "a faster candidate, or [model.replay] latency_factor"
    return Line(CHECK, asked, said, outcome, unsure, change, counts=False, varies=True)


def _turn_about(candidate: Scorer, production: Scorer, rows: Sequence[Mapping[str, Any]]) -> tuple[Any, Any]:
    """Milliseconds of either, pair by pair; the first of each is not counted."""
    both = [
        (scorer, [scorer.bundle.schema.table([row]) for row in rows[:_PAIRS]]) for scorer in (candidate, production)
    ]
    spent: tuple[list[float], list[float]] = ([], [])
    until = time.perf_counter() + _SECONDS
    for pair in range(_PAIRS + 1):
        for who in (0, 1) if pair % 2 else (1, 0):
            scorer, tables = both[who]
            taken = _milliseconds(scorer, tables[pair % len(tables)])
            if pair:
                spent[who].append(taken)
        if pair >= _FEWEST and time.perf_counter() > until:
            break
    return np.array(spent[0]), np.array(spent[1])


def _milliseconds(scorer: Scorer, table: "pl.DataFrame") -> float:
    started = time.perf_counter()
    scorer.score(table)
    return 1000 * (time.perf_counter() - started)


def _median(values: Any) -> tuple[float, float, float]:
    """The median and the order statistics that bound it at 95 % either way."""
    ordered = np.sort(values)
    n = ordered.size
    away = math.ceil(Z * math.sqrt(n) / 2)
    low, high = max(n // 2 - away, 0), min((n - 1) // 2 + away, n - 1)
    return float(np.median(ordered)), float(ordered[low]), float(ordered[high])
