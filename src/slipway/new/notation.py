"""Texts with a number in them in; how the number is written, what stands around it, and which texts have none, out."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

_SPACE = r"[ \x{a0}\x{202f}]"
"""A plain space, and the two that keep a number on one line."""
_TOKEN = rf"-?(?:\d(?:[\d.,]|{_SPACE}\d{{3}}\b)*|\.\d+)(?:[eE][+-]?\d+)?"
_AROUND = rf"^\s*([^\d\-\p{{L}}_.,]*)({_TOKEN})(?:\s*$|\s*([^\d\s.,][^\s]*(?: [^\d\s]+)*)\s*$)"
_PADDED = r"^\s*[^\d\p{L}]*0\d"
_LEAST_DISTINCT = 10
_FEW = 3


@dataclass(frozen=True, slots=True)
class Notation:
    """How a column writes its numbers."""

    decimal: str = "."
    thousands: str = ""
    """What stands between thousands: nothing, a comma, a point or a space."""
    is_guess: bool = False
    """Every comma is before three digits, so that it may be either."""

    @property
    def pattern(self) -> str:
        """What a number of this notation looks like."""
        grouped = f"|\\d{{1,3}}(?:{self._between}\\d{{3}})+" if self.thousands else ""
        return rf"^-?(?:\d*{grouped})(?:{re.escape(self.decimal)}\d*)?(?:[eE][+-]?\d+)?$"

    @property
    def steps(self) -> tuple[str, ...]:
        """The calls on Polars' text that leave a number as Python writes it."""
        steps = []
        if self.thousands:
            steps.append(f'.str.replace_all(r"{self._between}(\\d{{3}})\\b", "$1")')
        if self.decimal == ",":
            steps.append('.str.replace(",", ".", literal=True)')
        return tuple(steps)

    def value(self, text: str) -> float:
        """The number in one text."""
        if self.thousands:
            text = re.sub(self._between.replace("x{a0}", "xa0").replace("x{202f}", "u202f") + r"(\d{3})\b", r"\1", text)
        if self.decimal == ",":
            text = text.replace(",", ".", 1)
        found = re.search(r"-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", text)
        assert found is not None  # it is an example of a quantity
        return float(found.group())

    @property
    def _between(self) -> str:
        return _SPACE if self.thousands == " " else re.escape(self.thousands)


PLAIN = Notation()


@dataclass(frozen=True, slots=True)
class Quantity:
    """A column whose texts are numbers, but for a few."""

    notation: Notation
    example: str
    others: tuple[str, ...]
    """Texts without such a number, three at most."""


def quantity(given: "pl.Series", *, has_semicolons: bool) -> Quantity | None:
    """Numbers with one unit, or text only because some values, such as "-", are no numbers.

    Args:
        given: a column's texts without nulls.
        has_semicolons: the file has semicolons between values, as is usual where the comma is a decimal sign.

    Codes stay text: numbers with leading zeros, with letters in front, or with several units.
    """
    distinct = given.unique().sort()
    if distinct.len() < _LEAST_DISTINCT or distinct.str.contains(_PADDED).any():
        return None
    parts = given.str.extract_groups(_AROUND).struct.unnest()
    notation = _notation(parts["2"].drop_nulls().unique().sort(), has_semicolons)
    if notation is None:
        return None
    if notation == PLAIN and has_semicolons and not parts["2"].str.contains(".", literal=True).any():
        notation = Notation(",")  # as the file's other columns have it: "195" today may be "195,5" tomorrow
    fits = parts["2"].str.contains(notation.pattern).fill_null(False)
    units = (parts["1"].fill_null("").str.strip_chars() + "#" + parts["3"].fill_null("")).set(~fits, None)
    if units.null_count() == units.len():
        return None
    unit = units.drop_nulls().mode().sort()[0]
    is_number = (units == unit).fill_null(False)
    share = is_number.sum() / is_number.len()
    if share < 0.5 or (share < 0.9 and given.filter(~is_number).n_unique() > 10):
        return None
    numbers = given.filter(is_number)
    telling = numbers.filter(numbers.str.contains(r"[.,]"))
    example = (telling if telling.len() else numbers)[0].strip()
    others = given.filter(~is_number).unique().sort().head(_FEW).to_list()
    return Quantity(notation, example, tuple(others))


def _notation(tokens: "pl.Series", has_semicolons: bool) -> Notation | None:
    """What the signs in these numbers mean, taken together; None where they contradict each other."""
    spaced = bool(tokens.str.contains(_SPACE).any())
    plain = tokens.str.replace_all(_SPACE, "")
    has_point, has_comma = plain.str.contains(".", literal=True), plain.str.contains(",", literal=True)
    both = plain.filter(has_point & has_comma)
    if both.len():
        ends_in_comma = both.str.contains(r",\d*$")
        if ends_in_comma.all():
            return Notation(",", ".")
        return None if ends_in_comma.any() else Notation(".", ",")
    if has_comma.any() and has_point.any():
        return None
    between = " " if spaced else ""
    if has_comma.any():
        commas = plain.filter(has_comma)
        if not commas.str.contains(r"^-?[1-9]\d{0,2}(,\d{3})+$").all():
            return Notation(",", between) if not commas.str.contains(r",.*,").any() else None
        is_sure = bool(commas.str.contains(r",.*,").any())
        if spaced or (has_semicolons and not is_sure):
            return Notation(",", between, is_guess=not spaced)
        return Notation(".", ",", is_guess=not is_sure)
    points = plain.filter(has_point)
    # "25", "980" and "1.350": where whole numbers end below a thousand and three digits follow each point.
    if points.len() >= _FEW and points.str.contains(r"^-?[1-9]\d{0,2}(\.\d{3})+$").all():
        whole = plain.filter(~has_point)
        if points.str.contains(r"\..*\.").any() or (whole.len() and whole.str.len_chars().max() <= 3):  # type: ignore[operator]
            return Notation(",", ".")
    return Notation(".", between)
