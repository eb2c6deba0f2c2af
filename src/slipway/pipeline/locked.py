"""`dvc.lock` in, what each stage ran with out."""

from typing import Any

from slipway.errors import ProjectError
from slipway.pipeline.lock import LOCK, Ran, command
from slipway.project.facts import Project


def read_lock(project: Project) -> dict[str, Ran]:
    """The stages of `dvc.lock` whose command is the project's.

    Raises:
        ProjectError: the file is not YAML, as in an unfinished merge.
    """
    import yaml

    try:
        values = yaml.safe_load((project.root / LOCK).read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ProjectError(f"{LOCK}: not YAML: {error}. After a merge, remove it and run again.") from error
    stages = values.get("stages") if isinstance(values, dict) else None
    found: dict[str, Ran] = {}
    for name, entry in (stages or {}).items():
        is_known = name in project.stages or name in project.sources
        if is_known and isinstance(entry, dict) and entry.get("cmd") == command(project, name):
            found[name] = {
                "deps": _files(entry.get("deps")),
                "outs": _files(entry.get("outs")),
                "params": entry.get("params") or {},
            }
    return found


def _files(entries: Any) -> dict[str, list[Any]]:
    kept = ("md5", "size", "nfiles")
    return {entry["path"]: [entry[key] for key in kept if key in entry] for entry in entries or ()}
