"""What a service has to know to start while its database is away ↔ a small file beside its bundles."""

import contextlib
import logging
import os
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

import msgspec

FORMAT = 1

Fact = TypeVar("Fact")

log = logging.getLogger(__name__)


def remember(path: Path, fact: object) -> bool:
    """Keep the fact, written aside and renamed, for this user alone; whether that went well. The log says if not."""
    aside = path.with_name(f".{path.name}-{uuid4().hex[:8]}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with open(handle, "wb") as file:  # noqa: PTH123 - made with its rights
            file.write(msgspec.json.encode({"format": FORMAT, "kept": fact}))
        aside.replace(path)
    except OSError as error:
        log.warning("%s: can't be kept (%s); a start while the database is away would miss it", path, error.strerror)
        with contextlib.suppress(OSError):
            aside.unlink(missing_ok=True)
        return False
    return True


def recall(path: Path, kind: type[Fact]) -> Fact | None:
    """The fact that was kept; None where there is none, or none of this kind."""
    try:
        kept = msgspec.json.decode(path.read_bytes())
        if not isinstance(kept, dict) or kept.get("format") != FORMAT:
            raise ValueError("another version of Slipway wrote it")
        return msgspec.convert(kept.get("kept"), kind)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:  # msgspec's errors are ValueErrors
        log.warning("%s: passed over, since it can't be read: %s", path, error)
        return None
