"""The project's metrics artifact in, the numbers in it out."""

import json
from pathlib import Path


def reported_metrics(path: str | Path | None) -> dict[str, float]:
    """The numbers of a metrics file, by name; what is no number in it is left aside. Empty without a file."""
    if path is None:
        return {}
    values = json.loads(Path(path).read_text(encoding="utf-8"))
    return {
        name: float(value)
        for name, value in values.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
