"""Reading one table of `slipway.toml` key by key: each value is checked, each key that nobody asked for is refused."""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, NoReturn

from slipway.errors import ProjectError, near_miss

TEXT_OR_TEXTS: Mapping[str, Any] = {
    "anyOf": [{"type": "string", "minLength": 1}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]
}
"""The JSON Schema of a key that takes a text or a list of texts."""

_REQUIRED: Any = object()


@dataclass(frozen=True, slots=True)
class KeyForm:
    """What the reader takes for a key."""

    schema: Mapping[str, Any]
    """A fragment of JSON Schema: its type and bounds."""
    is_required: bool
    default: Any
    """As Python has it; None where nothing stands for a key that is not given."""


Record = dict[str, list[KeyForm]]
"""The forms of each key by its path, such as `model.gate.*.min`; `*` stands for a name of the project's own."""


class Keys:
    """A table of `slipway.toml`. Errors name file, key, value, expectation, and the near miss.

    Args:
        values: the table as TOML gives it.
        file: its file, for messages.
        at: the table's dotted name, empty for the whole file.
        record: collects the form of each key that is asked for, to write the reference of all keys.
        pattern: the table's name in `record`, where that is not `at`.
    """

    def __init__(
        self,
        values: Mapping[str, Any],
        file: str,
        at: str = "",
        *,
        record: Record | None = None,
        pattern: str | None = None,
    ) -> None:
        self._values = values
        self._file = file
        self._at = at
        self._record = record
        self._pattern = at if pattern is None else pattern
        self._taken: set[str] = set()
        self._names_are_free = False

    def text(
        self,
        key: str,
        default: Any = _REQUIRED,
        *,
        among: Iterable[str] = (),
        pattern: str | None = None,
        expectation: str = "a text",
    ) -> Any:
        """Return a string that is not empty.

        Args:
            among: the only values allowed, if there are any.
            pattern: a regular expression that the whole text has to match.
            expectation: what a message says was expected.
        """
        choices = tuple(among)
        form = {"enum": list(choices)} if choices else {"pattern": f"^(?:{pattern})$"} if pattern else {"minLength": 1}
        value = self._take(key, default, expectation, {"type": "string", **form})
        if value is default:
            return value
        if not isinstance(value, str) or not value:
            self._refuse(key, value, expectation)
        if choices and value not in choices:
            meant = near_miss(value, choices)
            self._refuse(key, value, f"one of {', '.join(choices)}", meant if "Did you mean" in meant else "")
        if pattern is not None and not re.fullmatch(pattern, value):
            self._refuse(key, value, expectation)
        return value

    def number(
        self,
        key: str,
        default: Any = _REQUIRED,
        *,
        at_least: float | None = None,
        above: float | None = None,
        at_most: float | None = None,
        expectation: str = "",
    ) -> Any:
        """Return a finite number; `false` switches off what has a default, and gives None.

        Args:
            at_least, above, at_most: its bounds; `above` itself is beyond them.
            expectation: what a message says was expected, where the bounds do not say it best.
        """
        bounds = {"minimum": at_least, "exclusiveMinimum": above, "maximum": at_most}
        number = {"type": "number", **{word: bound for word, bound in bounds.items() if bound is not None}}
        schema = number if default is _REQUIRED else {"anyOf": [number, {"const": False}]}
        value = self._take(key, default, "a number", schema)
        if value is default:
            return value
        if value is False and default is not _REQUIRED:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            self._refuse(key, value, "a finite number")
        is_within = (
            (at_least is None or value >= at_least)
            and (above is None or value > above)
            and (at_most is None or value <= at_most)
        )
        if not is_within:
            self._refuse(key, value, expectation or f"a number, at least {at_least:g}")
        return float(value)

    def integer(self, key: str, default: Any = _REQUIRED, *, at_least: int = 0, at_most: int | None = None) -> Any:
        """Return a whole number."""
        schema: dict[str, Any] = {"type": "integer", "minimum": at_least}
        value = self._take(
            key, default, "a whole number", schema if at_most is None else {**schema, "maximum": at_most}
        )
        if value is default:
            return value
        bounds = f"at least {at_least}" if at_most is None else f"from {at_least} to {at_most}"
        is_whole = isinstance(value, int) and not isinstance(value, bool)
        if not is_whole or value < at_least or (at_most is not None and value > at_most):
            self._refuse(key, value, f"a whole number, {bounds}")
        return value

    def flag(self, key: str, default: bool) -> bool:
        """Return true or false."""
        value = self._take(key, default, "true or false", {"type": "boolean"})
        if not isinstance(value, bool):
            self._refuse(key, value, "true or false")
        return value

    def path(self, key: str) -> PurePosixPath:
        """Return a file in the project's folder."""
        value = self._take(key, _REQUIRED, "a file", {"type": "string", "minLength": 1})
        if not isinstance(value, str) or not value.strip():
            self._refuse(key, value, 'a file such as "data/raw/my.csv"')
        if "://" in value or any(sign in value for sign in "*?["):
            self._refuse(
                key, value, "one file in the project's folder; addresses and patterns are not read by this version"
            )
        path = PurePosixPath(value)
        if path.is_absolute() or ".." in path.parts:
            self._refuse(key, value, "a file in the project's folder: copy it there, or link to it")
        return path

    def texts(self, key: str, default: Any = (), *, among: Iterable[str] = ()) -> Any:
        """Return a list of strings as a tuple; of a key that is not given, the default.

        Args:
            among: the only values allowed, if there are any.
        """
        choices = tuple(among)
        item = {"type": "string", "enum": list(choices)} if choices else {"type": "string"}
        value = self._take(key, default, "a list of texts", {"type": "array", "items": item})
        if value is default:
            return value
        if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
            self._refuse(key, value, "a list of texts")
        for text in value:
            if choices and text not in choices:
                self._refuse(key, value, f"some of {', '.join(choices)}", near_miss(text, choices))
        return tuple(value)

    def table(self, key: str) -> "Keys":
        """Return the table below this one; an empty one where it is not given."""
        value = self._take(key, {}, "a table", {"type": "object"})
        if not isinstance(value, dict):
            self._refuse(key, value, "a table")
        at = f"{self._at}.{key}" if self._at else key
        return Keys(value, self._file, at, record=self._record, pattern=self._pattern_of(key))

    def is_table(self, key: str) -> bool:
        """Return whether the key holds a table, for keys that take one or a plain value."""
        return isinstance(self._values.get(key), dict)

    def has(self, key: str) -> bool:
        """Return whether the key is given."""
        return key in self._values

    def names(self) -> list[str]:
        """Return the keys of a table that are names of the project's own, but for those asked for before."""
        self._names_are_free = True
        return self._left()

    def at(self, key: str) -> Any:
        """Return a value as it stands, unchecked; None where it is not given."""
        return self._values.get(key)

    def value(self, key: str, default: Any = _REQUIRED, *, schema: Mapping[str, Any] | None = None) -> Any:
        """Return a value as it stands, for keys that take several forms; the caller checks it.

        Args:
            schema: a fragment of JSON Schema that says which forms those are; None for any value.
        """
        return self._take(key, default, "a value", schema or {})

    def finish(self, others: Iterable[str] = ()) -> None:
        """Refuse the keys that nobody asked for.

        Args:
            others: keys that tables of another kind have, which are not suggested.
        """
        for key in self._left():
            known = self._taken.difference(others)
            hint = near_miss(key, known, listed=None)
            raise ProjectError(f"{self._file}: {self._where(key)} is not a key that Slipway knows.{hint}")

    def refuse(self, key: str, expectation: str, hint: str = "") -> NoReturn:
        """Refuse a value for a reason that the caller knows."""
        self._refuse(key, self._values.get(key), expectation, hint)

    def _left(self) -> list[str]:
        return [key for key in self._values if key not in self._taken]

    def _take(self, key: str, default: Any, expectation: str, schema: Mapping[str, Any]) -> Any:
        self._taken.add(key)
        if self._record is not None:
            form = KeyForm(schema, default is _REQUIRED, None if default is _REQUIRED else default)
            forms = self._record.setdefault(self._pattern_of(key), [])
            if form not in forms:
                forms.append(form)
        if key in self._values:
            return self._values[key]
        if default is _REQUIRED:
            left = self._left()
            near = near_miss(key, left) if left else ""
            meant = f" `{self._where(near.split('`')[1])}` is there: was that meant?" if "Did you mean" in near else ""
            raise ProjectError(f"{self._file}: {self._where(key)} is missing: expected {expectation}.{meant}")
        return default

    def _pattern_of(self, key: str) -> str:
        name = "*" if self._names_are_free else key
        return f"{self._pattern}.{name}" if self._pattern else name

    def _refuse(self, key: str, value: Any, expectation: str, hint: str = "") -> NoReturn:
        if value is None:  # TOML has no null: the key is not there
            raise ProjectError(f"{self._file}: {self._where(key)} is missing: expected {expectation}.{hint}")
        shown = repr(value) if not isinstance(value, bool) else str(value).lower()
        raise ProjectError(f"{self._file}: {self._where(key)} = {shown}: expected {expectation}.{hint}")

    def _where(self, key: str) -> str:
        return f"[{self._at}] {key}" if self._at else key
