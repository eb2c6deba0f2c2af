"""How far the clocks of those who share a store are trusted."""

import time
from datetime import UTC, datetime

SKEW_SECONDS = 300.0
"""By so much they may differ. A moment that is further ahead was noted by a clock that was wrong: it counts as none."""


def latest_moment() -> float:
    """The Unix time beyond which a moment is of a clock that was ahead."""
    return time.time() + SKEW_SECONDS


def latest_moment_iso() -> str:
    """The same in ISO 8601 and UTC, as decisions and the ledger have times: such texts sort as the times do."""
    return datetime.fromtimestamp(latest_moment(), UTC).isoformat()


def unix_time(moment: str) -> float | None:
    """A time in ISO 8601 as Unix time; None where it is none."""
    try:
        return datetime.fromisoformat(moment).timestamp()
    except (ValueError, OverflowError):
        return None
