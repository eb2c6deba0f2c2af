"""An overlay in, its drawing as HTML with inline SVG out: the reference as an outline, the window filled."""

from datetime import UTC, datetime
from html import escape

from slipway.monitor.overlay import Bars, Overlay, Shape
from slipway.monitor.words import number, percent

WIDTH, HEIGHT = 640, 150


def draw(overlay: Overlay, title: str, *, most: int = 12) -> str:
    """Draw one column.

    Args:
        most: categories with a bar of their own.
        title: what a person who can't see the drawing is told; plain text.
    """
    return _bars(overlay.shortened(most), title) if isinstance(overlay, Bars) else _shape(overlay, title)


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
