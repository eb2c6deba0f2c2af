"""What a project marks as personal in; rows, reasons and refusals without it out."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from slipway.model.schema import Problem
from slipway.project import Api

HIDDEN: Final = object()
"""Stands where a value is that nobody is told."""

_UNTOLD = "what it says is left out, since it may hold what [api] personal names"


class Personal:
    """What of a request may be journalled, logged and repeated."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._keeps_all = api.journal is None and not api.personal

    def row(self, row: Mapping[str, Any]) -> Mapping[str, Any]:
        """A request's row as it is journalled."""
        return row if self._keeps_all else {name: value for name, value in row.items() if self._api.journals(name)}

    def reason(self, error: str | None) -> str | None:
        """Why a row could not be answered. What a user's stage or a library says may quote any value."""
        if error is None or not self._api.personal:
            return error
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


NOTHING = Personal(Api())
"""Of a project that marks no column."""
