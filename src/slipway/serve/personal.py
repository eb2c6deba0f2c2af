"""What a project marks as personal in; rows, reasons and refusals without it out."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import msgspec

from slipway.errors import DataError
from slipway.model.schema import Problem, Schema
from slipway.project import Api
from slipway.serve.http.json_body import MAX_DEPTH, is_deeper
from slipway.serve.http.redaction import without_paths

HIDDEN: Final = object()
"""Stands where a value is that nobody is told."""

_UNTOLD = "what it says is left out, since it may hold what [api] personal names"


Part = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""From a row to a part of it."""


class Personal:
    """What of a request may be journalled, logged and repeated."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._latest: tuple[Schema, Part] | None = None

    def journalled(self, schema: Schema) -> Part:
        """Return a function from a checked row to what of it is journalled.

        That is the schema's columns without personal ones. Fields that the schema passes over are left out, whatever
        they hold, unless `[api] journal` names them.
        """
        latest = self._latest
        if latest is None or latest[0] is not schema:
            self._latest = latest = schema, self._part(schema)
        return latest[1]

    def _part(self, schema: Schema) -> Part:
        kept = [name for name in schema.names if self._api.journals(name)]
        asked = [name for name in schema.unused if self._api.journal and self._api.journals(name)]
        width = len(kept) if len(kept) == len(schema.names) and not asked else None

        def part(row: Mapping[str, Any]) -> Mapping[str, Any]:
            if len(row) == width:
                return row
            told = {name: row[name] for name in kept}
            return told | {name: _as_json(name, row[name]) for name in asked if name in row} if asked else told

        return part

    def reason(self, error: str | None) -> str | None:
        """Why a row could not be answered. What a user's stage or a library says may quote any value, and any path."""
        if error is None or not self._api.personal:
            return error and without_paths(error)
        return f"{error.partition(':')[0]}: {_UNTOLD}"

    def problems(self, found: Sequence[Problem], names: Collection[str]) -> Sequence[Problem]:
        """What is wrong with rows, without the values that are repeated to nobody.

        Args:
            names: the fields that a row has.
        """
        if not self._api.personal:
            return found
        known = set(names) - set(self._api.personal)  # a field that is none may be a personal one, misspelt
        return [each if each.field in known else replace(each, value=HIDDEN) for each in found]

    def shown(self, value: Any) -> Any:
        """What is repeated of a body, or of a row, that is no object."""
        return HIDDEN if self._api.personal else value

    @property
    def hides_words(self) -> bool:
        """Whether an exception's own words are told to nobody, since they may quote a value."""
        return bool(self._api.personal)


def _as_json(name: str, value: Any) -> Any:
    """A value of a field that no schema has looked at, which a project's own function may have made of anything."""
    try:
        told = msgspec.to_builtins(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise DataError(f"`{name}` can't be journalled, as [api] journal asks: it is no JSON value.") from error
    if is_deeper(told, MAX_DEPTH):
        raise DataError(
            f"`{name}` can't be journalled, as [api] journal asks: it is nested more than {MAX_DEPTH} deep."
        )
    return told


NOTHING = Personal(Api())
"""Of a project that marks no column."""
