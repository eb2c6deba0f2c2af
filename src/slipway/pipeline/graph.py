"""A project in, the order of its work and the path of its requests out. Pure: nothing is read, nothing is run."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

from slipway.errors import ProjectError, near_miss
from slipway.project.facts import Project, Stage


@dataclass(frozen=True, slots=True)
class RequestPath:
    """What a request's table goes through before the model sees it."""

    start: str
    """The artifact whose rows look like a request's: what the first online stage takes."""
    stages: tuple[Stage, ...]
    end: str
    """The artifact that the last online stage makes; `start` where there is none."""


def order(project: Project, wanted: Iterable[str] = ()) -> list[str]:
    """Names of stages and of sources that are asked, in an order in which they can be executed; ties as they stand.

    Args:
        wanted: stages, sources or artifacts; only these and what they need. Everything if empty.

    Raises:
        ProjectError: a name is unknown, or stages wait for each other (the cycle is named).
    """
    nodes = [name for name, source in project.sources.items() if source.is_snapshot] + list(project.stages)
    targets = [_node(project, name) for name in wanted] or nodes
    done: dict[str, None] = {}
    for target in sorted({t for t in targets if t is not None}, key=nodes.index):
        _visit(project, target, done, [])
    return list(done)


def needs(project: Project, name: str) -> list[str]:
    """The stages and sources that have to be done directly before this one."""
    if name not in project.stages:
        after = project.sources[name].after
        return [after] if after is not None else []
    found: dict[str, None] = {}
    for wanted in project.stages[name].inputs:
        node = maker_of(project, wanted.artifact)
        if node is not None:
            found[node] = None
    return list(found)


def inputs_of(project: Project, name: str) -> tuple[str, ...]:
    """The artifacts that a stage reads; those of the stage before it, for a source."""
    if name in project.stages:
        return tuple(dict.fromkeys(i.artifact for i in project.stages[name].inputs))
    after = project.sources[name].after
    return project.stages[after].outputs if after is not None else ()


def outputs_of(project: Project, name: str) -> tuple[str, ...]:
    """The artifacts that a stage makes; a source makes its own snapshot."""
    return project.stages[name].outputs if name in project.stages else (name,)


def made_by(project: Project, name: str) -> tuple[str, ...]:
    """The artifacts that a stage makes, with those in the folders among them that have a name of their own."""
    inner = [a.name for a in project.artifacts.values() if a.folder is not None and a.maker == name]
    return (*outputs_of(project, name), *inner)


def request_path(project: Project) -> RequestPath:
    """The chain of online stages between a request and the model.

    Raises:
        ProjectError: the online stages are no chain, or the model does not learn from what they make.
    """
    stages = [project.stages[name] for name in order(project) if _is_online(project, name)]
    if not stages:
        return RequestPath(project.train, (), project.train)
    start = end = path_input(project, stages[0])
    for previous, stage in zip([None, *stages], stages, strict=False):
        taken = path_input(project, stage)
        if taken != end and previous is not None:
            raise ProjectError(
                f"{stage.module}:{stage.line}: online stage `{stage.name}` takes `{taken}`, but a request's table "
                f"comes to it from online stage `{previous.name}` as `{end}`. Online stages follow each other directly."
            )
        if len(stage.outputs) != 1 or project.artifacts[stage.outputs[0]].kind != "table":
            raise ProjectError(
                f"{stage.module}:{stage.line}: online stage `{stage.name}` has to make exactly one table."
            )
        end = stage.outputs[0]
    if end != project.train and end not in _ancestors(project, project.train):
        stage = project.model_stage
        raise ProjectError(
            f"{stage.module}:{stage.line}: the model learns from `{project.train}`, which does not come from `{end}`, "
            f"what the online stages make of a request."
        )
    return RequestPath(start, tuple(stages), end)


def path_input(project: Project, stage: Stage) -> str:
    """Which of an online stage's inputs is the request's table; the others are frozen into the bundle.

    It is the only table, or the one that an online stage makes, or the one that derives from `retrain_into`.
    """
    tables = [i.artifact for i in stage.inputs if project.artifacts[i.artifact].kind == "table"]
    into = project.model.retrain_into
    rules = (
        tables,
        [t for t in tables if (maker := project.artifacts[t].maker) is not None and project.stages[maker].online],
        [t for t in tables if into is not None and (t == into or into in _ancestors(project, t))],
    )
    for candidates in rules:
        if len(set(candidates)) == 1:
            return candidates[0]
    if not tables:
        raise ProjectError(f"{stage.module}:{stage.line}: online stage `{stage.name}` takes no table.")
    raise ProjectError(
        f"{stage.module}:{stage.line}: online stage `{stage.name}` takes several tables ({', '.join(tables)}): say "
        f"which one looks like a request by naming the source that it comes from: [model] retrain_into = '…'."
    )


def _is_online(project: Project, name: str) -> bool:
    return name in project.stages and project.stages[name].online


def _ancestors(project: Project, artifact: str) -> set[str]:
    """The artifacts that this one derives from."""
    found: set[str] = set()
    waiting = [artifact]
    while waiting:
        node = maker_of(project, waiting.pop())
        for wanted in inputs_of(project, node) if node is not None else ():
            if wanted not in found:
                found.add(wanted)
                waiting.append(wanted)
    return found


def maker_of(project: Project, artifact: str) -> str | None:
    """The stage or source that makes an artifact, which another stage may be named as; None for a file."""
    if artifact in project.artifacts and project.artifacts[artifact].maker is not None:
        return project.artifacts[artifact].maker
    return artifact if artifact in project.sources and project.sources[artifact].is_snapshot else None


def _node(project: Project, name: str) -> str | None:
    """The stage or source that makes an artifact, or is named so; None for a file."""
    if name in project.stages:
        return name
    if name in project.sources:
        return name if project.sources[name].is_snapshot else None
    if name in project.artifacts:
        return project.artifacts[name].maker
    known = {*project.stages, *project.artifacts}
    raise ProjectError(f"no stage and no artifact is named `{name}`.{near_miss(name, known)}")


def _file(project: Project, names: Iterable[str]) -> PurePosixPath:
    return next((project.stages[name].module for name in names if name in project.stages), project.module)


def _visit(project: Project, name: str, done: dict[str, None], above: list[str]) -> None:
    if name in done:
        return
    if name in above:
        cycle = [*above[above.index(name) :], name]
        raise ProjectError(
            f"{_file(project, cycle)}: these wait for each other, so none can start: "
            + " → ".join(reversed(cycle))
            + ". Take one of the parameters away."
        )
    for before in needs(project, name):
        _visit(project, before, done, [*above, name])
    done[name] = None
