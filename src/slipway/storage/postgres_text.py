"""Any text in, one that PostgreSQL keeps out; and back, as it was."""

import re

_MARK = "\N{SYMBOL FOR NULL}"


def kept(text: str) -> str:
    """A text without a zero byte, which the server refuses: it becomes a sign of two letters.

    A lone surrogate, which JSON can carry into a message, has no UTF-8: one such record would block all after it.
    """
    if not text.isprintable():
        text = text.encode("utf-8", "backslashreplace").decode()
    if _MARK in text or "\0" in text:
        text = text.replace(_MARK, _MARK * 2).replace("\0", f"{_MARK}0")
    return text


def told(text: str) -> str:
    """The text that was kept."""
    if _MARK not in text:
        return text
    return re.sub(f"{_MARK}(.)", lambda sign: "\0" if sign[1] == "0" else sign[1], text)
