"""One table of a TOML file, taken key by key: each value is checked, each key that nobody took is refused."""

import math
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Any, NoReturn

from slipway.errors import ProjectError, near_miss

_REQUIRED: Any = object()


class Keys:
    """A table of `slipway.toml`. Errors name file, key, value, expectation, and the near miss."""

    def __init__(self, values: dict[str, Any], file: str, at: str = "") -> None:
        self._values = values
        self._file = file
        self._at = at
        self._taken: set[str] = set()

    def text(self, key: str, default: Any = _REQUIRED, *, among: Iterable[str] = ()) -> Any:
        """A string, one of `among` if that is given."""
        value = self._take(key, default, "a text")
        choices = tuple(among)
        if value is default:
            return value
        if not isinstance(value, str) or not value:
            self._refuse(key, value, "a text")
        if choices and value not in choices:
            self._refuse(key, value, f"one of {', '.join(choices)}", near_miss(value, choices))
        return value

    def number(self, key: str, default: Any = _REQUIRED, *, at_least: float | None = None) -> Any:
        """A finite number; `false` switches off what has a default, and gives None."""
        value = self._take(key, default, "a number")
        if value is default:
            return value
        if value is False and default is not _REQUIRED:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            self._refuse(key, value, "a finite number")
        if at_least is not None and value < at_least:
            self._refuse(key, value, f"a number, at least {at_least:g}")
        return float(value)

    def integer(self, key: str, default: Any = _REQUIRED, *, at_least: int = 0, at_most: int | None = None) -> Any:
        """A whole number."""
        value = self._take(key, default, "a whole number")
        if value is default:
            return value
        bounds = f"at least {at_least}" if at_most is None else f"from {at_least} to {at_most}"
        is_whole = isinstance(value, int) and not isinstance(value, bool)
        if not is_whole or value < at_least or (at_most is not None and value > at_most):
            self._refuse(key, value, f"a whole number, {bounds}")
        return value

    def flag(self, key: str, default: bool) -> bool:
        """true or false."""
        value = self._take(key, default, "true or false")
        if not isinstance(value, bool):
            self._refuse(key, value, "true or false")
        return value

    def path(self, key: str) -> PurePosixPath:
        """A file in the project's folder."""
        value = self._take(key, _REQUIRED, "a file")
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

    def texts(self, key: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        """A list of strings."""
        value = self._take(key, default, "a list of texts")
        if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
            self._refuse(key, value, "a list of texts")
        return tuple(value)

    def table(self, key: str) -> "Keys":
        """A table below this one; empty where it is not given."""
        value = self._take(key, {}, "a table")
        if not isinstance(value, dict):
            self._refuse(key, value, "a table")
        return Keys(value, self._file, f"{self._at}.{key}" if self._at else key)

    def is_table(self, key: str) -> bool:
        """Whether the key holds a table, for keys that take one or a plain value."""
        return isinstance(self._values.get(key), dict)

    def has(self, key: str) -> bool:
        """Whether the key is given."""
        return key in self._values

    def at(self, key: str) -> Any:
        """The value as it stands, without taking it; None where it is not given."""
        return self._values.get(key)

    def rest(self) -> list[str]:
        """The keys not taken yet, for tables whose keys are names of the project's."""
        return [key for key in self._values if key not in self._taken]

    def value(self, key: str, default: Any = _REQUIRED) -> Any:
        """A value as it stands, for keys that take several forms."""
        return self._take(key, default, "a value")

    def finish(self, others: Iterable[str] = ()) -> None:
        """Refuse the keys that nobody took.

        Args:
            others: keys that tables of another kind have, which are not suggested.
        """
        for key in self.rest():
            known = self._taken.difference(others)
            raise ProjectError(
                f"{self._file}: {self._where(key)} is not a key that Slipway knows.{near_miss(key, known)}"
            )

    def _take(self, key: str, default: Any, expectation: str) -> Any:
        self._taken.add(key)
        if key in self._values:
            return self._values[key]
        if default is _REQUIRED:
            near = near_miss(key, self.rest()) if self.rest() else ""
            meant = f" `{self._where(near.split('`')[1])}` is there: was that meant?" if "Did you mean" in near else ""
            raise ProjectError(f"{self._file}: {self._where(key)} is missing: expected {expectation}.{meant}")
        return default

    def _refuse(self, key: str, value: Any, expectation: str, hint: str = "") -> NoReturn:
        shown = repr(value) if not isinstance(value, bool) else str(value).lower()
        raise ProjectError(f"{self._file}: {self._where(key)} = {shown}: expected {expectation}.{hint}")

    def refuse(self, key: str, expectation: str, hint: str = "") -> NoReturn:
        """Refuse a value for a reason that the caller knows."""
        self._refuse(key, self._values.get(key), expectation, hint)

    def _where(self, key: str) -> str:
        return f"[{self._at}] {key}" if self._at else key
