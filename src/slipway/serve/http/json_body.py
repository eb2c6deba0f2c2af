"""JSON bodies of requests: decoded, with a limit on how deeply they are nested."""

from typing import Any

import msgspec

from slipway.serve.http.refusal import Refusal

MAX_DEPTH = 32
"""Lists and objects within one another, in any body. Whoever reads it again needs a few calls for each, on a stack that
may be deep already: a limit that is far below what any of them takes is the same for all."""

_CONTAINERS = frozenset({dict, list})


def read_json(body: bytes | bytearray) -> Any:
    """Decode a JSON body.

    Raises:
        Refusal: 400, not JSON (NaN and Infinity are not), not UTF-8, or nested more than MAX_DEPTH deep.
    """
    try:
        value = msgspec.json.decode(body)
    except ValueError as error:  # msgspec.DecodeError and UnicodeDecodeError are both
        reason = "it is empty" if not body.strip() else str(error)
        raise Refusal(400, f"The body is not JSON: {reason}. Send an object, a list of objects, or columns.") from error
    except RecursionError as error:
        raise _too_deep() from error
    # What has few brackets can't be deep: for a row or two, counting them is all that this costs.
    if body.count(b"[") + body.count(b"{") > MAX_DEPTH and is_deeper(value, MAX_DEPTH):
        raise _too_deep()
    return value


def is_deeper(value: Any, depth: int) -> bool:
    """Return whether lists and objects are nested more than `depth` deep in a JSON value."""
    level = [value] if type(value) in _CONTAINERS else []
    for _ in range(depth):
        if not level:
            return False
        level = [
            inner
            for outer in level
            for inner in (outer.values() if type(outer) is dict else outer)
            if type(inner) in _CONTAINERS
        ]
    return bool(level)


def _too_deep() -> Refusal:
    return Refusal(
        400,
        f"The body is nested too deeply: lists and objects may lie {MAX_DEPTH} deep within one another. "
        "Send an object, a list of objects, or columns.",
    )
