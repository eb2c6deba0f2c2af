"""The units around a column's numbers, of which those that mean the same, or a known part or multiple, are accepted."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_BOUNDS = re.compile(r"[<>≤≥~≈±+*#^≪≫∼=]")
"""Signs that say something of a number which a number without them does not: a bound, a guess, an open range."""
_OTHER_NUMBER = re.compile(r"^[-–—−/:x×*]\s*\d|[¼-¾⅐-⅞]")
"""What makes a range, a fraction, a time or a dimension of two numbers."""
_DIGITS_OF_UNIT = re.compile(r"[A-Za-zµ][23](?!\d)|(?<=/)\s?1000?(?=\s?[A-Za-z])")
"""As in m2, in cm3, and in l/100km."""
_SYMBOLS = re.compile(r"[^\w\s]+|[A-Z]{3}|Rs\.?|TL|kr\.?")
_LONGEST = 40
"""Characters of a unit."""
_CASELESS = re.compile(r"(?![mMpP])[A-Za-z]+[A-Zac-z]")
"""Words that mean the same in upper case: not mW and MW, nor kb and kB."""
_MONEY = re.compile(r"\s*([$€£¥₹₺])$")
_THOUSANDS: Mapping[str, float] = {
    **dict.fromkeys(("k", "thousand", "thousands", "tsd"), 1e3),
    **dict.fromkeys(("lac", "lacs", "lakh", "lakhs"), 1e5),
    **dict.fromkeys(("m", "mn", "mln", "mio", "million", "millions"), 1e6),
    **dict.fromkeys(("cr", "crore", "crores"), 1e7),
    **dict.fromkeys(("b", "bn", "mrd", "billion", "billions"), 1e9),
}
_UNSURE = ("m", "b", "B", "CR")
"""These may be metres, minutes, bits, bytes, a credit: multiples only beside another one."""
_HUNDREDTHS: Mapping[str, float] = {
    **dict.fromkeys(("%", "percent", "per cent", "pct"), 1.0),
    **dict.fromkeys(("‰", "per mille", "permille"), 0.1),
    **dict.fromkeys(("bp", "bps", "basis point", "basis points"), 0.01),
}


@dataclass(frozen=True, slots=True)
class Unit:
    """What may stand around a column's numbers."""

    before: str = ""
    """A regular expression."""
    after: str = ""
    worth: tuple[tuple[str, float], ...] = ()
    """Of the units behind a number what each is worth in the commonest; empty where there is one unit alone."""
    is_optional: bool = True
    """Whether a number without a unit is one in the column's unit."""
    usual: str = ""
    """A pattern of texts with the commonest unit."""
    odd: tuple[str, ...] = ()
    """Patterns of texts that the column has with other units, or with none."""


@dataclass(frozen=True, slots=True)
class _Around:
    before: str
    after: str
    is_apart: bool
    """Whether a blank stands before what is behind the number."""


def accepted_units(found: Iterable[tuple[str, str, bool, int]]) -> Unit | None:
    """Choose the units in which a column's numbers are read.

    The commonest is; a currency may be on the other side of the number; parts of per cent and multiples such as k and M
    are worth what they say. A number without a unit is in the column's one, unless that is a part, a multiple or a
    bound. Everything else has another unit, and is read by nobody.

    Args:
        found: what stands before and behind a number, whether a blank parts it from what is behind, in how many rows.
    """
    rows = Counter[_Around]()
    for before, after, is_apart, count in found:
        if not (before + after).isprintable() or len(after) > _LONGEST:
            continue
        if not (_OTHER_NUMBER.search(after) or re.search(r"\d", _DIGITS_OF_UNIT.sub("", after))):
            rows[_Around(before, after, is_apart)] += count
    if not rows:
        return None
    pairs = Counter[tuple[str, str]]()
    for around, count in rows.items():
        pairs[around.before, around.after] += count
    (before, after), _ = max(pairs.items(), key=lambda item: (item[1], item[0]))
    seen = {around for around in rows if around.before in (before, "")}
    for table in (_HUNDREDTHS, _THOUSANDS):
        if (chosen := _scaled(before, after, seen, table)) is not None:
            return chosen
    is_bound = bool(_BOUNDS.search(before) or _BOUNDS.search(after))
    is_alone = _folded(after) in _HUNDREDTHS or (_folded(after) in _THOUSANDS and after not in _UNSURE)
    is_optional = not (is_bound or is_alone)
    mark = "?" if is_optional else ""
    first = before if before and _BOUNDS.search(before) else ""
    in_front, behind = _form(before, "" if first else "?"), _form(after, mark)
    if before and not after and _SYMBOLS.fullmatch(before) and not is_bound and ("", before) in pairs:
        behind = _form(before, "?")
    if after and not before and _SYMBOLS.fullmatch(after) and not is_bound and (after, "") in pairs:
        in_front = _form(after, "?")
    alike = sorted({other for front, other in pairs if front == before and _alike(other) == _alike(after)})
    if len(alike) > 1:
        behind = f"(?:{'|'.join(map(_escaped, alike))}){mark}"
    odd: tuple[str, ...] = ()
    if is_optional and after and not {("", ""), (before, "")}.isdisjoint(pairs):
        odd = (r"\d[\s)]*$",)
    elif is_optional and before and not after and ("", "") in pairs:
        odd = (r"^[-+\s\d.,]*$",)
    return Unit(in_front, behind, (), is_optional, _usual(before, after), odd)


def _scaled(before: str, after: str, seen: "set[_Around]", table: Mapping[str, float]) -> Unit | None:
    """The units of one table that a column has beside its commonest; None where it has one alone."""
    if _BOUNDS.search(before):
        return None
    if after and _worth(after, table) is None:
        return None
    units = {
        around.after
        for around in seen
        if _worth(around.after, table) is not None and _money(around.after) == _money(after)
    }
    is_multiple = table is _THOUSANDS
    sure = {unit for unit in units if unit not in _UNSURE}
    if is_multiple and not (before or after):
        # "300 K" beside "295" may be kelvin, "1.2k" beside "950" is not.
        sure = {a.after for a in seen if a.after in sure and (a.before or not a.is_apart or len(a.after) > 1)}
    if not sure or (is_multiple and len({_worth(unit, table) for unit in units} | ({1.0} if not after else set())) < 2):
        return None
    if not is_multiple and (not after or len(units) < 2):
        return None
    base = _worth(after, table) or 1.0
    worth = {unit: _ratio(_worth(unit, table), base) for unit in sorted(units, key=lambda unit: (-len(unit), unit))}
    # Who chooses between k and M writes what is below a thousand without either.
    has_bare = is_multiple and (not after or len({_worth(unit, table) for unit in units}) > 1)
    if has_bare:
        worth[""] = _ratio(1.0, base)
    behind = f"(?:{'|'.join(map(_escaped, filter(None, worth)))}){'?' if has_bare else ''}"
    odd = [rf"\d\s*{_escaped(unit)}\s*[-−–)]?\s*$" for unit in worth if unit and unit != after]
    odd += [r"\d[\s)]*$"] if has_bare and after else []
    return Unit(_form(before, "?"), behind, tuple(worth.items()), has_bare, _usual(before, after), tuple(odd))


def _worth(unit: str, table: Mapping[str, float]) -> float | None:
    return table.get(_folded(unit))


def _ratio(worth: float | None, base: float) -> float:
    return float(f"{(worth or 1.0) / base:.12g}")


def _folded(unit: str) -> str:
    return _MONEY.sub("", unit).rstrip(".").lower()


def _alike(unit: str) -> str:
    """A unit without what makes no difference: an exponent's form, and case where that is sure."""
    return (unit.lower() if _CASELESS.fullmatch(unit) else unit).replace("²", "2").replace("³", "3")


def _money(unit: str) -> str:
    found = _MONEY.search(unit)
    return found[1] if found else ""


def _form(unit: str, mark: str) -> str:
    return f"(?:{_escaped(unit)}){mark}" if unit else ""


def _usual(before: str, after: str) -> str:
    return rf"{_escaped(before)}\s*[\d.,\s'’]+{_escaped(after)}\s*$"


def _escaped(text: str) -> str:
    return re.sub(r"\s+", r"\\s*", re.sub(r"([.^$*+?{}\[\]\\|()])", r"\\\1", text))
