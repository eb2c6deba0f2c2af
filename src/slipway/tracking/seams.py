"""What the flow needs of a tracking server: runs recorded, versions registered and named, the ledger's head kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What is recorded of the run that made a candidate."""

    name: str
    """The registered model's name: the project's."""
    bundle: Path
    bundle_sha256: str
    params: Mapping[str, Any]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    example: list[dict[str, Any]]
    """A few request rows, for the input example and the signature."""
    answers: list[Any]
    """The predictions of these rows."""


class Tracker(Protocol):
    def prepare(self) -> None:
        """Get ready to register, beside other work: what takes time the first time is done here."""

    def register(self, facts: RunFacts) -> int:
        """Record the run and register its bundle; the version's integer. The same bundle twice gives the same one."""

    def point(self, name: str, alias: str, version: int) -> None:
        """Point an alias at a version."""

    def pointed(self, name: str, alias: str) -> int | None:
        """The version that an alias points at."""

    def anchor(self, name: str, version: int, head: str) -> None:
        """Keep the ledger's head on a version, in place of what it had."""

    def anchors(self, name: str) -> Mapping[int, str]:
        """The heads that versions carry, by version."""

    def close(self) -> None:
        """Give back what it holds; a later use takes it again."""
