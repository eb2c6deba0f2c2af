"""Figures and names as a page shows them to a person."""

import re
from html import escape

_BREAK = re.compile(r"(?<=[_/])(?=\w)|(?<=[.-])(?=[^\W\d_])|(?<=[a-z0-9])(?=[A-Z])")
"""Where a long name may go on in the next line: behind a sign that joins words, and before a capital within one; not
within a number."""


def rounded(value: float, *, digits: int = 4) -> str:
    """Round a figure to what a person reads: `11,288`, `0.8413`, `2.1e-05`."""
    if abs(value) >= 1_000:
        return f"{value:,.0f}"
    return f"{value + 0.0:.{2 if 0 < abs(value) < 0.001 else digits}g}"  # a zero has no sign here


def breakable(name: str) -> str:
    """Escape a name for HTML, with the places marked where it may break; its text stays what it is."""
    return "<wbr>".join(escape(part) for part in _BREAK.split(name))
