"""A path as it was asked for in, the one it stands for and the route that answers it out."""

from slipway.project import Api
from slipway.project.api import PATHS
from slipway.serve.live.route import PREDICTING, LiveRoute, live_route
from slipway.serve.live.version import LiveVersion

STANDARD_FORM = b"form=standard"
"""The query with which a path that predicts takes and gives the form of every service."""


class Paths:
    """The paths of one service: the standard ones, the project's own routes, and its aliases."""

    def __init__(self, api: Api, live: LiveVersion) -> None:
        self._live = live
        self._aliases = dict(api.aliases)
        self._always = {path: LiveRoute(None, None, api.invalid_status) for path in PREDICTING}
        # What is known of the project's routes while nothing is released, and their functions with it.
        self._unreleased = self._always | {route.path: live_route(route, None) for route in api.routes}

    def meant(self, path: str) -> str:
        """The path that this one stands for, itself for the most part. A slash at the end says nothing."""
        if len(path) > 1 and path.endswith("/"):
            path = path.rstrip("/") or "/"
        return self._aliases.get(path, path)

    def find(self, path: str, *, is_standard: bool = False) -> LiveRoute | None:
        """The route of this path, as the version in use has it; None for one that neither predicts nor is the
        project's own.

        Args:
            is_standard: the form of every service is meant, whatever the project has in its place.
        """
        if is_standard and path in self._always:
            return self._always[path]
        live = self._live.state.live
        if live is None:
            return self._unreleased.get(path)
        return live.routes.get(path) or self._always.get(path)

    def own(self) -> dict[str, LiveRoute]:
        """Every route that predicts or is the project's own, by its path."""
        live = self._live.state.live
        return self._unreleased if live is None else self._always | dict(live.routes)

    def all(self) -> list[str]:
        """Every path that can be asked for, but for those with an id in them."""
        return list(dict.fromkeys([*PATHS, *self.own(), *self._aliases]))
