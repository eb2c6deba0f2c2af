"""`[commands]` of slipway.toml → stages that are lines for a shell, with the files that they read and write."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import PurePosixPath

from slipway.errors import ProjectError
from slipway.project.facts import FILE, Artifact, Command, Input, Source, Stage
from slipway.project.keys import TEXT_OR_TEXTS, Keys
from slipway.project.named import LABELLED

_PARAMS = (".yaml", ".yml", ".json", ".toml")
"""Files in which a command's parameters may stand."""

_WRITES = {"anyOf": [{"type": "array", "items": {"type": "string"}, "minItems": 1}, {"type": "object"}]}

Paths = Mapping[str, PurePosixPath]


def read_commands(keys: Keys) -> tuple[dict[str, Stage], dict[str, PurePosixPath]]:
    """The commands as stages whose inputs are still to be found, and the files of what they make, by artifact."""
    stages: dict[str, Stage] = {}
    paths: dict[str, PurePosixPath] = {}
    for name in keys.names():
        table = keys.table(name)
        writes = _writes(table)
        for artifact in writes:
            if artifact in paths:
                maker = next(stage.name for stage in stages.values() if artifact in stage.outputs)
                raise ProjectError(
                    f"{FILE}: [commands.{name}] writes `{artifact}`, as [commands.{maker}] does: give one of them "
                    f'another name, such as writes = {{ other = "{writes[artifact]}" }}.'
                )
        paths |= writes
        stages[name] = Stage(
            name=name,
            module=PurePosixPath(FILE),
            line=0,
            inputs=(),
            settings={},
            outputs=tuple(writes),
            returns=None,
            doc=table.text("doc", ""),
            command=Command(_lines(table), _files(table), _params(table)),
        )
        table.finish()
    return stages, paths


def with_declared(
    read: Mapping[str, Stage], paths: Paths, declared: Mapping[str, Stage], written: Paths
) -> dict[str, Stage]:
    """The numbered scripts' stages and the commands of slipway.toml together; of one name there can't be two."""
    for stage in declared.values():
        other = read.get(stage.name) or next((s for s in read.values() if {*s.outputs} & {*stage.outputs}), None)
        if other is not None:
            shared = [name for name in stage.outputs if name in paths and name in written]
            both = f"both make `{shared[0]}`" if shared else "have one name"
            raise ProjectError(f"{stage.where} and {other.where} {both}: rename one.")
    return {**read, **declared}


def with_inputs(commands: Mapping[str, Stage], artifacts: Mapping[str, Artifact]) -> dict[str, Stage]:
    """The commands, each with the artifacts among the files that it reads: in one, under one, or the very file."""
    found = {}
    inner = {artifact.path for artifact in artifacts.values() if artifact.folder is not None}
    for name, stage in commands.items():
        assert stage.command is not None
        inputs: dict[str, None] = {}
        files = []
        for path in stage.command.files:
            if LABELLED in path.parents and stage.command.adopted is None:
                continue  # is there only once there are some; whoever reads the source depends on them
            exact = [a.name for a in artifacts.values() if a.path == path]
            whole = [a for a in artifacts.values() if a.folder is None and path not in inner]
            inside = [a.name for a in whole if path in a.path.parents or a.path in path.parents]
            inputs.update(dict.fromkeys([*exact, *inside]))
            if not exact:
                files.append(path)
        own = next((artifact for artifact in inputs if artifacts[artifact].maker == name), None)
        if own is not None:
            raise ProjectError(
                f"{stage.where} reads {artifacts[own].path}, which it writes itself: a command is given "
                f"what was there before it, and its own files are taken away first."
            )
        command = replace(stage.command, files=tuple(files))
        found[name] = replace(stage, inputs=tuple(Input(i, None) for i in inputs), command=command)
    return found


def check_relearning(stages: Mapping[str, Stage], source: str, artifacts: Mapping[str, Artifact]) -> None:
    """Refuse to add labelled rows to a source that is read by commands alone, none of which would look at them."""
    path = artifacts[source].path
    readers = [stage for stage in stages.values() if source in (i.artifact for i in stage.inputs)]
    commands = [stage for stage in stages.values() if stage.command is not None and path in stage.command.files]
    labelled = LABELLED / f"{source}.parquet"
    if commands and not readers and not any(labelled in (s.command.files if s.command else ()) for s in commands):
        raise ProjectError(
            f"{FILE}: [model] retrain_into = '{source}': {commands[0].where} reads {path} itself and would not see the "
            f"labelled rows, which stand in {labelled}: let it read these, too, where they are there."
        )


def check_commands(
    commands: Mapping[str, Stage], functions: Mapping[str, Stage], sources: Mapping[str, Source], paths: Paths
) -> None:
    """Refuse a command that is named as a function or a source is, and a second place for what it writes."""
    for name, stage in commands.items():
        if name in functions:
            raise ProjectError(f"{stage.where}: {functions[name].where} is there already: rename one.")
        if name in sources:
            raise ProjectError(f"{stage.where}: a source has this name already: rename one.")
        twice = next((artifact for artifact in stage.outputs if artifact in paths), None)
        if twice is not None:
            raise ProjectError(
                f"{FILE}: [artifacts] {twice}: [commands.{name}] says where it writes this: leave it out here."
            )


def _lines(table: Keys) -> tuple[str, ...]:
    value = table.value("cmd", None, schema=TEXT_OR_TEXTS)
    lines = (value,) if isinstance(value, str) else tuple(value or ()) if isinstance(value, list | None) else ()
    if not lines or not all(isinstance(line, str) and line.strip() for line in lines):
        table.refuse("cmd", 'a command such as "python train.py", or a list of them')
    return lines


def _writes(table: Keys) -> dict[str, PurePosixPath]:
    value = table.value("writes", [], schema=_WRITES)
    if isinstance(value, dict):
        named = table.table("writes")
        return {name: named.path(name) for name in named.names()}
    paths = [_path(table, "writes", path) for path in value] if isinstance(value, list) else []
    if not paths:
        table.refuse("writes", 'the files that it makes, such as ["data/train.csv"]')
    found = {path.stem: path for path in paths}
    if len(found) < len(paths):
        table.refuse("writes", 'a name for each, since two are called alike: { train = "a/data.csv", … }')
    return found


def _files(table: Keys) -> tuple[PurePosixPath, ...]:
    return tuple(dict.fromkeys(_path(table, "reads", path) for path in table.texts("reads")))


def _params(table: Keys) -> tuple[str, ...]:
    for text in table.texts("params"):
        file, colon, key = text.rpartition(":")
        if not key or (colon and PurePosixPath(file).suffix not in _PARAMS):
            table.refuse("params", f'"train.lr" of params.yaml, or "other.yaml:train.lr" ({", ".join(_PARAMS)})')
    return tuple(dict.fromkeys(text.removeprefix("params.yaml:") for text in table.texts("params")))


def _path(table: Keys, key: str, text: object) -> PurePosixPath:
    path = PurePosixPath(text) if isinstance(text, str) else PurePosixPath()
    if not path.parts or path.is_absolute() or ".." in path.parts or "://" in str(text):
        table.refuse(key, "files and folders of the project, each as a path below its folder")
    return path
