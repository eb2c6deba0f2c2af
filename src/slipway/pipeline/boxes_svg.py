"""Boxes and arrows between them in, one SVG out: nothing is fetched by it, and it is light or dark as its reader is."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

from slipway.pipeline.layers import Bend, Item, columns

_LETTER = 8.0
_SMALL = 6.6
_BOX_HEIGHT, _BEND_HEIGHT, _ROOM = 46.0, 22.0, 18.0
_MARGIN = 20.0
_GAP = 56.0
_LONGEST = 34
"""Letters of a text that are shown; the whole of it is in the box's title."""


@dataclass(frozen=True, slots=True)
class Box:
    name: str
    below: str
    """The small line under the name."""
    about: str
    kind: str

    @property
    def width(self) -> float:
        return max(84.0, 32 + max(_LETTER * _length(_short(self.name)), _SMALL * _length(_short(self.below))))


@dataclass(frozen=True, slots=True)
class _Place:
    left: float
    right: float
    middle: float


def svg(title: str, boxes: Mapping[str, Box], arrows: Mapping[tuple[str, str], list[str]]) -> str:
    """The boxes from left to right.

    Args:
        boxes: by a key of their own, each after those that arrows come from.
        arrows: by the keys of start and end, what stands on each.
    """
    placed, width, height = _placed(columns(boxes, list(arrows)), boxes, arrows)
    drawn = [_arrow(start, end, placed, labels) for (start, end), labels in arrows.items()]
    labels = [text for _, text in drawn if text]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="slipway" role="img" viewBox="0 0 {width:g} {height:g}" '
            f'width="{width:g}" height="{height:g}">',
            f"<title>{_text(title)}</title>",
            f"<style>{_STYLE}</style>",
            '<defs><marker id="slipway-tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
            'orient="auto"><path class="tip" d="M0 0 8 4 0 8z"/></marker></defs>',
            f'<rect class="paper" width="{width:g}" height="{height:g}"/>',
            *(path for path, _ in drawn),
            *(_drawn_box(box, placed[key]) for key, box in boxes.items()),
            *labels,
            "</svg>",
        ]
    )


def _placed(
    found: list[list[Item]], boxes: Mapping[str, Box], arrows: Mapping[tuple[str, str], list[str]]
) -> tuple[dict[Item, _Place], float, float]:
    """Each box's and bend's place, and the size of it all."""
    heights = [sum(_height(item) for item in items) + _ROOM * (len(items) - 1) for items in found]
    height = max(heights, default=0.0) + 2 * _MARGIN
    placed: dict[Item, _Place] = {}
    left = right = _MARGIN
    for items, taken in zip(found, heights, strict=True):
        right = left + max((boxes[item].width for item in items if not isinstance(item, Bend)), default=0.0)
        top = (height - taken) / 2
        for item in items:
            placed[item] = _Place(left, right, top + _height(item) / 2)
            top += _height(item) + _ROOM
        shown = [", ".join(labels) for (start, _), labels in arrows.items() if start in items]
        left = right + _GAP + _SMALL * max((_length(_short(label)) for label in shown), default=0)
    return placed, round(right + _MARGIN, 1), round(height, 1)


def _height(item: Item) -> float:
    return _BEND_HEIGHT if isinstance(item, Bend) else _BOX_HEIGHT


def _arrow(start: str, end: str, placed: Mapping[Item, _Place], labels: list[str]) -> tuple[str, str]:
    """The line from one box to another through its bends, and the text that stands on it."""
    bends = sorted(
        (item for item in placed if isinstance(item, Bend) and (item.start, item.end) == (start, end)),
        key=lambda bend: bend.column,
    )
    x, y = placed[start].right, placed[start].middle
    path, text = [f"M{x:g} {y:g}"], ""
    items: list[Item] = [*bends, end]
    for item in items:
        place = placed[item]
        middle = (x + place.left) / 2
        path.append(f"C{middle:g} {y:g} {middle:g} {place.middle:g} {place.left:g} {place.middle:g}")
        if labels and not text:
            label = ", ".join(labels)
            at = (y + place.middle) / 2 + 4
            text = f'<text class="label" x="{middle:g}" y="{at:g}">{_text(_short(label))}</text>'
        if isinstance(item, Bend):
            path.append(f"L{place.right:g} {place.middle:g}")
        x, y = place.right, place.middle
    return f'<path class="arrow" d="{"".join(path)}" marker-end="url(#slipway-tip)"/>', text


def _drawn_box(box: Box, place: _Place) -> str:
    # A box is as wide as its column, so that arrows start and end on straight lines.
    top, width = place.middle - _BOX_HEIGHT / 2, place.right - place.left
    middle = (place.left + place.right) / 2
    round_by = _BOX_HEIGHT / 2 if box.kind == "source" else 5
    name_y = place.middle + (-2 if box.below else 5)
    below = f'<text class="below" x="{middle:g}" y="{place.middle + 14:g}">{_text(_short(box.below))}</text>'
    return (
        f'<g class="{box.kind}"><title>{_text(box.about)}</title><rect x="{place.left:g}" y="{top:g}" '
        f'width="{width:g}" height="{_BOX_HEIGHT:g}" rx="{round_by:g}"/>'
        f'<text x="{middle:g}" y="{name_y:g}">{_text(_short(box.name))}</text>{below if box.below else ""}</g>'
    )


def _short(text: str) -> str:
    if len(text) <= _LONGEST:
        return text
    return f"{text[: _LONGEST // 2]}…{text[-(_LONGEST // 2 - 1) :]}"


def _length(text: str) -> int:
    """Letters, those of twice the width counted so."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def _text(text: str) -> str:
    # XML has no form, escaped or not, for control characters and lone surrogates.
    return escape(re.sub(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", text))


_STYLE = """
.slipway{--ink:#14202b;--soft:#5b6b7a;--paper:#f6f8fa;--card:#fff;--line:#b9c5cf;--sea:#0b6e8f;--mist:#e3f1f6;
font:500 14px ui-sans-serif,system-ui,sans-serif}
@media(prefers-color-scheme:dark){.slipway{--ink:#e6edf3;--soft:#93a4b3;--paper:#0d1419;--card:#141d25;
--line:#3d4d5a;--sea:#5cc0de;--mist:#12303b}}
.slipway .paper{fill:var(--paper)}.slipway g rect{fill:var(--card);stroke:var(--line);stroke-width:1.5}
.slipway .source rect{fill:var(--paper);stroke:var(--soft)}
.slipway .online rect{fill:var(--mist);stroke:var(--sea);stroke-width:2}
.slipway text{fill:var(--ink);text-anchor:middle}.slipway .below{fill:var(--soft);font-size:11.5px;font-weight:400}
.slipway .online .below{fill:var(--sea)}.slipway .arrow{fill:none;stroke:var(--soft);stroke-width:1.5}
.slipway .tip{fill:var(--soft)}.slipway .label{fill:var(--soft);font-size:11.5px;font-weight:400;
stroke:var(--paper);stroke-width:5px;paint-order:stroke;stroke-linejoin:round}
"""
