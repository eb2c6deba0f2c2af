"""The tracking server of a project, opened from its settings."""

from slipway.settings import Settings
from slipway.tracking.seams import RunFacts, Tracker

__all__ = ["RunFacts", "Tracker", "open_tracker"]


def open_tracker(settings: Settings) -> Tracker:
    """The project's tracker, in a process of its own. Nothing is started or connected until it is used."""
    from slipway.tracking.apart import TrackerApart

    return TrackerApart(settings.tracking_uri, settings.root)
