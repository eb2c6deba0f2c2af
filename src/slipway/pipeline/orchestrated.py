"""A step's name, its reason and its work in; what the work gives out. An orchestrator may record how it went."""

from collections.abc import Callable
from typing import Protocol, TypeVar

T = TypeVar("T")


class Orchestrator(Protocol):
    def step(self, name: str, why: str, work: Callable[[], T]) -> T:
        """Do the work of a step; what it raises comes through as it is."""
        ...

    def unchanged(self, name: str, why: str) -> None:
        """Told of a step that had nothing to do."""
        ...


class Straight:
    """Does the work, and records nothing."""

    def step(self, name: str, why: str, work: Callable[[], T]) -> T:
        """See `Orchestrator.step`."""
        return work()

    def unchanged(self, name: str, why: str) -> None:
        """See `Orchestrator.unchanged`."""
