"""What the last run looked at in, whether all of it is still so out: a run without changes needs no more than this.

It reads one file and asks for the times of some others; nothing heavier than `json` is imported, for this is the
shortest way through a command. Whoever gets None goes the ordinary way.
"""

import json
import os
import sys
import time

from slipway.pipeline.folders import path_signature

FILE = "unchanged.json"
FORMAT = 4
_QUIET_NS = 2_000_000_000
"""A file is trusted by its time only when it is this much older than the run that looked at it: the clock of a disk
may keep whole seconds, and a project is read a moment before it is run."""


def unchanged(root: str) -> tuple[list[str], str | None] | None:
    """The stages of the project in `root`, in order, and the path of its metrics (None without such a file).

    None when anything has changed, or nobody knows: then `run` finds out.
    """
    try:
        with open(os.path.join(root, ".slipway", FILE), encoding="utf-8") as file:  # noqa: PTH118, PTH123
            seen = json.load(file)
        if seen["format"] != FORMAT or seen["python"] != [sys.prefix, sys.hexversion]:
            return None
        if seen["until"] is not None and time.time() >= seen["until"]:
            return None
        if any(signature(root, path) != found for path, found in seen["present"].items()):
            return None
        if any(signature(root, path) is not None for path in seen["absent"]):
            return None
        if any(_scripts(root, folder) != found for folder, found in seen["scripts"].items()):
            return None
        metrics = seen["metrics"]
        if not all(isinstance(name, str) for name in (*seen["stages"], metrics or "")):
            return None
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None
    return seen["stages"], None if metrics is None else os.path.join(root, metrics)  # noqa: PTH118


def remember(
    root: str,
    stages: list[str],
    metrics: str | None,
    present: list[str],
    absent: list[str],
    began_at: int,
    until: float | None,
    folders: tuple[str, ...] = (),
) -> bool:
    """Write down what a run that changed nothing has looked at; False when some file is too young to be trusted.

    Args:
        present, absent: files and folders that are there, and that are not; relative to `root` or absolute.
        began_at: when the run began, in nanoseconds.
        until: when a source has to be asked again, in seconds since 1970.
        folders: where another script would be another stage.
    """
    found = {path: signature(root, path) for path in present}
    if any(seen is None or seen[1] > began_at - _QUIET_NS for seen in found.values()):
        return False
    values = {
        "format": FORMAT,
        "python": [sys.prefix, sys.hexversion],
        "stages": stages,
        "metrics": metrics,
        "present": found,
        "absent": absent,
        "until": until,
        "scripts": {folder: _scripts(root, folder) for folder in folders},
    }
    from pathlib import Path

    from slipway.files import write_text

    write_text(Path(root, ".slipway", FILE), json.dumps(values))
    return True


def _scripts(root: str, folder: str) -> list[str]:
    return sorted(name for name in os.listdir(os.path.join(root, folder)) if name.endswith(".py"))  # noqa: PTH118, PTH208


def signature(root: str, path: str) -> list[int] | None:
    """Size, time and number of a file, or what stands for them of a folder; None when it is missing."""
    found = path_signature(root, os.path.join(root, path))  # noqa: PTH118
    return None if found is None else [*found]
