"""The gate's tables ↔ files under their digests, so that what an entry of the ledger rests on can be read again."""

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from slipway.errors import DataError
from slipway.files import write_text

FORMAT = 1

_TIMED = ("measured", "uncertainty", "would_change")


def digest_of(table: Mapping[str, Any]) -> str:
    """SHA-256 of a table as JSON, without the figures of lines that vary: these are others each time."""
    lines = [
        {key: value for key, value in line.items() if not (line.get("varies") and key in _TIMED)}
        for line in table["lines"]
    ]
    canonical = json.dumps({**table, "lines": lines}, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def keep_table(folder: Path, table: Mapping[str, Any]) -> Path:
    """Keep a table as `DIGEST.json`; one that is there already stays as it is."""
    path = folder / f"{digest_of(table)}.json"
    if path.exists():
        return path
    content = {"format": FORMAT, "table": table}
    write_text(path, json.dumps(content, ensure_ascii=False, indent=1) + "\n", is_durable=True)
    return path


def read_table(folder: Path, digest: str) -> dict[str, Any] | None:
    """The table of that digest, as `slipway gate --json` printed it; None where it is not kept here.

    Raises:
        DataError: it was changed since, or written by a newer version.
    """
    path = folder / f"{digest}.json"
    if re.fullmatch("[0-9a-f]{64}", digest) is None or not path.is_file():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        table: dict[str, Any] = content["table"]
        if content["format"] > FORMAT:
            raise DataError(
                f"{path}: the table has format {content['format']}, this Slipway reads up to {FORMAT}. Update Slipway."
            )
        is_whole = digest_of(table) == digest
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        is_whole = False
    if not is_whole:
        raise DataError(f"{path}: this is not the table that the ledger's digest is of: it was changed since.")
    return table
