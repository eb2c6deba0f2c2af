"""An overlay in, its drawing as HTML with inline SVG out: the reference as an outline, the window filled."""

from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape

from slipway.monitor.overlay import Bars, Overlay, Shape
from slipway.monitor.reading import Course
from slipway.monitor.words import number, percent

WIDTH, HEIGHT = 640, 150
COURSE = 40


def draw(overlay: Overlay, title: str, *, most: int = 12) -> str:
    """Draw one column.

    Args:
        most: categories with a bar of their own.
        title: what a person who can't see the drawing is told; plain text.
    """
    return _bars(overlay.shortened(most), title) if isinstance(overlay, Bars) else _shape(overlay, title)


def draw_courses(courses: Sequence[Course], span: str, *, is_share: bool) -> str:
    """Draw how figures went over the consecutive pieces of a window, one row of bars each.

    Args:
        span: the times of the window's first row and its last; plain text.
        is_share: whether the figures are shares, which have one scale together.
    """
    top = max((_top(course) for course in courses), default=0.0) if is_share else 0.0
    layout = ' class="alone"' if len(courses) == 1 else ""
    rows = "".join(f"<li{layout}>{_course(course, top or _top(course), is_share)}</li>" for course in courses)
    return f'<figure class="course"><ul>{rows}</ul><figcaption>{escape(span)}</figcaption></figure>'


def _top(course: Course) -> float:
    figures = [abs(value) for value in (*course.values, course.mark) if value is not None]
    return max(figures, default=0.0) or 1.0


def _course(course: Course, top: float, is_share: bool) -> str:
    """Bars of one height scale, the mark as a line over them; figures below 0 are drawn by their size."""
    told = [value for value in course.values if value is not None]
    label = course.label if is_share else {"psi": "Distribution", "mean": "Mean"}[course.label] + ", part by part"
    last = "–" if not told else percent(told[-1]) if is_share else number(told[-1])
    bars = []
    step = WIDTH / len(course.values)
    for place, value in enumerate(course.values):
        height = (COURSE - 2) * abs(value or 0.0) / top
        is_beyond = course.label == "psi" and course.mark is not None and (value or 0.0) > course.mark
        bars.append(
            f'<rect class="{"beyond" if is_beyond else "window"}" x="{step * place + 2:.1f}" '
            f'y="{COURSE - height:.1f}" width="{step - 4:.1f}" height="{height:.1f}"/>'
        )
    mark = ""
    if course.mark is not None:
        y = COURSE - (COURSE - 2) * min(abs(course.mark) / top, 1.0)
        mark = f'<path class="mark" d="M0 {y:.1f}H{WIDTH}"/>'
    return (
        f'<span class="label" title="{escape(label)}"><bdi>{escape(label)}</bdi></span>'
        f'<svg viewBox="0 0 {WIDTH} {COURSE}" preserveAspectRatio="none" aria-hidden="true">{"".join(bars)}{mark}</svg>'
        f'<span class="share">{last}</span>'
    )


def _shape(shape: Shape, title: str) -> str:
    highest = max((*shape.reference, *shape.window)) or 1.0
    step = WIDTH / len(shape.reference)
    tops = [HEIGHT - 2 - (HEIGHT - 8) * share / highest for share in shape.reference]
    outline = f"M0 {HEIGHT - 1}" + "".join(f"V{top:.1f}H{step * (place + 1):.1f}" for place, top in enumerate(tops))
    bars = []
    for place, share in enumerate(shape.window):
        if share:
            height = (HEIGHT - 8) * share / highest
            bars.append(
                f'<rect x="{step * place + 1:.1f}" y="{HEIGHT - 1 - height:.1f}" width="{step - 2:.1f}" '
                f'height="{height:.1f}"/>'
            )
    ticks = [shape.first + (shape.last - shape.first) * part / 4 for part in range(5)]
    labels = "".join(f"<span>{escape(_tick(value, shape))}</span>" for value in ticks)
    return (
        f'<figure class="shape"><svg viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" role="img" '
        f'aria-label="{escape(title)}"><g class="window">{"".join(bars)}</g>'
        f'<path class="reference" d="{outline}V{HEIGHT - 1}"/></svg>'
        f'<figcaption class="axis" aria-hidden="true">{labels}</figcaption></figure>'
    )


def _tick(value: float, shape: Shape) -> str:
    if shape.is_time:
        try:
            return datetime.fromtimestamp(value, UTC).strftime("%Y-%m-%d")
        except (OverflowError, OSError, ValueError):  # a year that calendars don't have
            return number(value)
    width = shape.last - shape.first
    # As many digits as neighbouring ticks need to differ, no more.
    digits = 0 if width >= 20 else 1 if width >= 4 else 2 if width >= 0.2 else 4
    return f"{value:,.{digits}f}" if abs(value) < 1e6 else number(value)


def _bars(bars: Bars, title: str) -> str:
    named = len(bars.labels) - (1 if bars.rest else 0)
    highest = max((*bars.reference[:named], *bars.window[:named]), default=0.0) or 1.0
    rows = []
    for place, (label, before, after) in enumerate(zip(bars.labels, bars.reference, bars.window, strict=True)):
        new = '<em class="new">new</em>' if label in bars.unseen else ""
        # The rest together is not a category: a bar of it would dwarf theirs, and is not comparable.
        rects = _pair(before / highest, after / highest) if place < named else ""
        rows.append(
            f'<li class="{"category" if place < named else "rest"}"><span class="label" title="{escape(label)}">'
            f"<bdi>{escape(label)}</bdi>{new}</span>"
            f'<svg viewBox="0 0 100 18" preserveAspectRatio="none" aria-hidden="true">'
            f"{rects}</svg>"
            f'<span class="share"><span class="sr">window </span>{percent(after)}'
            f'<small><span class="sr">, reference </span>{percent(before)}</small></span></li>'
        )
    return f'<ul class="bars" aria-label="{escape(title)}">{"".join(rows)}</ul>'


def _pair(before: float, after: float) -> str:
    return (
        f'<rect class="window" x="0" y="4.5" width="{99 * after:.2f}" height="9"/>'
        f'<rect class="reference" x="0.2" y="1" width="{99 * before:.2f}" height="16"/>'
    )
