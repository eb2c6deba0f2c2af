"""`dvc.lock` in, what each stage ran with out; and of an adopted `dvc.yaml`, the lock brought up to date."""

from collections.abc import Mapping
from os.path import normpath
from typing import Any

from slipway.errors import ProjectError
from slipway.files import fits, read_text
from slipway.pipeline.lock import LOCK, Ran, adoption, command, lock_entry, lock_text, replace_text
from slipway.project.facts import Project


def read_lock(project: Project) -> dict[str, Ran]:
    """The stages of `dvc.lock` whose command is the project's.

    Raises:
        ProjectError: the file is not YAML, as in an unfinished merge.
    """
    found: dict[str, Ran] = {}
    for name, entry in _stages(_load(project)).items():
        is_known = name in project.stages or name in project.sources
        if is_known and isinstance(entry, dict) and entry.get("cmd") == command(project, name):
            adopted = adoption(project, name)
            folder = str(adopted.folder) if adopted is not None else "."
            found[name] = {
                "deps": _files(entry.get("deps"), folder),
                "outs": _files(entry.get("outs"), folder),
                "params": {
                    normpath(f"{folder}/{file}"): values for file, values in (entry.get("params") or {}).items()
                },
            }
    return found


def update_lock(project: Project, ran: Mapping[str, Ran]) -> None:
    """Write what stages of somebody's `dvc.yaml` ran with into its lock; what is there of others stays.

    An entry that says the same stays as DVC wrote it, and a lock that says all of it already is not written.
    """
    values = _load(project) if (project.root / LOCK).is_file() else {}
    stages = _stages(values)
    now = {name: lock_entry(project, name, ran[name]) for name in project.stages if name in ran}
    changed = {name: entry for name, entry in now.items() if _compared(stages.get(name)) != _compared(entry)}
    if changed:
        more = {key: value for key, value in values.items() if key not in ("schema", "stages")}
        replace_text(project.root / LOCK, lock_text({**stages, **changed}, more))


def _load(project: Project) -> dict[str, Any]:
    import yaml

    from slipway.project.yaml12 import load_yaml

    try:
        values = load_yaml(read_text(project.root / LOCK))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ProjectError(f"{LOCK}: not YAML: {error}. After a merge, remove it and run again.") from error
    return values if isinstance(values, dict) else {}


def _stages(values: Mapping[str, Any]) -> dict[str, Any]:
    """The entries by stage.

    Raises:
        ProjectError: one of them is not as DVC writes it.
    """
    stages = values.get("stages")
    if not isinstance(stages, dict):
        return {}
    file = {"path": str}
    for name, entry in stages.items():
        listed = [entry.get(key) or [] for key in ("deps", "outs")] if isinstance(entry, dict) else []
        if not fits(listed, [[file]]) or (listed and not fits(entry.get("params") or {}, {str: (dict, None)})):
            raise ProjectError(f"{LOCK}: `{name}` is not written as DVC does. Remove the file, and run again.")
    return stages


def _compared(entry: Any) -> Any:
    """What DVC compares of an entry: sizes and marks such as `isexec` only come along."""
    if not isinstance(entry, dict):
        return None
    files = [{item["path"]: item.get("md5") for item in entry.get(key) or ()} for key in ("deps", "outs")]
    return entry.get("cmd"), files, entry.get("params") or {}


def _files(entries: Any, folder: str) -> dict[str, list[Any]]:
    found = {}
    for entry in entries or ():
        found[normpath(f"{folder}/{entry['path']}")] = [entry[k] for k in ("md5", "size", "nfiles") if k in entry]
    return found
