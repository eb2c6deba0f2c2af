"""What a service has to know to start while its database is away ↔ a small file beside its bundles."""

import logging
from pathlib import Path
from typing import TypeVar

import msgspec

from slipway.files import write_bytes

FORMAT = 1

Fact = TypeVar("Fact")

log = logging.getLogger(__name__)


def remember(path: Path, fact: object, place: str = "") -> bool:
    """Keep the fact, for this user alone; return whether that went well. The log says if not.

    Args:
        place: of the database that the fact is from.
    """
    try:
        write_bytes(path, msgspec.json.encode({"format": FORMAT, "kept": fact, "place": place}), mode=0o600)
    except OSError as error:
        log.warning("%s: can't be kept (%s); a start while the database is away would miss it", path, error.strerror)
        return False
    return True


def recall(path: Path, kind: type[Fact], place: str | None = None) -> Fact | None:
    """The fact that was kept; None where there is none, or none of this kind.

    Args:
        place: of the database that it has to be from; any, unless given.
    """
    try:
        kept = msgspec.json.decode(path.read_bytes())
        if not isinstance(kept, dict) or kept.get("format") != FORMAT:
            raise ValueError("another version of Slipway wrote it")
        if place is not None and kept.get("place") != place:
            return None
        return msgspec.convert(kept.get("kept"), kind)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:  # msgspec's errors are ValueErrors
        log.warning("%s: passed over, since it can't be read: %s", path, error)
        return None
