"""A tracker in memory: what it was told survives whoever told it, as a server's does; and it can be away."""

from slipway.errors import OutsideError
from slipway.tracking.seams import RunFacts


class Registry:
    """Implements `tracking.seams.Tracker`. The real one is tested by itself: it takes seconds to make."""

    def __init__(self) -> None:
        self.bundles: dict[int, str] = {}
        self.aliases: dict[str, int] = {}
        self.heads: dict[int, str] = {}
        self.is_away = False

    def prepare(self) -> None:
        pass

    def close(self) -> None:
        pass

    def register(self, facts: RunFacts) -> int:
        self._answer()
        for version, bundle in self.bundles.items():
            if bundle == facts.bundle_sha256:
                return version
        version = len(self.bundles) + 1
        self.bundles[version] = facts.bundle_sha256
        return version

    def point(self, name: str, alias: str, version: int) -> None:
        self._answer()
        self.aliases[alias] = version

    def pointed(self, name: str, alias: str) -> int | None:
        self._answer()
        return self.aliases.get(alias)

    def anchor(self, name: str, version: int, head: str) -> None:
        self._answer()
        self.heads[version] = head

    def anchors(self, name: str) -> dict[int, str]:
        self._answer()
        return dict(self.heads)

    def _answer(self) -> None:
        if self.is_away:
            raise OutsideError("the tracking server does not answer")
