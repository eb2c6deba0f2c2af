"""Read `dvc.lock`, in the forms that DVC has had for it, and bring the lock of an adopted `dvc.yaml` up to date."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from os.path import normpath
from typing import Any

from slipway.errors import ProjectError
from slipway.files import read_text
from slipway.pipeline.contents import tree_md5
from slipway.pipeline.lock import LOCK, SCHEMA, Ran, adoption, command, lock_entry, lock_text, replace_text
from slipway.project.facts import Project


@dataclass(frozen=True, slots=True)
class LockedFile:
    """What the lock says of a file or folder."""

    md5: str | None
    """None where it has another kind of hash, or none."""
    size: int | None = None
    files: int | None = None
    """How many a folder has."""
    is_dvc2: bool = False
    """Whether the hash is DVC 2's, and the content in DVC 2's place of the cache and of a remote."""


@dataclass(frozen=True, slots=True)
class LockedStage:
    """What the lock says a stage ran with; files by path relative to the project's folder."""

    deps: Mapping[str, LockedFile] = field(default_factory=dict)
    outs: Mapping[str, LockedFile] = field(default_factory=dict)
    params: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By file, and dotted key in it."""


def read_lock(project: Project) -> dict[str, LockedStage]:
    """Return the stages of `dvc.lock` whose command is the project's.

    Raises:
        ProjectError: the file is not YAML, as in an unfinished merge, or of a form that no DVC known here has written.
    """
    return {name: _locked_stage(project, name, entry) for name, entry in read_entries(project).items()}


def read_entries(project: Project) -> dict[str, dict[str, Any]]:
    """Return the entries of the same stages as they are written.

    Raises:
        ProjectError: as of `read_lock`.
    """
    found = {}
    for name, entry in _stages(_load(project)).items():
        is_known = name in project.stages or name in project.sources
        if is_known and isinstance(entry, dict) and entry.get("cmd") == command(project, name):
            found[name] = entry
    return found


def update_lock(project: Project, ran: Mapping[str, Ran]) -> None:
    """Write what stages of somebody's `dvc.yaml` ran with into its lock; what is there of others stays.

    An entry that says the same stays as DVC wrote it, and a lock that says all of it already is not written.
    """
    values = _load(project) if (project.root / LOCK).is_file() else {}
    stages = _stages(values)
    now = {name: lock_entry(project, name, ran[name]) for name in project.stages if name in ran}
    changed = {name: entry for name, entry in now.items() if _compared(stages.get(name)) != _compared(entry)}
    is_older = bool(values) and "schema" not in values
    if changed or is_older:
        more = {} if is_older else {key: value for key, value in values.items() if key not in ("schema", "stages")}
        replace_text(project.root / LOCK, lock_text({**stages, **changed}, more))


def locked_file(entry: Any, where: str) -> tuple[str, LockedFile]:
    """Return the path of an entry of a lock or a `.dvc` file, as it stands there, and what is said of it.

    Raises:
        ProjectError: it is no such entry.
    """
    path = entry.get("path") if isinstance(entry, dict) else None
    if not isinstance(path, str) or not path:
        raise ProjectError(f"{where}: {entry!r}: expected a file with its path. `dvc repro` or a run writes it anew.")
    md5, files, name = entry.get("md5"), entry.get("nfiles"), entry.get("hash")
    if md5 is None and isinstance(entry.get("files"), list):  # as `dvc` writes it for remotes that keep versions
        members = {str(f.get("relpath")): str(f.get("md5")) for f in entry["files"] if isinstance(f, dict)}
        md5, files = tree_md5(members), len(members)
    if name not in (None, "md5", "md5-dos2unix") or not isinstance(md5, str | int):
        return path, LockedFile(None)
    size = entry.get("size")
    return path, LockedFile(
        str(md5),  # one of digits alone, in an older lock without quotes
        size if isinstance(size, int) else None,
        files if isinstance(files, int) else None,
        is_dvc2=name != "md5",
    )


def _load(project: Project) -> dict[str, Any]:
    import yaml

    from slipway.project.yaml12 import load_yaml

    try:
        values = load_yaml(read_text(project.root / LOCK))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ProjectError(f"{LOCK}: not YAML: {error}. After a merge, remove it and run again.") from error
    if values is not None and not isinstance(values, dict):
        raise ProjectError(f"{LOCK}: no table of stages. Remove it and run again, or `dvc repro`.")
    return values or {}


def _stages(values: Mapping[str, Any]) -> dict[str, Any]:
    """The entries by stage; before DVC 2 they stood at the top of the file, without a schema."""
    if "schema" not in values:
        stages = values.get("stages", values)
    elif values["schema"] == SCHEMA:
        stages = values.get("stages") or {}
    else:
        raise ProjectError(
            f"{LOCK}: schema {values['schema']!r}: known here is {SCHEMA}, which DVC 2 and 3 write. Was it written by "
            f"a newer one? Update Slipway, or remove the file and run again."
        )
    if not isinstance(stages, dict):
        raise ProjectError(f"{LOCK}: `stages` is no table of stages. Remove the file and run again, or `dvc repro`.")
    return stages


def _locked_stage(project: Project, name: str, entry: Mapping[str, Any]) -> LockedStage:
    adopted = adoption(project, name)
    folder = str(adopted.folder) if adopted is not None else "."
    params = entry.get("params") or {}
    if not isinstance(params, dict) or not all(isinstance(values, dict) for values in params.values()):
        raise ProjectError(f"{LOCK}: stage `{name}`: params: expected values by file. Remove the file and run again.")
    return LockedStage(
        dict(_files(name, entry, "deps", folder)),
        dict(_files(name, entry, "outs", folder)),
        {normpath(f"{folder}/{file}"): values for file, values in params.items()},
    )


def _files(name: str, entry: Mapping[str, Any], key: str, folder: str) -> Iterator[tuple[str, LockedFile]]:
    listed = entry.get(key) or ()
    if not isinstance(listed, list | tuple):
        raise ProjectError(f"{LOCK}: stage `{name}`: {key}: expected a list of files. Remove the file and run again.")
    for item in listed:
        path, file = locked_file(item, f"{LOCK}: stage `{name}`: {key}")
        yield normpath(f"{folder}/{path}"), file


def _compared(entry: Any) -> Any:
    """What DVC compares of an entry: sizes and marks such as `isexec` only come along."""
    if not isinstance(entry, dict):
        return None
    listed = [[item for item in entry.get(key) or () if isinstance(item, dict)] for key in ("deps", "outs")]
    files = [{item.get("path"): (item.get("md5"), item.get("hash")) for item in items} for items in listed]
    return entry.get("cmd"), files, entry.get("params") or {}
