"""Rows of a file that are none: units below the header, the header again, a total or a remark at the end."""

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

_NUMBER = r"^\s*[-+(]?[$€£]?\s*(?:\d[\d.,'’ ]*|\.\d+)(?:[eE][-+]?\d+)?\s*[%)]?\s*$"
_TOTAL = re.compile(
    r"\s*((grand|sub)[ -]?)?(totals?|sums?|gesamt(summe)?|summe|somme|totale|toplam|average|mean|count)\s*:?\s*",
    re.IGNORECASE,
)
_LEAST_ROWS = 10
_LAST = 3
_LEAST_COLUMNS = 3


def stray_rows(table: "pl.DataFrame", header_lines: int) -> list[str]:
    """Say which rows of a table are no data, a sentence each.

    Args:
        header_lines: lines of the file above the first row; 0 where the rows are not lines of a file.
    """
    if table.height < _LEAST_ROWS:
        return []
    found = [_units(table, header_lines), _header_again(table, header_lines), _total(table, header_lines)]
    return [sentence for sentence in found if sentence]


def _units(table: "pl.DataFrame", header_lines: int) -> str:
    first = table.row(0, named=True)
    if any(first[name] is not None and dtype.is_numeric() for name, dtype in table.schema.items()):
        return ""
    units = []
    for column in _texts(table):
        below = column[1:].drop_nulls()
        unit = first[column.name]
        if unit is not None and below.len() and not re.fullmatch(_NUMBER, unit) and below.str.contains(_NUMBER).all():
            units.append(f'"{unit.strip()}"')
    if not units:
        return ""
    listed = ", ".join(units[:3])
    return f"{_place(0, header_lines)} holds {listed} above numbers: units or types, no row. Take it out of the file."


def _header_again(table: "pl.DataFrame", header_lines: int) -> str:
    import polars as pl

    names = [column.name for column in _texts(table)]
    if not names:
        return ""
    is_name = [(pl.col(name).str.strip_chars() == name).fill_null(False) for name in names]
    same = table.select(pl.sum_horizontal([mark.cast(pl.Int32) for mark in is_name])).to_series()
    places = (same >= max(min(2, table.width), len(names) / 2)).arg_true()
    if not places.len():
        return ""
    more = f", as do {places.len() - 1:,} further rows" if places.len() > 1 else ""
    return f"{_place(places[0], header_lines)} says the header again{more}, and is no row. Take it out of the file."


def _total(table: "pl.DataFrame", header_lines: int) -> str:
    for place in range(table.height - _LAST, table.height):
        for column in _texts(table):
            text = column[place]
            if text is not None and _TOTAL.fullmatch(text) and (column == text).sum() == 1:
                said = f'{_place(place, header_lines)} begins with "{text.strip()}"'
                return f"{said}: if it sums up the others, it is no row. Take it out of the file."
    return _note(table, header_lines)


def _note(table: "pl.DataFrame", header_lines: int) -> str:
    """A last row that holds one text alone, as no row above does: a source, a remark."""
    import polars as pl

    filled = table.select(pl.sum_horizontal(pl.all().is_not_null().cast(pl.Int32))).to_series()
    texts = [column[-1] for column in _texts(table) if column[-1] is not None]
    if table.width < _LEAST_COLUMNS or filled[-1] != 1 or not texts or bool((filled[:-_LAST] <= 1).any()):
        return ""
    said = f'{_place(table.height - 1, header_lines)} holds "{texts[0].strip()[:40]}" alone'
    return f"{said}: if that is a remark, it is no row. Take it out of the file."


def _texts(table: "pl.DataFrame") -> "list[pl.Series]":
    import polars as pl

    return [column for column in table.iter_columns() if column.dtype == pl.String]


def _place(row: int, header_lines: int) -> str:
    return f"Line {row + header_lines + 1:,}" if header_lines else f"Row {row + 1:,}"
