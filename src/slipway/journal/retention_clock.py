"""Whether the clock can be trusted to say what is too old: it may have been wrong for a while.

| what is seen | then |
|---|---|
| no more than a day since it was last seen | now is trusted, if that has gone on for a day |
| more than a day: nobody ran, or the clock was set ahead | until that has gone on for a day, when it was last seen |
| it went back | no more than now; the later time was wrong, or this one is |

So a clock that is ahead for less than a day removes nothing, whatever it says; what is too old after a pause goes a day
later than it would. Pure, but for the small file that keeps what was seen.
"""

import contextlib
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

import msgspec

from slipway.file_rights import create_private, make_private_folder
from slipway.storage.clock import SKEW_SECONDS

DAY_SECONDS = 86_400.0
FORMAT = 1


@dataclass(frozen=True, slots=True)
class Sighting:
    """What the clock has said so far, as Unix times."""

    seen: float
    """When it was last looked at."""
    since: float
    """Since when it has gone on without a jump."""
    trusted: float
    """The latest time that can be relied on."""
    format: int = FORMAT


def look(before: Sighting | None, now: float, signs: list[float]) -> Sighting:
    """Look at the clock once more.

    Args:
        signs: when something else that is kept was noted, such as the newest prediction; they say how late it was where
            the clock was never looked at. Afterwards they say nothing: what is noted while it is wrong is wrong too.
    """
    if before is None:
        past = [each for each in signs if each <= now + SKEW_SECONDS]
        if not past:
            return Sighting(now, now, now)
        before = Sighting(max(past), 0.0, max(past))
    if now < before.seen - SKEW_SECONDS:
        return Sighting(now, now, min(before.trusted, now))
    if now > before.seen + DAY_SECONDS:
        return Sighting(now, now, before.seen)
    is_steady = now - before.since >= DAY_SECONDS
    return Sighting(now, before.since, now if is_steady else min(before.trusted, now))


def read_sighting(path: Path) -> Sighting | None:
    """What was seen last; None where there is nothing, or nothing that can be read."""
    try:
        kept = msgspec.json.decode(path.read_bytes(), type=Sighting)
    except (OSError, msgspec.MsgspecError, ValueError):
        return None
    return kept if kept.format == FORMAT else None


def keep_sighting(path: Path, sighting: Sighting) -> None:
    """Keep what was seen; on a disk that takes nothing, the next look is as after a pause."""
    aside = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
    with contextlib.suppress(OSError):
        make_private_folder(path.parent)
        try:
            with open(create_private(aside, os.O_WRONLY | os.O_EXCL), "wb") as file:  # noqa: PTH123 - made with its rights
                file.write(msgspec.json.encode(sighting))
            aside.replace(path)
        finally:
            aside.unlink(missing_ok=True)
