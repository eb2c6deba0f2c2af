"""Render the gate's table that the live version's release rests on, and the latest drift, as pieces of a page."""

import re
from collections.abc import Mapping
from html import escape
from typing import Any

from slipway.errors import SlipwayError
from slipway.gate.evidence import read_table
from slipway.rounding import rounded
from slipway.serve.http.redaction import without_paths
from slipway.serve.live.version import Live
from slipway.serve.pages.text import breakable
from slipway.serve.service import Service

_FIGURE = re.compile(r"\(?[\d.,]*\d(?:e[-+]\d+| %)\)?")
"""What would break in two at its sign or before its unit."""
_ALERTS = 8


def evidence(service: Service, live: Live) -> str:
    """Two sections, each left out where there is nothing to say."""
    return _gate(service, live) + _drift(service.drift.of(live))


def _gate(service: Service, live: Live) -> str:
    digest = live.released.gate
    try:
        table = None if digest is None else read_table(service.settings.gates, digest)
    except SlipwayError as error:
        told = escape(without_paths(str(error), service.settings.root))
        return f"<section><h2>Gate</h2><p class=warn>{told}</p></section>"
    if table is None:
        return ""
    rows = "".join(
        f"<tr><th scope=row>{_cell(line, 'check')}<td>{_cell(line, 'asked')}<td>{_measured(line)}"
        f"<td class={escape(str(line.get('outcome') or 'none').split()[0])}>{_cell(line, 'outcome')}"
        for line in table["lines"]
    )
    head = "<tr><th>check<th>asked<th>measured<th>outcome"
    return f"<section><h2>Gate</h2><table class=gate><thead>{head}<tbody>{rows}</table></section>"


def _measured(line: Mapping[str, Any]) -> str:
    """The figure with how far chance reaches, and, of a line that did not pass, what would make it another."""
    said = "; ".join(filter(None, (_cell(line, "measured"), _cell(line, "uncertainty"))))
    change = _cell(line, "would_change") if line.get("outcome") != "passed" else ""
    return f"{said}<small>Would change it: {change}</small>" if change else said


def _drift(found: Mapping[str, Any] | None) -> str:
    if found is None:
        return ""
    decision = str(found["decision"])
    told = {"none": "No drift", "too small": "Too few predictions to judge", "alarm": "Drift", "retrain": "Drift"}
    alerts = "".join(
        f"<tr><th scope=row>{breakable(str(alert['column']))}<td>{escape(str(alert['measure']).replace('_', ' '))}"
        f"<td>{rounded(alert['threshold'])}<td>{rounded(alert['value'], digits=3)}"
        for alert in found["alerts"][:_ALERTS]
    )
    head = "<tr><th>column<th>measure<th>threshold<th>found"
    table = f"<table class=drift><thead>{head}<tbody>{alerts}</table>" if alerts else ""
    words = f"{told.get(decision, decision)} in {escape(str(found.get('window', 'the latest window')))}."
    return f"<section><h2>Drift</h2><p class={decision.split()[0]}>{words}</p>{table}</section>"


def _cell(line: Mapping[str, Any], key: str) -> str:
    value = line.get(key)
    told = "" if value is None else breakable(rounded(value) if isinstance(value, float) else str(value))
    return _FIGURE.sub(r"<span class=figure>\g<0></span>", told)
