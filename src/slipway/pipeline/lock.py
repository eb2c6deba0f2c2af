"""Stages and what they ran with in, `dvc.yaml` and `dvc.lock` out, in DVC's own format."""

from collections.abc import Mapping
from os.path import relpath
from pathlib import Path, PurePosixPath
from typing import Any

from slipway.errors import ProjectError
from slipway.files import rewrite_text
from slipway.pipeline.contents import Content
from slipway.pipeline.dvcignore import rules_for
from slipway.pipeline.globs import as_dependencies
from slipway.pipeline.graph import inputs_of, order, outputs_of
from slipway.pipeline.params import FILE as PARAMS
from slipway.pipeline.params import file_and_key
from slipway.project.dvc_yaml import HEADER, is_somebodys
from slipway.project.facts import FILE as PROJECT_FILE
from slipway.project.facts import Adopted, Project, Source
from slipway.project.yaml_text import block_lines

STAGES = "dvc.yaml"
LOCK = "dvc.lock"
SCHEMA = "2.0"

Ran = Mapping[str, Any]
"""What one stage ran with: "deps" and "outs" (path → MD5 and size), "params" (file → key → value)."""


def is_ours(root: Path) -> bool:
    """Whether `dvc.yaml` may be written: there is none, or we wrote it."""
    return not is_somebodys(root)


def dependencies(project: Project, name: str, modules: tuple[str, ...]) -> list[str]:
    """The files that a stage depends on, as DVC is told; its modules and inputs, labelled rows where there are any."""
    adopted = adoption(project, name)
    if adopted is not None:
        return sorted(str(path) for path in adopted.deps)
    files = [*modules, *(str(path) for path in command_files(project, name))]
    for artifact in inputs_of(project, name):
        source = project.sources.get(artifact)
        if source is not None and source.is_pattern:
            files += as_dependencies(project, source)
        else:
            files.append(str(project.artifacts[artifact].path))
        labelled = project.labelled(artifact)
        if artifact in project.sources and labelled.is_file():
            files.append(str(labelled.relative_to(project.root)))
    return sorted(set(files))


def command_files(project: Project, name: str) -> tuple[PurePosixPath, ...]:
    """What a command reads besides artifacts."""
    command = project.stages[name].command if name in project.stages else None
    return command.files if command is not None else ()


def adoption(project: Project, name: str) -> Adopted | None:
    """What somebody's dvc.yaml says of a stage."""
    command = project.stages[name].command if name in project.stages else None
    return command.adopted if command is not None else None


def compared_params(project: Project, name: str, settings: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The values that a stage depends on, as DVC looks them up: by file, and dotted key in it.

    What a stage's artifacts depend on in slipway.toml is there value by value: a threshold of the monitor reruns none.
    """
    if name in project.sources:
        return _source_params(project.sources[name], settings)
    stage = project.stages[name]
    found: dict[str, dict[str, Any]] = {}
    for setting, value in sorted(settings.items()):
        file, key = file_and_key(setting) if stage.command is not None else (PARAMS, f"{name}.{setting}")
        found.setdefault(file, {})[key] = value
    if stage.online:
        found[PROJECT_FILE] = {"model.target": project.model.target}
    return {file: found[file] for file in sorted(found, key=lambda file: (file != PARAMS, file))}


def _source_params(source: Source, settings: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    asked = {"sql": source.sql, "database": source.database, "fetch": source.fetch.function if source.fetch else None}
    found = {PARAMS: {f"{source.name}.{setting}": value for setting, value in sorted(settings.items())}}
    found[PROJECT_FILE] = {f"sources.{source.name}.{key}": value for key, value in asked.items() if value is not None}
    return {file: values for file, values in found.items() if values}


def is_metrics(project: Project, artifact: str) -> bool:
    """Whether DVC knows an artifact as metrics: a small file for git, not for the cache."""
    return artifact == project.model.metrics and project.artifacts[artifact].kind == "json"


def is_cached(project: Project, artifact: str) -> bool:
    """Whether DVC's cache keeps an artifact."""
    path, maker = project.artifacts[artifact].path, project.artifacts[artifact].maker
    command = project.stages[maker].command if maker is not None and maker in project.stages else None
    if command is not None and command.adopted is not None:
        return path not in command.uncached
    return not is_metrics(project, artifact) and (command is None or path not in command.uncached)


def uncached(project: Project) -> frozenset[str]:
    """The files of which DVC's cache has no copy."""
    return frozenset(str(artifact.path) for name, artifact in project.artifacts.items() if not is_cached(project, name))


def check_outputs(project: Project) -> None:
    """Refuse an output that `.dvcignore` names: with it DVC refuses every command.

    Raises:
        ProjectError: there is one; the message has the pattern and where it stands.
    """
    root = str(project.root)
    for name in order(project):
        for artifact in outputs_of(project, name):
            path = project.path(artifact)
            rules, folder = rules_for(root, str(path.parent))
            inside = f"{folder}/{path.name}" if folder else path.name
            kinds = [path.is_dir()] if path.exists() else [False, True]
            pattern = next((found for kind in kinds if (found := rules.pattern_of(inside, kind)) is not None), None)
            if pattern is not None:
                raise ProjectError(
                    f"{pattern[1]}: `{pattern[0]}` names {project.artifacts[artifact].path}, which "
                    f"{'stage' if name in project.stages else 'source'} `{name}` makes: DVC refuses every command "
                    f"then. Take it out of there (a line `!…` below it does), or let it be written elsewhere."
                )


def write_lock(
    project: Project,
    modules: Mapping[str, tuple[str, ...]],
    ran: Mapping[str, Ran],
    kept: Mapping[str, Mapping[str, Any]],
) -> bool:
    """Bring both files up to date; False, and nothing written, where `dvc.yaml` is not ours.

    Args:
        modules: the files of code that each stage reaches.
        ran: what each stage ran with; stages that never did are left out of the lock.
        kept: entries of others, which stay as they are.
    """
    if not is_ours(project.root):
        return False
    names = order(project)
    stages = {name: _stage(project, name, modules.get(name, ())) for name in names}
    replace_text(project.root / STAGES, HEADER + "\n".join(block_lines({"stages": stages})) + "\n")
    locked = {
        name: lock_entry(project, name, ran[name]) if name in ran else kept[name]
        for name in names
        if name in ran or name in kept
    }
    replace_text(project.root / LOCK, lock_text(locked))
    return True


def lock_text(stages: Mapping[str, Any], more: Mapping[str, Any] | None = None) -> str:
    """The text of a `dvc.lock`."""
    return "\n".join(block_lines({"schema": SCHEMA, "stages": stages, **(more or {})})) + "\n"


def command(project: Project, name: str) -> str | list[str]:
    """How DVC executes a stage."""
    own = project.stages[name].command if name in project.stages else None
    if own is None:
        return f"slipway stage {name}"
    is_list = len(own.lines) > 1 or (own.adopted is not None and own.adopted.is_list)
    return list(own.lines) if is_list else own.lines[0]


def _stage(project: Project, name: str, modules: tuple[str, ...]) -> dict[str, Any]:
    outs: dict[str, list[Any]] = {"outs": [], "metrics": [], "plots": []}
    for artifact in sorted(outputs_of(project, name), key=lambda a: str(project.artifacts[a].path)):
        path = str(project.artifacts[artifact].path)
        if is_metrics(project, artifact):
            outs["metrics"].append({path: {"cache": False}})
        elif not is_cached(project, artifact):
            outs["outs"].append({path: {"cache": False}})
        else:
            outs["plots" if project.artifacts[artifact].kind == "figure" else "outs"].append(path)
    stage = project.stages.get(name)
    settings = project.defaults.get(name, {})
    if stage is not None and stage.command is not None:
        settings = dict.fromkeys(stage.command.params)
    params: list[Any] = []
    for file, keys in compared_params(project, name, settings).items():
        params += sorted(keys) if file == PARAMS else [{file: sorted(keys)}]
    values = {
        "cmd": command(project, name),
        "deps": dependencies(project, name, modules),
        "params": params,
        **outs,
    }
    return {key: value for key, value in values.items() if value}


def lock_entry(project: Project, name: str, ran: Ran) -> dict[str, Any]:
    """What `dvc.lock` says of one stage; its paths are relative to where its lines are executed."""
    adopted = adoption(project, name)
    values = {
        "cmd": command(project, name),
        "deps": _files(ran["deps"], adopted),
        "params": {_texts(adopted, file)[0]: keys for file, keys in ran["params"].items()},
        "outs": _files(ran["outs"], adopted),
    }
    return {key: value for key, value in values.items() if value}


def _texts(adopted: Adopted | None, path: str) -> tuple[str, ...]:
    """How dvc.yaml names a file, by which DVC looks it up in dvc.lock."""
    if adopted is None:
        return (path,)
    return adopted.spelled.get(PurePosixPath(path)) or (relpath(path, adopted.folder),)


def _files(contents: Mapping[str, Content], adopted: Adopted | None) -> list[dict[str, Any]]:
    named = sorted((text, content) for path, content in contents.items() for text in _texts(adopted, path))
    listed = []
    for text, (md5, size, *files) in named:
        more = {"nfiles": files[0]} if files else {}
        listed.append({"path": text, "hash": "md5", "md5": md5, "size": size, **more})
    return listed


def replace_text(path: Path, text: str) -> None:
    try:
        if path.read_bytes() == text.encode():
            return
    except OSError:
        pass
    rewrite_text(path, text)
