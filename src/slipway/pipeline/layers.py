"""Arrows between named boxes in; a column for each box, by the longest way to it, and its place in the column out."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

_SWEEPS = 4


@dataclass(frozen=True, slots=True)
class Bend:
    """Where an arrow passes through a column that it does not end in."""

    start: str
    end: str
    column: int


Item = str | Bend
Arrow = tuple[str, str]


def columns(boxes: Iterable[str], arrows: Sequence[Arrow]) -> list[list[Item]]:
    """Boxes and bends by column, each column from top to bottom, with few crossings.

    Args:
        boxes: each after those that arrows come from.

    Each box stands under the median of what it is connected to; a sweep to the right and one to the left take turns
    (Sugiyama, Tagawa and Toda, 1981).
    """
    column: dict[str, int] = {}
    for box in boxes:
        column[box] = max((column[start] + 1 for start, end in arrows if end == box), default=0)
    found: list[list[Item]] = [[] for _ in range(max(column.values(), default=-1) + 1)]
    for box, at in column.items():
        found[at].append(box)
    links: list[tuple[Item, Item]] = []
    for start, end in arrows:
        bends = [Bend(start, end, at) for at in range(column[start] + 1, column[end])]
        for bend in bends:
            found[bend.column].append(bend)
        links += pairwise([start, *bends, end])
    _sweep(found, links)
    return found


def _sweep(found: list[list[Item]], links: Sequence[tuple[Item, Item]]) -> None:
    before: dict[Item, list[Item]] = {}
    after: dict[Item, list[Item]] = {}
    for left, right in links:
        before.setdefault(right, []).append(left)
        after.setdefault(left, []).append(right)
    for turn in range(_SWEEPS):
        neighbours = after if turn % 2 else before
        for items in reversed(found) if turn % 2 else found:
            places = {item: _height(place, others) for others in found for place, item in enumerate(others)}
            items.sort(key=lambda item: _median(item, neighbours, places))


def _height(place: int, items: Sequence[Item]) -> float:
    """A place as the distance from the column's middle, since columns are drawn around one line."""
    return place - (len(items) - 1) / 2


def _median(item: Item, neighbours: Mapping[Item, Sequence[Item]], places: Mapping[Item, float]) -> float:
    near = sorted(places[other] for other in neighbours.get(item, ()))
    if not near:
        return places[item]
    middle = len(near) // 2
    return near[middle] if len(near) % 2 else (near[middle - 1] + near[middle]) / 2
