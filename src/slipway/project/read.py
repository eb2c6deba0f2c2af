"""A folder → the frozen Project in it: `slipway.toml` checked, its module's stages read, the two held together."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from slipway.errors import ProjectError, near_miss
from slipway.project.facts import (
    METRICS,
    TABLE_TYPES,
    Api,
    Artifact,
    ArtifactKind,
    Model,
    Monitor,
    Project,
    Route,
    Source,
    Stage,
    Threshold,
)
from slipway.project.keys import Keys
from slipway.project.module import read_functions, read_stages

FILE = "slipway.toml"
TYPES = ("text", "integer", "number", "boolean", "date", "datetime", "null")
"""The types of a column of a request, as `[api.types]` writes them: "text | number | null"."""

NAME = r"[^\W_][\w .-]*"
"""A project's name: it names the registered model, too, and stands in addresses such as models:/NAME@production."""

_KEPT_FILES = ("params.yaml", "dvc.yaml", "dvc.lock", "mlflow.db", ".gitignore", ".dvcignore")
_KEPT_FOLDERS = (".slipway", ".dvc", ".git", "mlruns")

_MONITOR_DEFAULTS = Monitor()
_METRICS = "metrics"


def find_project(folder: Path) -> Path:
    """The folder that holds `slipway.toml`: this one, or the nearest above it."""
    if not folder.is_dir():
        # Above a folder that is not there stands a project that nobody meant.
        raise ProjectError(f"{folder}: there is no such folder. Name the project's folder with -C.")
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
    text = _text(root / FILE, f"{root}: no {FILE} here. `slipway new` makes a project.")
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ProjectError(f"{FILE}: {error}") from error
    keys = Keys(values, FILE)
    name = _name(keys)
    module = PurePosixPath(keys.text("pipeline", "pipeline.py"))
    tables = [keys.table(key) for key in ("sources", "model", "monitor", "api", "artifacts")]
    keys.finish()  # before the tables are read: of [modell] it is not the missing [model] that is wrong
    sources, model, monitor = _sources(tables[0]), _model(tables[1]), _monitor(tables[2])
    api, paths = _api(tables[3]), _paths(tables[4])

    code = _text(root / module, f"{FILE}: pipeline = '{module}': there is no such file in {root}.")
    stages = read_stages(code, module)
    if not stages:
        raise ProjectError(f"{module}: no function here is marked with @stage.")
    _check_paths(paths, module)
    artifacts = _artifacts(sources, stages, model, paths)
    _check_names(sources, stages, artifacts, model)
    _check_functions(api, read_functions(code), module)
    return Project(root.resolve(), name, module, sources, stages, artifacts, model, monitor, api)


def _text(path: Path, missing: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ProjectError(missing) from None
    except UnicodeDecodeError as error:
        raise ProjectError(f"{path}: not UTF-8 at byte {error.start}. Save it as UTF-8.") from error
    except OSError as error:
        raise ProjectError(f"{path}: can't be read: {error.strerror}.") from error


def _name(keys: Keys) -> str:
    name: str = keys.text("name")
    if not re.fullmatch(NAME, name):
        keys.refuse("name", "letters, digits, spaces, `.`, `-` and `_`, a letter or digit first")
    return name


def _sources(keys: Keys) -> dict[str, Source]:
    sources = {}
    for name in keys.rest():
        value = keys.value(name)
        if isinstance(value, str):
            sources[name] = Source(name, keys.path(name))
        elif isinstance(value, dict):
            table = keys.table(name)
            sql, after = table.text("sql"), table.text("after", None)
            table.finish()
            sources[name] = Source(name, PurePosixPath(f"data/raw/{name}.parquet"), sql, after)
        else:
            keys.refuse(name, 'a file ("data/raw/my.csv") or { sql = "select …" }')
    return sources


def _model(keys: Keys) -> Model:
    kind = keys.text("kind", among=METRICS)
    gates = keys.table("gate")
    gate = {}
    for metric in gates.rest():
        table = gates.table(metric)
        threshold = Threshold(
            table.number("min", None), table.number("max", None), table.number("max_drop", None, at_least=0)
        )
        table.finish()
        if threshold == Threshold():
            gates.refuse(metric, "min, max or max_drop, such as { min = 0.75, max_drop = 0.01 }")
        if threshold.minimum is not None and threshold.maximum is not None and threshold.minimum > threshold.maximum:
            gates.refuse(metric, "a min that is not above the max")
        if threshold.max_drop is not None and metric not in METRICS[kind]:
            gates.refuse(
                metric,
                f"min or max alone: only {', '.join(METRICS[kind])} are recomputed, so only they have a max_drop",
                near_miss(metric, METRICS[kind]),
            )
        gate[metric] = threshold
    model = Model(
        kind=kind,
        target=keys.text("target"),
        artifact=keys.text("artifact", "model"),
        test=keys.text("test", "test"),
        metrics=keys.text("metrics", _METRICS),
        gate=gate or _default_gate(kind),
        retrain_into=keys.text("retrain_into", None),
        pickle=keys.flag("pickle", False),
    )
    keys.finish()
    return model


def _default_gate(kind: str) -> dict[str, Threshold]:
    # Without thresholds a candidate is still held against production: no worse, beyond chance.
    metric = "accuracy" if kind == "classification" else "rmse"
    return {metric: Threshold(max_drop=0.0)}


def _monitor(keys: Keys) -> Monitor:
    d = _MONITOR_DEFAULTS
    monitor = Monitor(
        psi=keys.number("psi", d.psi, at_least=0),
        cardinality_ratio=keys.number("cardinality_ratio", d.cardinality_ratio, at_least=0),
        prediction_drift=keys.number("prediction_drift", d.prediction_drift, at_least=0),
        missing=keys.number("missing", d.missing, at_least=0),
        unseen=keys.number("unseen", d.unseen, at_least=0),
        mean_shift=keys.number("mean_shift", d.mean_shift, at_least=0),
        signals_to_retrain=keys.integer("signals_to_retrain", d.signals_to_retrain, at_least=1),
        window=keys.integer("window", d.window, at_least=1),
        min_rows=keys.integer("min_rows", d.min_rows, at_least=1),
        clocks=keys.texts("clocks", d.clocks),
        watch_rows=keys.integer("watch_rows", d.watch_rows, at_least=1),
        cool_down_minutes=keys.number("cool_down_minutes", d.cool_down_minutes, at_least=0) or 0.0,
    )
    keys.finish()
    return monitor


def _api(keys: Keys) -> Api:
    tables, types = keys.table("routes"), keys.table("types")
    routes = []
    for path in tables.rest():
        if not path.startswith("/"):
            tables.refuse(path, "a path that starts with /")
        table = tables.table(path)
        request, response = table.text("request", None), table.text("response", None)
        status = table.integer("invalid_status", 422, at_least=400, at_most=599)
        example = table.value("example") if "example" in table.rest() else None
        routes.append(Route(path, request, response, status, example))
        table.finish()
    unions = {}
    for column in types.rest():
        names = tuple(part.strip() for part in types.text(column).split("|"))
        unknown = [name for name in names if name not in TYPES]
        if unknown:
            types.refuse(column, f"types among {', '.join(TYPES)}, with | between", near_miss(unknown[0], TYPES))
        unions[column] = names
    api = Api(tuple(routes), unions, keys.text("durability", "process", among=("process", "disk")))
    keys.finish()
    return api


def _paths(keys: Keys) -> dict[str, PurePosixPath]:
    return {name: keys.path(name) for name in keys.rest()}


def _check_paths(paths: Mapping[str, PurePosixPath], module: PurePosixPath) -> None:
    for name, path in paths.items():
        if path in {PurePosixPath(FILE), module} or path.name in _KEPT_FILES or path.parts[0] in _KEPT_FOLDERS:
            raise ProjectError(
                f"{FILE}: [artifacts] {name} = '{path}': expected a file of its own; a run would write over this one."
            )


def _artifacts(
    sources: Mapping[str, Source], stages: Mapping[str, Stage], model: Model, paths: Mapping[str, PurePosixPath]
) -> dict[str, Artifact]:
    artifacts = {source.name: Artifact(source.name, "table", source.path, None) for source in sources.values()}
    for stage in stages.values():
        for name in stage.outputs:
            if name in artifacts:
                other = artifacts[name].maker
                by = f"stage `{other}`" if other else "a source"
                raise ProjectError(f"{stage.module}:{stage.line}: `{name}` is made here and by {by}: names are unique.")
            kind = _kind(name, stage, model)
            artifacts[name] = Artifact(name, kind, paths.get(name, _place(name, kind)), stage.name)
    for name in paths:
        if name not in artifacts or name in sources:
            raise ProjectError(f"{FILE}: [artifacts] {name}: no stage makes it.{near_miss(name, artifacts)}")
    for name, path in paths.items():
        if artifacts[name].kind == "table" and path.suffix not in (".parquet", ".csv"):
            raise ProjectError(f"{FILE}: [artifacts] {name} = '{path}': expected a .parquet or a .csv file.")
    kept: dict[PurePosixPath, str] = {}
    for artifact in artifacts.values():
        other = kept.setdefault(artifact.path, artifact.name)
        if other != artifact.name:
            raise ProjectError(f"{FILE}: `{other}` and `{artifact.name}` are kept in one file, {artifact.path}.")
    return artifacts


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
    if returns.rsplit(".", 1)[-1] == "Figure":
        return "figure"
    return "json" if returns.rsplit(".", 1)[-1] in ("dict", "Dict", "Mapping") else "estimator"


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


def _check_names(
    sources: Mapping[str, Source], stages: Mapping[str, Stage], artifacts: Mapping[str, Artifact], model: Model
) -> None:
    for stage in stages.values():
        for wanted in stage.inputs:
            if wanted.artifact not in artifacts:
                raise ProjectError(
                    f"{stage.module}:{stage.line}: stage `{stage.name}` reads `{wanted.artifact}`, which no source and "
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
    if model.metrics not in artifacts and model.metrics != _METRICS:  # a project may go without
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
        raise ProjectError(f"{stage.module}:{stage.line}: stage `{maker}` makes the model but reads no table.")


def _check_functions(api: Api, functions: set[str], module: PurePosixPath) -> None:
    for route in api.routes:
        for key in ("request", "response"):
            name = getattr(route, key)
            if name is not None and name not in functions:
                raise ProjectError(
                    f"{FILE}: [api.routes] '{route.path}': {key} = '{name}' is not a function of {module}."
                    f"{near_miss(name, functions)}"
                )
