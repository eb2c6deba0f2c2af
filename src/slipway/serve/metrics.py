"""What the service did, counted; out as text that Prometheus reads."""

import math
import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Sample = tuple[str, str, str, float]
"""A gauge: name, type, help, value."""


class Metrics:
    """Counts of requests and rows since the start. Safe between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: Counter[tuple[str, int]] = Counter()
        self._rows: Counter[tuple[int, str]] = Counter()
        self._buckets = [0] * (len(SECONDS) + 1)
        self._seconds = 0.0

    def request(self, route: str, status: int, seconds: float) -> None:
        """One answered request of a known route."""
        with self._lock:
            self._requests[route, status] += 1
            self._buckets[bisect_left(SECONDS, seconds)] += 1
            self._seconds += seconds

    def rows(self, version: int, *, answered: int, failed: int) -> None:
        """Rows that a version scored, and rows that it could not."""
        with self._lock:
            self._rows[version, "answered"] += answered
            self._rows[version, "failed"] += failed

    def text(self, gauges: Iterable[Sample]) -> str:
        """Everything counted, with the gauges of the moment."""
        with self._lock:
            requests, rows = sorted(self._requests.items()), sorted(self._rows.items())
            buckets, seconds = list(self._buckets), self._seconds
        lines = _head("slipway_requests_total", "counter", "Requests by route and status.")
        lines += [f'slipway_requests_total{{route="{_escape(r)}",status="{s}"}} {n}' for (r, s), n in requests]
        lines += _head("slipway_rows_total", "counter", "Rows by version and outcome.")
        lines += [f'slipway_rows_total{{version="{v}",outcome="{o}"}} {n}' for (v, o), n in rows]
        lines += _head("slipway_request_seconds", "histogram", "Time from a request's arrival to its answer.")
        total = 0
        for bound, count in zip((*(f"{s:g}" for s in SECONDS), "+Inf"), buckets, strict=True):
            total += count
            lines.append(f'slipway_request_seconds_bucket{{le="{bound}"}} {total}')
        lines += [f"slipway_request_seconds_sum {seconds:.6f}", f"slipway_request_seconds_count {total}"]
        for name, kind, help_text, value in gauges:
            lines += [*_head(name, kind, help_text), f"{name} {_figure(value)}"]
        return "\n".join(lines) + "\n"


def _head(name: str, kind: str, help_text: str) -> list[str]:
    return [f"# HELP {name} {help_text}", f"# TYPE {name} {kind}"]


def _figure(value: float) -> str:
    # Every digit: six of them would tell a Unix time to within three hours.
    if math.isnan(value):
        return "NaN"
    return f"{value:d}" if isinstance(value, int) else repr(value)


def _escape(label: str) -> str:
    return label.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
