"""The project's metrics artifact in, the numbers in it out."""

import json
from pathlib import Path

from slipway.errors import DataError


def reported_metrics(path: str | Path | None) -> dict[str, float]:
    """The numbers of a metrics file, by name; what is no number in it is left aside. Empty without a file."""
    if path is None:
        return {}
    try:
        values = json.loads(Path(path).read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{path}: its metrics can't be read: {error}. `slipway run --force` makes it anew.") from error
    if not isinstance(values, dict):
        raise DataError(f"{path}: expected numbers by name. `slipway run --force` makes it anew.")
    return {
        name: float(value)
        for name, value in values.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
