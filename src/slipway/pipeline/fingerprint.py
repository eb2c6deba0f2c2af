"""What a stage ran with and what it would run with now in, the differences in a person's words out. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from slipway.project.yaml_text import flow_text

_ABSENT: Any = object()


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Everything that a stage's artifacts depend on. JSON values."""

    mark: Mapping[str, Any]
    """The options of its `@stage`, or the query of a source."""
    parts: Mapping[str, str]
    """Digests of its function ("") and of what that reaches, by name such as "helper `clean`"."""
    libraries: Mapping[str, str]
    settings: Mapping[str, Any]
    inputs: Mapping[str, str | None]
    """MD5 by what a person calls it: "listings", "the labelled rows of raw"; None for what is missing."""
    values: Mapping[str, str] = field(default_factory=dict)
    """Short constants among the parts, as they are written; what they are is told, never compared."""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Fingerprint":
        return cls(**{name: values[name] for name in cls.__slots__ if name in values})


def changes(name: str, before: Fingerprint, now: Fingerprint, unknown: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """Why a stage has to run again; empty when nothing changed.

    Args:
        unknown: inputs whose content is not known yet, and which are not compared.
    """
    return tuple(_changes(name, before, now, unknown))


def is_same_setting(old: Any, new: Any) -> bool:
    """Return whether two values of a setting are the same to DVC: 1, 1.0 and true are, `.nan` and `.nan` are not."""
    if old == new:
        return True
    # Within a list or a table DVC compares by identity first, and its reader has one object for every `.nan`.
    return isinstance(old, list | dict) and type(old) is type(new) and flow_text(old) == flow_text(new)


def _changes(name: str, before: Fingerprint, now: Fingerprint, unknown: frozenset[str]) -> Iterator[str]:
    parts = [part for part, *_ in _differences(before.parts, now.parts)]
    reached = ", ".join(_named(part, before.values, now.values) for part in parts if part)
    if parts:
        yield f"code of `{name}` changed" + (f" ({reached})" if reached else "")
    for option, old, new in _differences(before.mark, now.mark):
        yield f"{option} of `{name}` changed: {_shown(old)} → {_shown(new)}"
    for setting in dict.fromkeys([*before.settings, *now.settings]):
        old, new = before.settings.get(setting, _ABSENT), now.settings.get(setting, _ABSENT)
        is_listed = old is not _ABSENT and new is not _ABSENT  # of a function, its code changed too
        if (is_listed or "command" in now.mark) and not is_same_setting(old, new):
            yield f"setting {setting}: {_shown(old)} → {_shown(new)}"
    if not parts:  # another set of imports is a change of the code
        for library, old, new in _differences(before.libraries, now.libraries):
            yield f"library {library}: {_shown(old)} → {_shown(new)}"
    for wanted, old, new in _differences(before.inputs, now.inputs):
        if wanted in unknown:
            continue
        if old is _ABSENT or (old is None and new is not None):
            yield f"input {wanted} is new"
        else:
            yield f"input {wanted} is gone" if new is None or new is _ABSENT else f"input {wanted} changed"


def _named(part: str, before: Mapping[str, str], now: Mapping[str, str]) -> str:
    """A part by name, with its old and new value where it is a constant that has them."""
    if part not in before and part not in now:
        return part
    return f"{part}: {before.get(part, 'nothing')} → {now.get(part, 'nothing')}"


def _differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    for key in dict.fromkeys([*before, *now]):
        old, new = before.get(key, _ABSENT), now.get(key, _ABSENT)
        if old is _ABSENT or new is _ABSENT or old != new or type(old) is not type(new):
            yield key, old, new


def _shown(value: Any) -> str:
    return "nothing" if value is _ABSENT or value is None else str(value)
