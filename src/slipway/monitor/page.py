"""What was found in a window in, one self-contained HTML page on which a person judges it out."""

from datetime import UTC, datetime
from html import escape
from importlib.resources import files
from pathlib import Path

from slipway.files import write_text
from slipway.monitor.check import DriftReport
from slipway.monitor.draw import draw, draw_courses
from slipway.monitor.reading import ColumnDrift, Reading
from slipway.monitor.window import Monitored
from slipway.monitor.words import (
    CALLED,
    MEASURES,
    called,
    explanation,
    figure,
    limit,
    number,
    percent,
    sentence,
    verdict,
)
from slipway.rounding import rounded
from slipway.serve.pages.text import breakable

MARK = 66.0  # where on its track, in percent, a threshold stands


def write_page(found: Monitored, path: Path) -> None:
    """Write the page to a file."""
    write_text(path, page(found))


def page(found: Monitored, *, at: datetime | None = None) -> str:
    """Write the page. Nothing on it comes from elsewhere, and text from the data is escaped.

    Args:
        at: when the window was checked; now, if not given.
    """
    report = found.report
    when = (at or datetime.now(UTC)).astimezone(UTC)
    style = files("slipway.monitor").joinpath("page.css").read_text(encoding="utf-8")
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(verdict(report))} · drift of version {found.version}</title>
<style>
{style}</style>
</head>
<body>
<header class="{report.decision.replace(" ", "-")}">
<p class="kicker">Drift · version {found.version} · <time datetime="{when.isoformat(timespec="seconds")}">\
{when.day} {when:%B %Y, %H:%M} UTC</time></p>
<h1>{escape(verdict(report))}</h1>
<p class="lead">{escape(explanation(report))}</p>
<dl class="sides">
<div><dt><i class="key window"></i>Window</dt><dd>{escape(found.window)}</dd></div>
<div><dt><i class="key reference"></i>Reference</dt><dd>{report.reference_rows:,} rows that version \
{found.version} learnt from</dd></div>
{_quality(found)}</dl>
</header>
<main>
{_columns(report, _span(found))}</main>
<footer>
<p>Filled bars are the window, the outline is the reference. Each track shows a measure; the mark on it is where the
alarm starts, and from the distribution's figure (the population stability index) what sampling alone gives is taken
off first. Bars side by side are parts of the window, one after the other; the line across them is the threshold, or the
reference's own share. {_rule(report.signals_to_retrain)}</p>
</footer>
</body>
</html>
"""


def _rule(signals: int) -> str:
    return "One signal asks for a retraining." if signals == 1 else f"{signals} different signals ask for a retraining."


def _quality(found: Monitored) -> str:
    if not found.truths:
        return ""
    figures = ", ".join(f"{escape(name.replace('_', ' '))} {rounded(value)}" for name, value in found.quality.items())
    return f"<div><dt>Quality</dt><dd>{figures} on {found.truths:,} rows with known truth</dd></div>\n"


def _span(found: Monitored) -> str:
    """The times between which the window's pieces lie, in as many words as they need to differ."""
    if not found.pieces:
        return ""
    first, last = found.pieces[0].start, found.pieces[-1].end
    is_day = first.date() == last.date()
    told = [f"{at:%H:%M:%S}" if is_day else f"{at.day} {at:%b %Y}" for at in (first, last)]
    day = f", {first.day} {first:%B %Y}" if is_day else ""
    return f"{told[0]} to {told[1]}{day}, in {len(found.pieces)} parts"


def _columns(report: DriftReport, span: str) -> str:
    drawn = [column for column in report.columns.values() if column.role != "raw" or column.alerts]
    beyond = [column for column in drawn if column.alerts]
    flagged = [column for column in drawn if column.flag and not column.alerts]
    within = [column for column in drawn if not column.flag and not column.alerts]
    raw = [column for column in report.columns.values() if column.role == "raw" and not column.alerts]
    parts = []
    if beyond:
        parts.append(_section("Beyond their thresholds", "".join(_card(c, span, is_wide=True) for c in beyond), "wide"))
    if within:
        title = "Shown, too few rows to judge" if report.decision == "too small" else "Within their thresholds"
        parts.append(_section(title, "".join(_card(c, span) for c in within), "grid"))
    if flagged:
        parts.append(_section("Shown, never an alarm", "".join(_card(c, span) for c in flagged), "grid"))
    if raw:
        parts.append(_raw(raw))
    return "".join(parts)


def _section(title: str, cards: str, layout: str) -> str:
    return f'<section>\n<h2>{escape(title)}</h2>\n<div class="{layout}">\n{cards}</div>\n</section>\n'


def _card(column: ColumnDrift, span: str, *, is_wide: bool = False) -> str:
    told = sentence(column)
    title = called(column) if column.role not in CALLED else called(column).capitalize()
    flag = {"clock": "moves with time", "id": "looks like an id"}.get(column.flag or "", "")
    tag = f'<span class="tag">{flag}</span>' if flag else ""
    tag += '<span class="tag critical">critical</span>' if column.is_critical else ""
    drawing = draw(column.overlay, f"{title}. {told}", most=12 if is_wide else 6) if column.overlay else ""
    readings = "".join(_track(r) for r in column.readings if r.value is not None and r.threshold is not None)
    nulls = _nulls(column)
    is_share = column.role == "prediction" and column.type == "text"
    course = draw_courses(column.course, span, is_share=is_share) if column.course else ""
    layout = "card" + (" wide-card" if is_wide else "") + ("" if drawing else " bare-card")
    others = "".join(_plain(r) for r in column.readings if r.value is not None and r.threshold is None) + nulls
    folded = f'<details class="others"><summary>Other measures</summary>{others}</details>' if others else ""
    measures = f'<div class="measures">{readings}{_metrics(column)}{course}{folded}</div>'
    return (
        f'<article class="{layout}">\n<div class="words"><h3>{breakable(title)}{tag}</h3>'
        f"<p>{escape(told)}</p></div>\n{drawing}\n{measures}\n</article>\n"
    )


def _track(reading: Reading) -> str:
    name = escape(MEASURES.get(reading.measure, reading.measure))
    value = f"<b>{escape(figure(reading))}</b>"
    # Beyond the mark a logarithm keeps the far and the very far on the track.
    weight = reading.weight
    length = MARK * weight if weight <= 1 else min(MARK + (100 - MARK) * (1 - 1 / weight), 100.0)
    state = " beyond" if reading.is_beyond else ""
    return (
        f'<div class="measure{state}"><span>{name}</span>{value}'
        f'<span class="track" aria-hidden="true"><i style="width:{length:.1f}%"></i>'
        f'<u style="left:{MARK:.0f}%"></u></span><small>{escape(limit(reading))}</small></div>'
    )


def _plain(reading: Reading) -> str:
    name = escape(MEASURES.get(reading.measure, reading.measure))
    return f'<div class="measure plain"><span>{name}</span><b>{escape(figure(reading))}</b></div>'


def _metrics(column: ColumnDrift) -> str:
    return "".join(
        f'<div class="measure plain"><span>{escape(str(name).replace("_", " "))}</span><b>{number(m["window"])}</b>'
        f"<small>{number(m['reference'])} on the test rows</small></div>"
        for name, m in column.facts.get("metrics", {}).items()
    )


def _nulls(column: ColumnDrift) -> str:
    after, before = column.facts.get("nulls"), column.facts.get("nulls_reference")
    if not after and not before:
        return ""
    return (
        f'<div class="measure plain"><span>No value</span><b>{percent(after or 0.0)}</b>'
        f"<small>{percent(before or 0.0)} in the reference</small></div>"
    )


def _raw(columns: list[ColumnDrift]) -> str:
    rows = "".join(
        f"<tr><th>{breakable(column.name)}</th><td>{escape(figure(column.readings[0]))}</td></tr>" for column in columns
    )
    return (
        "<section><details><summary>Raw columns that the model does not see as they are</summary>\n"
        f"<table><thead><tr><th>Column</th><th>More missing than in the reference</th></tr></thead>"
        f"<tbody>{rows}</tbody></table></details></section>\n"
    )
