"""Sources, stages and `[artifacts]` of slipway.toml → each artifact, its kind, and the file it is kept in."""

from collections.abc import Mapping
from pathlib import PurePosixPath

from slipway.errors import ProjectError, near_miss
from slipway.files import PREFIX
from slipway.project.facts import (
    FILE,
    PATH_TYPE,
    TABLE_TYPES,
    Artifact,
    ArtifactKind,
    Model,
    Source,
    Stage,
)
from slipway.project.named import inner_files


def lay_out_artifacts(
    sources: Mapping[str, Source], stages: Mapping[str, Stage], model: Model, paths: Mapping[str, PurePosixPath]
) -> dict[str, Artifact]:
    artifacts = {s.name: Artifact(s.name, "path" if s.is_folder else "table", s.path, None) for s in sources.values()}
    for stage in stages.values():
        for name in stage.outputs:
            if name in artifacts:
                other = artifacts[name].maker
                by = f"stage `{other}`" if other else "a source"
                raise ProjectError(f"{stage.where}: `{name}` is made here and by {by}: names are unique.")
            kind = _kind(name, stage, model) if stage.command is None else _kept_kind(name, paths[name], model)
            artifacts[name] = Artifact(name, kind, paths.get(name, _place(name, kind)), stage.name)
    _check_folders(artifacts, stages)
    artifacts |= _inner_artifacts(artifacts, sources, stages, model, paths)
    for name in paths:
        if name not in artifacts or (name in sources and artifacts[name].maker is None):
            raise ProjectError(f"{FILE}: [artifacts] {name}: no stage makes it.{near_miss(name, artifacts)}")
    for name, path in paths.items():
        if artifacts[name].kind == "table" and path.suffix not in (".parquet", ".csv"):
            raise ProjectError(f"{FILE}: [artifacts] {name} = '{path}': expected a .parquet or a .csv file.")
    for artifact in artifacts.values():
        if any(part.startswith(PREFIX) for part in artifact.path.parts):
            raise ProjectError(
                f"{FILE}: `{artifact.name}` = '{artifact.path}': a name that begins with {PREFIX} is an unfinished "
                "file's. Give it another."
            )
    kept: dict[PurePosixPath, str] = {}
    for artifact in artifacts.values():
        other = kept.setdefault(artifact.path, artifact.name)
        if other != artifact.name:
            raise ProjectError(f"{FILE}: `{other}` and `{artifact.name}` are kept in one file, {artifact.path}.")
    return artifacts


def _check_folders(artifacts: Mapping[str, Artifact], stages: Mapping[str, Stage]) -> None:
    """Refuse what a stage makes in a folder that is made as a whole, as DVC does: two would say what is in it."""
    made = {artifact.path: artifact for artifact in artifacts.values() if artifact.maker in stages}
    for path, artifact in made.items():
        outer = next((made[above] for above in path.parents if above in made), None)
        if outer is not None:
            assert artifact.maker is not None
            raise ProjectError(
                f"{stages[artifact.maker].where} makes {path}, which lies in {outer.path}, what stage `{outer.maker}` "
                f"makes as a whole, and DVC refuses that: let it be written beside that folder."
            )


def _inner_artifacts(
    artifacts: Mapping[str, Artifact],
    sources: Mapping[str, Source],
    stages: Mapping[str, Stage],
    model: Model,
    paths: Mapping[str, PurePosixPath],
) -> dict[str, Artifact]:
    """The files in folders that stages make, which commands read or slipway.toml names: artifacts of those stages.

    So a stage that reads one file of a folder waits for whoever makes that, and runs again when that file has changed.
    """
    made = {artifact.path: artifact for artifact in artifacts.values() if artifact.maker in stages}
    found: dict[str, Artifact] = {}
    given = {name: path for name, path in paths.items() if name not in artifacts}
    given |= {source.name: source.path for source in sources.values() if not source.is_snapshot}
    read = inner_files(stages, {a.name: path for path, a in made.items()}, {*artifacts, *stages, *paths})
    for name, path in [*given.items(), *read.items()]:
        outer = next((made[above] for above in path.parents if above in made), None)
        if outer is None or path in (artifact.path for artifact in found.values()):
            continue
        if name in sources and sources[name].is_pattern:
            raise ProjectError(
                f"{FILE}: [sources] {name} = '{path}': stage `{outer.maker}` makes {outer.path}: name the files of it "
                f"that are read one by one."
            )
        is_folder = name in sources and sources[name].is_folder
        kind = "path" if is_folder else _kept_kind(name, path, model)
        found[name] = Artifact(name, kind, path, outer.maker, outer.name)
    return found


def _kind(name: str, stage: Stage, model: Model) -> ArtifactKind:
    returns = stage.returns
    if len(stage.outputs) > 1:
        returns = stage.returns_each[stage.outputs.index(name)] if stage.returns_each else None
    if name == model.artifact:
        return "estimator"
    if returns is None:
        return "json" if name == model.metrics else "table"
    if returns in TABLE_TYPES:
        return "table"
    if returns == PATH_TYPE:
        return "path"
    if returns.rsplit(".", 1)[-1] == "Figure":
        return "figure"
    return "json" if returns.rsplit(".", 1)[-1] in ("dict", "Dict", "Mapping") else "estimator"


def _kept_kind(name: str, path: PurePosixPath, model: Model) -> ArtifactKind:
    """What a command's file is, which nothing but its name tells."""
    if name == model.artifact:
        return "estimator"
    kinds: dict[str, ArtifactKind] = {
        ".csv": "table", ".parquet": "table", ".json": "json", ".png": "figure", ".skops": "estimator",
    }  # fmt: skip
    return kinds.get(path.suffix, "path")


def _place(name: str, kind: ArtifactKind) -> PurePosixPath:
    match kind:
        case "table":
            return PurePosixPath(f"data/{name}.parquet")
        case "estimator":
            return PurePosixPath(f"models/{name}.skops")
        case "json":
            return PurePosixPath(f"reports/{name}.json")
        case "figure":
            return PurePosixPath(f"reports/figures/{name}.png")
        case "path":
            return PurePosixPath(f"data/{name}")
