"""Names as a page shows them to a person."""

import re
from html import escape

_BREAK = re.compile(r"(?<=[_/])(?=\w)|(?<=[.-])(?=[^\W\d_])|(?<=[a-z0-9])(?=[A-Z])")
"""Where a long name may go on in the next line: behind a sign that joins words, and before a capital within one; not
within a number."""


def breakable(name: str) -> str:
    """Escape a name for HTML, with the places marked where it may break; its text stays what it is."""
    return "<wbr>".join(escape(part) for part in _BREAK.split(name))
