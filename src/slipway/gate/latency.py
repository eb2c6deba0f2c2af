"""Compare how long two versions take over a row, asked in turn in one process: a line of the gate."""

import math
import os
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from slipway.gate.compare import Z
from slipway.gate.lines import TO_COMPARE, Line, Outcome
from slipway.gate.measure import Floats
from slipway.model.score import Scorer
from slipway.project import Replay

if TYPE_CHECKING:
    import polars as pl

CHECK = "latency"

_ROWS = 40
_FEWEST, _MOST = 8, 400
_LEAST = 1e-6
_SECONDS = 0.25
"""So long both are asked in any case..."""
_MOST_SECONDS = 2.0
"""...and so long at the most, while the interval does not decide."""


@dataclass(frozen=True, slots=True)
class _Spent:
    """What one version took over each row, in milliseconds."""

    processor: Floats
    waited: Floats
    """By the clock, but neither on a processor nor in the queue for one; 0 where the system does not tell."""
    clock: Floats

    @property
    def own(self) -> Floats:
        """Shape (pairs,). Of the waiting only what was waited every time: the rest is what else the machine did."""
        taken: Floats = np.maximum(self.processor + self.waited.min(), _LEAST)
        return taken


def latency(
    candidate: Scorer, production: Scorer | None, rows: Sequence[Mapping[str, Any]], limit: Replay, absent: str
) -> Line:
    """Ask both for one row at a time, turn about, until it shows which is slower, and compare what each took itself.

    That is the processor's time of this process, and what a version waits every time it is asked, so that other work
    on the machine does not decide. It fails where both the ratio of the medians and their difference are beyond their
    limits, and would be whatever the spread of the pairs allows (order statistics around the median, at 95 %). Where
    only the clock shows that, it can't be told: on a busy machine nobody knows what was waited for.
    """
    asked = f"at most {limit.latency_factor:g} times production's, or {limit.latency_floor_ms:g} ms more"
    if production is None:
        return Line(CHECK, asked, absent, "cannot tell", "", TO_COMPARE, counts=False, varies=True)
    schemas = (candidate.bundle.schema, production.bundle.schema)
    rows = [row for row in rows if not any(schema.problems([row]) for schema in schemas)]
    if not rows:
        change = "requests that both take"
        return Line(CHECK, asked, "no requests that both take", "cannot tell", "", change, counts=False, varies=True)
    new, old = _turn_about(candidate, production, rows, limit)
    ours, theirs = new.own, old.own
    said = (
        f"{np.median(ours):.1f} ms vs {np.median(theirs):.1f} ms for a row alone, of their own work, {len(ours)} pairs"
    )
    (ratio, low_ratio, high_ratio), (more, low_more, high_more) = _median(ours / theirs), _median(ours - theirs)
    unsure = f"{low_ratio:.2f} to {high_ratio:.2f} times, {low_more:+.1f} to {high_more:+.1f} ms (90 %)"
    if _outcome(ours, theirs, limit) == "failed":
        change = "a faster candidate, or [model.replay] latency_factor"
        return Line(CHECK, asked, said, "failed", unsure, change, counts=False, varies=True)
    if _outcome(new.clock, old.clock, limit) == "failed":
        said += f"; by the clock {np.median(new.clock):.1f} ms vs {np.median(old.clock):.1f} ms"
    elif ratio <= limit.latency_factor or more <= limit.latency_floor_ms:
        change = f"above {limit.latency_factor:g} times and {limit.latency_floor_ms:g} ms more it fails"
        return Line(CHECK, asked, said, "passed", unsure, change, counts=False, varies=True)
    return Line(CHECK, asked, said, "cannot tell", unsure, "a quieter machine", counts=False, varies=True)


def _outcome(ours: Floats, theirs: Floats, limit: Replay) -> Outcome:
    (_, low_ratio, high_ratio), (_, low_more, high_more) = _median(ours / theirs), _median(ours - theirs)
    if low_ratio > limit.latency_factor and low_more > limit.latency_floor_ms:
        return "failed"
    is_within = high_ratio <= limit.latency_factor or high_more <= limit.latency_floor_ms
    return "passed" if is_within else "cannot tell"


def _turn_about(
    candidate: Scorer, production: Scorer, rows: Sequence[Mapping[str, Any]], limit: Replay
) -> tuple[_Spent, _Spent]:
    """What either took, pair by pair, until the interval decides; the first of each is not counted."""
    from threadpoolctl import threadpool_limits

    scorers = (candidate, production)
    tables = [[scorer.bundle.schema.table([row]) for row in rows[:_ROWS]] for scorer in scorers]
    spent: tuple[list[tuple[float, float, float]], list[tuple[float, float, float]]] = ([], [])
    started = time.perf_counter()
    with threadpool_limits(1):  # threads that wait for work spend the processor's time on it
        for pair in range(_MOST + 1):
            for who in (0, 1) if pair % 2 else (1, 0):
                taken = _milliseconds(scorers[who], tables[who][pair % len(tables[who])])
                if pair:
                    spent[who].append(taken)
            passed = time.perf_counter() - started
            if pair >= _FEWEST and passed > _SECONDS:
                new, old = (_Spent(*np.array(each).T) for each in spent)
                if passed > _MOST_SECONDS or _outcome(new.own, old.own, limit) != "cannot tell":
                    return new, old
    new, old = (_Spent(*np.array(each).T) for each in spent)
    return new, old


def _milliseconds(scorer: Scorer, table: "pl.DataFrame") -> tuple[float, float, float]:
    """What a row takes on the processor, what it waits for anything but a processor, and what the clock says."""
    before = _queued_seconds()
    started, processor = time.perf_counter(), time.process_time()
    scorer.score(table)
    processor = time.process_time() - processor
    passed = time.perf_counter() - started
    queued = {thread: after - before.get(thread, 0.0) for thread, after in _queued_seconds().items()}
    ours = queued.pop(threading.get_native_id(), 0.0)
    # Of the threads that it waited for, the one that had to wait longest: they wait beside each other.
    waited = max(passed - processor - ours - max(queued.values(), default=0.0), 0.0) if before else 0.0
    return 1000 * processor, 1000 * waited, 1000 * passed


def _queued_seconds() -> dict[int, float]:
    """How long each thread of this process was ready to run and had no processor; empty where that is not told."""
    found = {}
    with suppress(OSError):
        for task in os.scandir("/proc/self/task"):
            with suppress(OSError, ValueError, IndexError):  # a thread that has just ended
                found[int(task.name)] = int(Path(task.path, "schedstat").read_text(encoding="ascii").split()[1]) / 1e9
    return found


def _median(values: Any) -> tuple[float, float, float]:
    """The median and the order statistics that bound it at 95 % either way."""
    ordered = np.sort(values)
    n = ordered.size
    away = math.ceil(Z * math.sqrt(n) / 2)
    low, high = max(n // 2 - away, 0), min((n - 1) // 2 + away, n - 1)
    return float(np.median(ordered)), float(ordered[low]), float(ordered[high])
