"""Values as YAML that readers of YAML 1.1 (PyYAML) and 1.2 (DVC) read as the same ones. Standard library alone."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_RESOLVED = re.compile(
    r"""~|null|y|n|yes|no|on|off|true|false|[-+]?\.(?:inf|nan)|=|<<      # words; case does not count
    |[-+]?0b[01_]+|[-+]?0x[0-9a-f_]+|[-+]?0o?[0-7_]+|[-+]?[0-9_]+       # whole numbers
    |[-+]?[0-9_]*\.[0-9_]*(?:e[-+]?[0-9]+)?|[-+]?[0-9][0-9_]*e[-+]?[0-9]+
    |[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?                   # sexagesimal ones
    |[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[t \t].*)?                        # dates and times""",
    re.IGNORECASE | re.VERBOSE,
)
"""Texts that either reader takes for something else, and some that none does."""
_INDICATORS = frozenset("-?:,[]{}#&*!|>'\"%@`")
_SPECIAL_IN_FLOW = re.compile(r"[^\w./ -]")
_UNPRINTABLE = re.compile(r"[^\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def block_lines(value: Mapping[Any, Any] | Sequence[Any], indent: str = "") -> Iterator[str]:
    """Yield the lines of a table or list in the layout that DVC has, so that its edits and ours don't alternate in git.

    Args:
        value: of JSON's types, with keys of any scalar type.
    """
    items = value.items() if isinstance(value, Mapping) else [(_ITEM, item) for item in value]
    for key, item in items:
        lead = f"{indent}-" if key is _ITEM else f"{indent}{scalar_text(key, is_key=True)}:"
        if isinstance(item, Mapping) and item and key is _ITEM:
            first, *rest = block_lines(item, indent + "  ")
            yield f"{lead} {first.lstrip(' ')}"
            yield from rest
        elif isinstance(item, Mapping | list | tuple) and item:
            is_list_of_key = not isinstance(item, Mapping) and key is not _ITEM
            yield lead
            yield from block_lines(item, indent if is_list_of_key else indent + "  ")
        elif isinstance(item, Mapping | list | tuple):
            yield f"{lead} {flow_text(item)}"
        else:
            yield f"{lead} {scalar_text(item) if item is not None else ''}".rstrip(" ")


_ITEM = object()


def flow_text(value: Any) -> str:
    """Return a value as it can stand on one line, behind its key.

    Raises:
        TypeError: a part of it is of no type that JSON has, such as a date.
    """
    return _in_flow(value) if isinstance(value, Mapping | list | tuple) else scalar_text(value)


def scalar_text(value: Any, *, is_key: bool = False) -> str:
    """Return a scalar as it can stand on a line of its own.

    Raises:
        TypeError: it is of no type that JSON has, such as a date.
    """
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            return _float_text(value)
        case str():
            return _text(value, is_key=is_key)
    raise TypeError(f"{value!r} of {type(value).__name__} has no form in YAML that every reader reads alike")


def _float_text(value: float) -> str:
    if not math.isfinite(value):
        return ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"
    text = repr(value)
    return text.replace("e", ".0e") if "e" in text and "." not in text else text  # 1e-07 is a text to YAML 1.1


def _text(text: str, *, is_key: bool) -> str:
    if _UNPRINTABLE.search(text) or (is_key and len(text) > 100):  # PyYAML takes no longer key without a mark
        return _quoted(text)
    return text if _is_plain(text) else f"'{text.replace(chr(39), chr(39) * 2)}'"


def _in_flow(value: Any) -> str:
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{_in_flow(key)}: {_in_flow(item)}' for key, item in value.items())}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_in_flow, value))}]"
    text = scalar_text(value, is_key=True)
    is_bare = isinstance(value, str) and text == value
    return _quoted(value) if is_bare and _SPECIAL_IN_FLOW.search(value) else text


def _is_plain(text: str) -> bool:
    if not text or text != text.strip(" ") or _RESOLVED.fullmatch(text):
        return False
    if text[0] in _INDICATORS and not (text[0] == "-" and text[1:2] not in ("", " ", "-")):
        return False
    return ": " not in text and " #" not in text and not text.endswith(":") and not text.startswith("...")


def _quoted(text: str) -> str:
    return '"' + re.sub(r'["\\]|' + _UNPRINTABLE.pattern, _escaped, text) + '"'


def _escaped(found: re.Match[str]) -> str:
    character = found[0]
    number = ord(character)
    form = f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
    return _ESCAPES.get(character, form)
