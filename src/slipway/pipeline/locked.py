"""`dvc.lock` in, what each stage ran with out."""

from pathlib import Path
from typing import Any

from slipway.errors import ProjectError
from slipway.pipeline.lock import LOCK, Ran, command
from slipway.pipeline.params import FILE as PARAMS


def read_lock(root: Path) -> dict[str, Ran]:
    """The stages of `dvc.lock` that `slipway stage` executes.

    Raises:
        ProjectError: the file is not YAML, as in an unfinished merge.
    """
    import yaml

    try:
        values = yaml.safe_load((root / LOCK).read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ProjectError(f"{LOCK}: not YAML: {error}. After a merge, remove it and run again.") from error
    stages = values.get("stages") if isinstance(values, dict) else None
    found: dict[str, Ran] = {}
    for name, entry in (stages or {}).items():
        if isinstance(entry, dict) and entry.get("cmd") == command(name):
            settings = (entry.get("params") or {}).get(PARAMS) or {}
            found[name] = {
                "deps": _files(entry.get("deps")),
                "outs": _files(entry.get("outs")),
                "settings": {key.removeprefix(f"{name}."): value for key, value in settings.items()},
            }
    return found


def _files(entries: Any) -> dict[str, list[Any]]:
    return {entry["path"]: [entry.get("md5"), entry.get("size")] for entry in entries or ()}
