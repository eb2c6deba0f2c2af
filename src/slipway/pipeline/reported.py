"""The numbers in a project's own metrics file, which a function of Slipway's or a command of any kind has written."""

import json
import math
from pathlib import Path
from typing import Any

from slipway.errors import DataError


def reported_metrics(path: str | Path | None) -> dict[str, float]:
    """Read the numbers of a metrics file of JSON, YAML or TOML, by name.

    What is no finite number by name is left aside, as a file that holds a list or one value is as a whole: DVC takes
    these too, and no gate can ask for them. Empty without a file.

    Raises:
        DataError: the file is missing, or not what its name's ending says.
    """
    if path is None:
        return {}
    try:
        values = _parsed(Path(path))
    except Exception as error:  # each format has an error of its own
        raise DataError(
            f"{path}: its metrics can't be read: {error}. Let the stage that makes it write numbers by name, such as "
            '{"accuracy": 0.9}; `slipway run --force` makes it anew.'
        ) from error
    if not isinstance(values, dict):
        return {}
    return {str(name): float(value) for name, value in values.items() if _is_number(value)}


def _parsed(path: Path) -> Any:
    text = path.read_text(encoding="utf-8-sig")
    match path.suffix.lower():
        case ".yaml" | ".yml":
            from slipway.project.yaml12 import load_yaml

            return load_yaml(text)
        case ".toml":
            import tomllib

            return tomllib.loads(text)
        case _:
            return json.loads(text)


def _is_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) < 2**1023 if isinstance(value, int) else math.isfinite(value)
