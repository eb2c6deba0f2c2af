"""Columns of text in, columns of the types that all their values agree on out."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

NOTHING = ("", "?", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "NULL", "null")
"""What says that a value is not known, alone in its cell or with spaces around it."""
_HEAD = 1_000
_LONG = r"^\s*-?[0-9]{19,}\s*$"
"""A float would lose its last digits, and it is a key more likely than a number."""
_SURE_COMMA = r"^\s*-?(0,[0-9]+|[0-9]+,([0-9]{1,2}|[0-9]{4,})|[0-9]{4,},[0-9]+)\s*$"
"""What a comma between thousands could not give: "12,5", "0,125"; "1,234" may be either."""
_PADDED = r"^\s|\s$"


@dataclass(frozen=True, slots=True)
class _Reading:
    """A type that text can be read as: what each value looks like, and how it is read."""

    pattern: str
    read: "Callable[[pl.Series], pl.Series]"
    forbidden: str = ""
    """A pattern that no value may have."""
    evidence: str = ""
    """A pattern that one value at least must have."""


def _floats(values: "pl.Series") -> "pl.Series":
    import polars as pl

    return values.cast(pl.Float64)


def _integers(values: "pl.Series") -> "pl.Series":
    import polars as pl

    return values.cast(pl.Int64)


def _truths(true: str) -> "Callable[[pl.Series], pl.Series]":
    return lambda values: values == true


_READINGS = (
    # A whole number as a program writes it: "001" is a code, and more than 18 digits don't fit.
    _Reading(r"^\s*(0|-?[1-9][0-9]{0,17})\s*$", _integers),
    _Reading(r"^\s*-?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?\s*$", _floats, forbidden=_LONG),
    _Reading(
        r"^\s*-?(0|[1-9][0-9]*)(,[0-9]+)?\s*$",
        lambda values: _floats(values.str.replace(",", ".", literal=True)),
        forbidden=_LONG,
        evidence=_SURE_COMMA,
    ),
    *(
        _Reading(rf"^\s*({true}|{false})\s*$", _truths(true))
        for true, false in (("true", "false"), ("True", "False"), ("TRUE", "FALSE"))
    ),
)


class TextColumn:
    """What the values of one column, seen part by part, can all be read as."""

    def __init__(self, *, stays_text: bool = False) -> None:
        self._possible = [] if stays_text else list(_READINGS)
        self._proven: set[str] = set()
        self._has_values = False

    def see(self, values: "pl.Series") -> None:
        """Take a part of the column, as text, into account."""
        if not self._possible:
            return
        given = values.drop_nulls()
        if given.is_empty():
            return
        self._has_values = True
        head = given.head(_HEAD)
        self._possible = [r for r in self._possible if _fits(head, r) and _fits(given, r)]
        for reading in self._possible:
            if reading.evidence and reading.evidence not in self._proven and given.str.contains(reading.evidence).any():
                self._proven.add(reading.evidence)

    def read(self, values: "pl.Series") -> "pl.Series":
        """A part of the column with the type that all the parts agree on."""
        reading = self._reading
        return values if reading is None else reading.read(values.str.strip_chars())

    @property
    def has_commas(self) -> bool:
        """Whether these are numbers with a decimal comma."""
        reading = self._reading
        return reading is not None and reading.evidence == _SURE_COMMA

    @property
    def _reading(self) -> _Reading | None:
        if not self._has_values:
            return None
        return next((r for r in self._possible if not r.evidence or r.evidence in self._proven), None)


def type_columns(parts: "Iterable[pl.DataFrame]", stay_text: Iterable[str]) -> "dict[str, TextColumn]":
    """What the columns of a table of text can be read as, by name.

    Args:
        parts: the table, part by part.
        stay_text: columns that are text whatever they look like.
    """
    kept, found = frozenset(stay_text), dict[str, TextColumn]()
    for part in parts:
        for column in part.iter_columns():
            seen = found.setdefault(column.name, TextColumn(stays_text=column.name in kept))
            seen.see(column)
    return found


def _fits(values: "pl.Series", reading: _Reading) -> bool:
    if not values.str.contains(reading.pattern).all():
        return False
    return not (reading.forbidden and values.str.contains(reading.forbidden).any())


def known_texts(table: "pl.DataFrame", literal: "Mapping[str, Collection[str]] | None" = None) -> "pl.DataFrame":
    """A table of text in which what says nothing is null; other texts stand as they are, spaces included.

    Args:
        literal: by column the words that say something there: NA may be a region.
    """
    import polars as pl

    known = _without_nothing(table)
    kept = [
        pl.when(pl.col(name).str.strip_chars().is_in(list(words)))
        .then(pl.col(name).str.strip_chars())
        .otherwise(known[name])
        for name, words in (literal or {}).items()
        if name in table.columns and words
    ]
    return known.with_columns(table.select(kept)) if kept else known


def _without_nothing(table: "pl.DataFrame") -> "pl.DataFrame":
    import polars as pl

    table = table.with_columns(pl.all().replace(list(NOTHING), None))
    is_padded = table.select(pl.all().str.contains(_PADDED).any())
    padded = [name for name in table.columns if is_padded[name][0]]
    stripped = pl.col(padded).str.strip_chars()
    return table.with_columns(pl.when(~stripped.is_in(NOTHING)).then(pl.col(padded))) if padded else table
