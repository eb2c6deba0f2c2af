"""A folder with numbered scripts or a dvc.yaml in; a slipway.toml beside them out, guessed from what they write."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from slipway.errors import OutsideError, ProjectError, SlipwayError
from slipway.files import write_text
from slipway.new import repository
from slipway.new.name import project_name
from slipway.new.write import NewProject
from slipway.project import read_project
from slipway.project.dvc_yaml import FILE as DVC_FILE
from slipway.project.dvc_yaml import adopt_stages, is_somebodys
from slipway.project.editor_schema import DIRECTIVE
from slipway.project.facts import FILE, Stage
from slipway.project.named import TABLES, implied_sources, inner_files
from slipway.project.scripts import NUMBERED, as_stages, read_scripts, service_script

_MODELS = (".skops", ".joblib", ".pkl", ".pickle")
_TEST = re.compile(r"test|holdout|hold_out|valid")
_METRICS = re.compile(r"metric|score|evaluation|result")
_OURS = "# Slipway's and MLflow's own.\n/.slipway/\n/mlflow.db*\n/mlruns/\n/.env\n__pycache__/\n"


@dataclass(frozen=True, slots=True)
class Found:
    """What stands in the folder."""

    pipeline: str
    """The value of the key that adopts it."""
    what: str
    stages: Mapping[str, Stage]
    paths: Mapping[str, PurePosixPath]
    """What the stages make, by artifact."""
    tables: Mapping[str, PurePosixPath] = field(default_factory=dict)
    """Those among it, and the tables that they read."""


def find_stages(folder: Path) -> Found | None:
    """The stages of somebody's dvc.yaml, or numbered scripts here or in one folder below; None where neither is."""
    if is_somebodys(folder):
        stages, paths = adopt_stages(folder, PurePosixPath(DVC_FILE))
        return _found(DVC_FILE, f"{DVC_FILE} with {len(stages)} stages ({', '.join(stages)})", stages, paths)
    places = [folder, *sorted(place for place in folder.iterdir() if place.is_dir() and place.name[:1] != ".")]
    holding = [place for place in places if any(NUMBERED.fullmatch(file.name) for file in place.glob("*.py"))]
    if not holding:
        return None
    if len(holding) > 1 and holding[0] != folder:
        listed = ", ".join(f"{place.name}/" for place in holding)
        raise ProjectError(f"{folder}: numbered scripts are in {listed}. Which are the project's? Call init in it.")
    place = PurePosixPath(holding[0].relative_to(folder).as_posix())
    scripts = read_scripts(folder, place)
    stages, paths = as_stages(scripts)
    service = service_script(scripts)
    what = f"{len(stages)} numbered scripts ({', '.join(str(stage.module.name) for stage in stages.values())})"
    what += f", served by {service.path.name}" if service is not None else ""
    return _found("." if place == PurePosixPath() else f"{place}/", what, stages, paths)


def adopt_project(
    folder: Path, found: Found, target: str | None, kind: str | None, *, with_git: bool = True, with_dvc: bool = True
) -> NewProject:
    """Write slipway.toml beside what was found, and nothing over anything.

    Raises:
        ProjectError: what the model, its test or its target is can't be told; the message lists what is missing.
    """
    name = project_name(folder)
    lacking: list[str] = []
    model = _model(found, lacking)
    test = _test(found, lacking)
    metrics = next((n for n, path in found.paths.items() if path.suffix == ".json" and _METRICS.search(n)), None)
    why = f"`--kind {kind}`"
    if kind is None or target is None:
        kind, why = _kind(folder, found, test, target, kind, lacking)
    if lacking:
        listed = "\n".join(f"  {line}" for line in lacking)
        raise ProjectError(
            f"{folder}: found {found.what}. To learn from it, this is still to be known:\n{listed}\n"
            f"Nothing was written."
        )
    assert model is not None
    assert test is not None
    assert target is not None
    assert kind is not None
    pickled = found.paths[model].suffix != ".skops"
    text = _toml(name, found.pipeline, kind, target, {"artifact": model, "test": test, "metrics": metrics}, pickled)
    try:
        write_text(folder / FILE, text)
        try:
            read_project(folder)
        except SlipwayError:
            (folder / FILE).unlink()
            raise
        made = [path for artifact, path in found.paths.items() if artifact != metrics]
        ignored = _OURS if found.pipeline == DVC_FILE else _OURS + "".join(f"/{path}\n" for path in made)
        said = repository.set_up(folder, with_git=with_git, with_dvc=with_dvc, ignored=ignored)
    except OSError as error:
        raise OutsideError(f"{folder}: {FILE} can't be written: {error}. Look at the disk and the rights.") from error
    notes = _notes(name, found, kind, why, {"model": model, "test": test, "metrics": metrics}, pickled)
    return NewProject(folder, name, (*notes, said))


def _found(pipeline: str, what: str, stages: Mapping[str, Stage], paths: Mapping[str, PurePosixPath]) -> Found:
    read = {name: source.path for name, source in implied_sources(stages, {}, paths).items()}
    made = {**paths, **inner_files(stages, paths, {*paths, *read, *stages})}
    tables = {name: path for name, path in {**made, **read}.items() if path.suffix in TABLES}
    return Found(pipeline, what, stages, made, tables)


def _model(found: Found, lacking: list[str]) -> str | None:
    files = {name: path for name, path in found.paths.items() if path.suffix in _MODELS}
    for names in (list(files), [name for name in files if "model" in name], [n for n in files if n == "model"]):
        if len(names) == 1:
            return names[0]
    listed = ", ".join(map(str, (files or found.paths).values())) or "nothing"
    lacking.append(
        f"which file is the model ({', '.join(_MODELS)}): these are written: {listed}. Let just one of them have "
        f"`model` in its name, or write [model] artifact into {FILE} yourself."
    )
    return None


def _test(found: Found, lacking: list[str]) -> str | None:
    names = [name for name in found.tables if _TEST.search(name)]
    for chosen in (names, [name for name in names if name == "test"]):
        if len(chosen) == 1:
            return chosen[0]
    listed = ", ".join(map(str, found.tables.values())) or "no table at all"
    lacking.append(
        f"which table the model is tested on (.csv or .parquet, `test` in its name), target and all: these are read "
        f"or written: {listed}."
    )
    return None


def _kind(
    folder: Path, found: Found, test: str | None, target: str | None, kind: str | None, lacking: list[str]
) -> tuple[str | None, str]:
    from slipway.new.target import judge_target
    from slipway.tables.files import read_table

    there = [path for path in _likeliest(found, test) if (folder / path).is_file()]
    if not there:
        path = found.tables[test] if test is not None else "the table"
        asked = " and ".join(filter(None, [target or "--target COLUMN", kind or "--kind classification|regression"]))
        lacking.append(f"{path} is not there yet to look into: run the stages once, or say {asked}.")
        return kind, ""
    try:
        judged = judge_target(read_table(folder / there[0]), target)
    except ProjectError as error:
        if target is None or kind is None:
            lacking.append(f"{there[0]}: {error}" + (" Or say --kind." if target is not None else ""))
        return kind, ""
    return kind or judged.kind, judged.why


def _likeliest(found: Found, test: str | None) -> Sequence[PurePosixPath]:
    """The tables that have the target, the one with the most rows first."""
    train = [path for name, path in found.tables.items() if "train" in name]
    return [*train, *([found.tables[test]] if test is not None else [])]


def _toml(
    name: str, pipeline: str, kind: str, target: str, artifacts: Mapping[str, str | None], is_pickled: bool
) -> str:
    usual = {"artifact": "model", "test": "test", "metrics": "metrics"}
    lines = [DIRECTIVE, f'name = "{name}"']
    lines += [f'pipeline = "{pipeline}"', "", "[model]", f'kind = "{kind}"']
    lines.append(f"target = {_quoted(target)}")
    lines += [f'{key} = "{value}"' for key, value in artifacts.items() if value is not None and value != usual[key]]
    if is_pickled:
        lines.append("# A pickle executes code when it is loaded: only what these stages have made themselves is.")
        lines.append("pickle = true")
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _notes(
    name: str, found: Found, kind: str, why: str, roles: Mapping[str, str | None], is_pickled: bool
) -> Iterator[str]:
    yield f"{name}: found {found.what}; {FILE} adopts them with pipeline = '{found.pipeline}'."
    yield f"  {kind.capitalize()}, since {why}." if not why.startswith("`--") else f"  {kind.capitalize()}, as asked."
    for role, artifact in roles.items():
        path = {**found.paths, **found.tables}.get(artifact) if artifact is not None else None
        yield f"  The {role}: {path}." if path is not None else f"  No {role} found: the gate recomputes its own."
    if is_pickled:
        yield "  The model is a pickle, so `pickle = true` stands there; skops.io.dump(model, …) would do without."
    yield f"  To fill in, in {FILE}: what the gate asks, [model] gate; [api.routes] where requests are no plain rows."
