"""A folder → the frozen Project in it: `slipway.toml` checked, its module's stages read, the two held together."""

import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath

from slipway.errors import ProjectError, near_miss
from slipway.project.api import read_api, with_service
from slipway.project.artifacts import lay_out_artifacts
from slipway.project.commands import check_commands, check_relearning, read_commands, with_declared, with_inputs
from slipway.project.facts import (
    FILE,
    Api,
    Artifact,
    Model,
    Project,
    Source,
    Stage,
)
from slipway.project.gate_metrics import check_gate_metrics
from slipway.project.keys import Keys
from slipway.project.model import METRICS_ARTIFACT, read_model
from slipway.project.module import read_functions
from slipway.project.monitor import read_monitor
from slipway.project.named import implied_sources
from slipway.project.read_stack import read_stack
from slipway.project.sources import read_sources, with_fetchers
from slipway.project.ways import read_text, read_way

NAME = r"[^\W_][\w .-]*"
"""A project's name: it names the registered model, too, and stands in addresses such as models:/NAME@production."""

_KEPT_FILES = ("params.yaml", "dvc.yaml", "dvc.lock", "mlflow.db", ".gitignore", ".dvcignore")
_KEPT_FOLDERS = (".slipway", ".dvc", ".git", "mlruns")


def find_project(folder: Path) -> Path:
    """The folder that holds `slipway.toml`: this one, or the nearest above it."""
    if not folder.is_dir():
        # Above a folder that is not there stands a project that nobody meant.
        raise ProjectError(
            f"{folder}: there is no such folder. Name the project's folder, on the command line with -C."
        )
    folder = folder.resolve()
    for candidate in (folder, *folder.parents):
        if (candidate / FILE).is_file():
            return candidate
    raise ProjectError(
        f"{folder}: no {FILE} here or above. Name the project's folder with -C, or make one with `slipway new`."
    )


def read_project(root: Path) -> Project:
    """Read the project in `root`. Nothing of it is run.

    Raises:
        ProjectError: a file is missing, a key or value is wrong, or the two files disagree; the message says which.
    """
    text = read_text(root / FILE, f"{root}: no {FILE} here. `slipway new` makes a project.")
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ProjectError(f"{FILE}: {error}") from error
    keys = Keys(values, FILE)
    name = _name(keys)
    pipeline = keys.text("pipeline", None)
    tables = [keys.table(key) for key in ("sources", "model", "monitor", "api", "artifacts", "commands")]
    keys.table("stack")
    keys.finish()  # before the tables are read: of [modell] it is not the missing [model] that is wrong
    sources, model, monitor = read_sources(tables[0]), read_model(tables[1]), read_monitor(tables[2])
    api, paths = read_api(tables[3]), _paths(tables[4])
    model = _without_personal(model, api)
    check_gate_metrics(root, model)
    declared, written = read_commands(tables[5])

    way = read_way(root, pipeline, paths, declared)
    module, functions, commands = way.module, way.functions, with_declared(way.commands, way.paths, declared, written)
    sources = with_fetchers(sources, way.code, module)
    check_commands(commands, functions, sources, {name: path for name, path in paths.items() if name not in way.paths})
    paths |= written | dict(way.paths)
    _check_paths(paths, {module, *way.read_from})
    sources |= implied_sources(way.commands, sources, paths)
    artifacts = lay_out_artifacts(sources, {**functions, **commands}, model, paths)
    sources = {name: source for name, source in sources.items() if artifacts[name].maker is None}
    if model.retrain_into in sources:
        check_relearning({**functions, **commands}, model.retrain_into, artifacts)
    stages = {**functions, **with_inputs(commands, artifacts)}
    _check_names(sources, stages, artifacts, model)
    defined = read_functions(way.code)
    api = with_service(api, defined) if way.scripts is not None else api
    _check_functions(api, defined, module)
    stack = read_stack(values.get("stack"), name, stages)
    project = Project(
        root.resolve(), name, module, sources, stages, artifacts, model, monitor, api, stack, way.read_from, way.scripts
    )
    _check_adopted(project)
    return project


def _without_personal(model: Model, api: Api) -> Model:
    """The model's facts with what the gate may not tell. Refuses a target or a slice that is personal."""
    if model.target in api.personal:
        raise ProjectError(f"{FILE}: [api] personal names the target `{model.target}`: every answer is one of it.")
    told = next((column for column in model.slices or () if column in api.personal), None)
    if told is not None:
        raise ProjectError(f"{FILE}: [model] slices names `{told}`, as [api] personal does: slices tell values.")
    return replace(model, personal=api.personal)


def _name(keys: Keys) -> str:
    name: str = keys.text("name")
    if not re.fullmatch(NAME, name):
        keys.refuse("name", "letters, digits, spaces, `.`, `-` and `_`, a letter or digit first")
    return name


def _paths(keys: Keys) -> dict[str, PurePosixPath]:
    return {name: keys.path(name) for name in keys.names()}


def _check_adopted(project: Project) -> None:
    """Refuse what a dvc.yaml would have to name and, being somebody's, can't be made to."""
    asked = next((source.name for source in project.sources.values() if source.is_snapshot), None)
    if project.is_adopted and asked is not None:
        raise ProjectError(
            f"{FILE}: [sources.{asked}]: its rows would be asked for by a stage, and dvc.yaml is not Slipway's to add "
            f"one: let a stage of it write them to a file, and leave this source out."
        )


def _check_paths(paths: Mapping[str, PurePosixPath], code: Collection[PurePosixPath]) -> None:
    for name, path in paths.items():
        if path in {PurePosixPath(FILE), *code} or path.name in _KEPT_FILES or path.parts[0] in _KEPT_FOLDERS:
            raise ProjectError(
                f"{FILE}: [artifacts] {name} = '{path}': expected a file of its own; a run would write over this one."
            )


def _check_names(
    sources: Mapping[str, Source], stages: Mapping[str, Stage], artifacts: Mapping[str, Artifact], model: Model
) -> None:
    for stage in stages.values():
        for wanted in stage.inputs:
            if wanted.artifact not in artifacts:
                raise ProjectError(
                    f"{stage.where} reads `{wanted.artifact}`, which no source and "
                    f"no stage gives.{near_miss(wanted.artifact, artifacts)}"
                )
    for source in sources.values():
        if source.after is not None and source.after not in stages:
            raise ProjectError(
                f"{FILE}: [sources.{source.name}] after = '{source.after}': no stage has this name."
                f"{near_miss(source.after, stages)}"
            )
    for key in ("artifact", "test"):
        name = getattr(model, key)
        if name not in artifacts or (key == "artifact" and artifacts[name].maker is None):
            raise ProjectError(f"{FILE}: [model] {key} = '{name}': no stage makes it.{near_miss(name, artifacts)}")
    if artifacts[model.test].kind != "table":
        kind = artifacts[model.test].kind
        raise ProjectError(f"{FILE}: [model] test = '{model.test}': expected a table, and its stage makes a {kind}.")
    if model.metrics not in artifacts and model.metrics != METRICS_ARTIFACT:  # a project may go without
        raise ProjectError(
            f"{FILE}: [model] metrics = '{model.metrics}': no stage makes it.{near_miss(model.metrics, artifacts)}"
        )
    if model.retrain_into is not None and model.retrain_into not in sources:
        raise ProjectError(
            f"{FILE}: [model] retrain_into = '{model.retrain_into}': not a source."
            f"{near_miss(model.retrain_into, sources)}"
        )
    maker = artifacts[model.artifact].maker
    if maker is not None and not any(artifacts[i.artifact].kind == "table" for i in stages[maker].inputs):
        stage = stages[maker]
        remedy = " A table is a .csv or .parquet file among what it is said to read." if stage.command else ""
        raise ProjectError(f"{stage.where} makes the model but reads no table.{remedy}")


def _check_functions(api: Api, functions: set[str], module: PurePosixPath) -> None:
    for route in api.routes:
        for key in ("request", "response", "get"):
            name = getattr(route, key)
            if name is not None and name not in functions:
                raise ProjectError(
                    f"{FILE}: [api.routes] '{route.path}': {key} = '{name}' is not a function of {module}."
                    f"{near_miss(name, functions)}"
                )
