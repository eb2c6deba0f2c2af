"""The version in use in, two pieces of the page out: the gate's table that its release rests on, and latest drift."""

import logging
import threading
import time
from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING, Any

from slipway.errors import SlipwayError
from slipway.gate.evidence import read_table
from slipway.serve.live import Live

if TYPE_CHECKING:
    from slipway.serve.service import Service

KEPT_SECONDS = 60.0
"""How long a look at the drift is shown before another is taken."""

_ALERTS = 8

log = logging.getLogger(__name__)


class LatestDrift:
    """The latest window of the version in use, looked at when somebody wants to see it, once a minute at most."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: tuple[int, float, Mapping[str, Any]] | None = None

    def of(self, service: "Service", live: Live) -> Mapping[str, Any] | None:
        """As `slipway monitor --json` has it; None where it can't be told."""
        if service.drift is None:
            return None
        with self._lock:
            if self._seen is not None and self._seen[0] == live.version:
                _, at, found = self._seen
                if time.monotonic() - at < KEPT_SECONDS:
                    return found
            try:
                found = service.drift(service.project, live.scorer, live.version, service.storage.journal)
            except SlipwayError as error:
                log.warning("the drift can't be shown: %s", error)
                return None
            self._seen = (live.version, time.monotonic(), found)
            return found


def evidence(service: "Service", live: Live) -> str:
    """Two sections, each left out where there is nothing to say."""
    return _gate(service, live) + _drift(service.latest_drift.of(service, live))


def _gate(service: "Service", live: Live) -> str:
    digest = live.released.gate
    try:
        table = None if digest is None else read_table(service.settings.gates, digest)
    except SlipwayError as error:
        return f"<section><h2>Gate</h2><p class=warn>{escape(str(error))}</p></section>"
    if table is None:
        return ""
    rows = "".join(
        f"<tr><td>{_cell(line, 'check')}<td>{_cell(line, 'asked')}<td>{_cell(line, 'measured')}"
        f"<td class={escape(str(line.get('outcome', '')).split()[0] or 'none')}>{_cell(line, 'outcome')}"
        for line in table["lines"]
    )
    head = "<tr><th>check<th>asked<th>measured<th>outcome"
    return f"<section><h2>Gate</h2><table><thead>{head}<tbody>{rows}</table></section>"


def _drift(found: Mapping[str, Any] | None) -> str:
    if found is None:
        return ""
    decision = str(found["decision"])
    told = {"none": "No drift", "too small": "Too few predictions to judge", "alarm": "Drift", "retrain": "Drift"}
    alerts = "".join(
        f"<tr><td>{escape(str(alert['column']))}<td>{escape(str(alert['measure']).replace('_', ' '))}"
        f"<td>{alert['value']:.3g}<td>{alert['threshold']:g}"
        for alert in found["alerts"][:_ALERTS]
    )
    head = "<tr><th>column<th>measure<th>found<th>threshold"
    table = f"<table><thead>{head}<tbody>{alerts}</table>" if alerts else ""
    words = f"{told.get(decision, decision)} in {escape(str(found.get('window', 'the latest window')))}."
    return f"<section><h2>Drift</h2><p class={decision.split()[0]}>{words}</p>{table}</section>"


def _cell(line: Mapping[str, Any], key: str) -> str:
    value = line.get(key)
    return "" if value is None else escape(f"{value:.4g}" if isinstance(value, float) else str(value))
