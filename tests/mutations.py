"""Bodies that somebody could send: right ones, changed by chance in their values, their form or their bytes."""

import json
import random
from collections.abc import Sequence
from typing import Any

ODD_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -0.0, 1.5, -1, 2**31, 2**53 + 1, 2**63 - 1, 2**63, 2**64, -(2**63) - 1, 10**30, 1e308, 5e-324,
    "", " ", "0", "001", "NaN", "null", "true", "1e5", "12,5", "50 m2", "a lot", "2024-02-30", "2024-01-01T00:00:00Z",
    "\x00", "\x1b[31m", "\u202e", "\ufeff", "😀", "é" * 300, "<script>alert(1)</script>", "'; DROP TABLE x; --",
    "../../etc/passwd", [], {}, [[]], [None], {"a": 1}, [1, 2, 3], {"$ne": 1}, "x" * 10_000,
)  # fmt: skip
ODD_BYTES = (
    b"[",
    b"]",
    b"{",
    b"}",
    b'"',
    b"\\",
    b",",
    b":",
    b"\x00",
    b"\xff",
    b"NaN",
    b"Infinity",
    b"1e999",
    b"\\ud800",
)
_NESTED = (5, 31, 32, 33, 64, 500, 900, 960, 985, 1_000, 5_000)


def mutated(rng: random.Random, right: Sequence[tuple[str, Any]]) -> tuple[str, bytes]:
    """Draw a path and a body of those that are right, and change it a few times.

    Args:
        right: paths and JSON values.
    """
    path, value = rng.choice(right)
    value = json.loads(json.dumps(value))
    for _ in range(rng.choice((0, 1, 1, 1, 2, 3))):
        value = _changed(rng, value)
    body = json.dumps(value).encode()
    if rng.random() < 0.15:
        depth = rng.choice(_NESTED)
        deep = b"[" * depth + b"]" * depth if rng.random() < 0.5 else b'{"a":' * depth + b"1" + b"}" * depth
        body = body.replace(b"1", deep, 1) if rng.random() < 0.5 else body[:-1] + b',"y":' + deep + body[-1:]
    for _ in range(rng.choice((0, 0, 0, 1, 2))):
        at = rng.randrange(len(body) + 1)
        body = rng.choice(
            (
                lambda b, at: b[:at] + rng.choice(ODD_BYTES) + b[at:],
                lambda b, at: b[:at],
                lambda b, at: b[at:],
                lambda b, at: b[:at] + b[at + 1 :],
                lambda b, at: b + b[at:],
            )
        )(body, at)
    return path, body


def _changed(rng: random.Random, value: Any) -> Any:
    """The value with one thing in it that is another."""
    if isinstance(value, dict) and value and rng.random() < 0.85:
        key = rng.choice(sorted(value))
        step = rng.random()
        if step < 0.1:
            return {name: value[name] for name in value if name != key}
        if step < 0.2:
            return {**value, rng.choice(["", "y", "price", "a\x00b", key.upper(), key + " "]): rng.choice(ODD_VALUES)}
        return {**value, key: _changed(rng, value[key])}
    if isinstance(value, list) and value and rng.random() < 0.85:
        at = rng.randrange(len(value))
        step = rng.random()
        if step < 0.1:
            return value[:at] + value[at + 1 :]
        if step < 0.2:
            return value * rng.randrange(2, 40)
        return [*value[:at], _changed(rng, value[at]), *value[at + 1 :]]
    return rng.choice(ODD_VALUES)
