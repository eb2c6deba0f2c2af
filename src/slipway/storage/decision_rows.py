"""What the backends share of a decision's row: its figures as JSON, and the version that they name."""

from typing import Any

from slipway.records import Decision
from slipway.storage.journal_rows import UnreadableRecord, load

_INT64 = 2**63


def read_detail(text: Any) -> dict[str, Any]:
    """The figures of a decision; none where they can't be read, so that one damaged row hides no other."""
    try:
        detail = load(text)
    except UnreadableRecord:
        return {}
    return detail if isinstance(detail, dict) else {}


def checked_version(decision: Decision) -> int | None:
    """The version that a decision's figures name, as a column keeps it."""
    version = decision.detail.get("version")
    return version if type(version) is int and -_INT64 <= version < _INT64 else None
