"""A route as the project states it in, the same with the functions that answer on it out."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from slipway.project import Route

PREDICTING = ("/predict", "/predict/batch")
"""The paths that predict in every service."""


@dataclass(frozen=True, slots=True)
class LiveRoute:
    """A route of the project's, with the functions of the live bundle."""

    request: Callable[[Any], Any] | None
    response: Callable[[Any, Any, Any], Any] | None
    invalid_status: int
    example: Any = None
    """A body that it takes, as the project gives it."""
    partial: bool = False
    """Whether a row that is wrong fails alone."""
    get: Callable[[Any, Any], Any] | None = None
    predicts: bool = True


def live_route(route: Route, function: Callable[[str], Callable[..., Any]] | None) -> LiveRoute:
    """A route with its functions; without them where there is no bundle that could give them."""

    def named(name: str | None) -> Callable[..., Any] | None:
        return function(name) if function is not None and name else None

    return LiveRoute(
        request=named(route.request),
        response=named(route.response),
        invalid_status=route.invalid_status,
        example=route.example,
        partial=route.partial,
        get=named(route.get),
        # One that has nothing but a function for GET does not predict, unless its path always does.
        predicts=bool(route.request or route.response or route.partial) or not route.get or route.path in PREDICTING,
    )
