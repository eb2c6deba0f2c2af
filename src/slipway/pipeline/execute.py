"""A stage's name and settings in; its function is called on its artifacts, and what it gives is put in its place."""

import contextlib
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway import garbage
from slipway.code.called import called
from slipway.code.user_module import user_module
from slipway.errors import DataError, OutsideError, StageError
from slipway.files import Draft, remove
from slipway.pipeline.artifacts import read_artifact, write_artifact
from slipway.pipeline.graph import path_input
from slipway.pipeline.target import without_target
from slipway.pipeline.vouched import vouch
from slipway.pipeline.watched import underway
from slipway.project.facts import Command, Project, Stage
from slipway.tables.values import as_asked, as_table, without_nan

if TYPE_CHECKING:
    import polars as pl

    from slipway.storage.seams import Tables


@dataclass(frozen=True, slots=True)
class Executed:
    """A stage that was done."""

    name: str
    files: Mapping[str, Path]
    """Where its artifacts are now."""
    seconds: float


def execute(
    project: Project,
    name: str,
    params: Mapping[str, Mapping[str, Any]],
    tables: "Tables | None" = None,
    *,
    state: Path | None = None,
) -> Executed:
    """Execute one stage, or take one source's snapshot.

    All artifacts are written as drafts first and put in their places together, after a table has been published: when
    something fails, what was there before is there still.

    Args:
        params: settings by stage; a stage's defaults where it has none here.
        tables: the project's database, for stages that publish and sources that are queries.
        state: Slipway's own folder, where what is known of snapshots is kept.

    Raises:
        StageError: the function raised (the message ends with its traceback, without frames of ours), or gave what it
            did not promise.
        DataError: an input is missing or unreadable.
    """
    started = time.monotonic()
    with underway(project.stages[name].where if name in project.stages else f"source `{name}`"):
        if name in project.sources:
            from slipway.pipeline.sources import take_snapshot

            take_snapshot(project, name, params.get(name, {}), tables, state or project.root / ".slipway")
            return Executed(name, {name: project.path(name)}, time.monotonic() - started)
        return Executed(name, _executed(project, name, params, tables), time.monotonic() - started)


def _executed(
    project: Project, name: str, params: Mapping[str, Mapping[str, Any]], tables: "Tables | None"
) -> dict[str, Path]:
    stage = project.stages[name]
    if stage.command is not None:
        return _commanded(project, stage, stage.command)
    settings = {**stage.settings, **params.get(name, {})}
    # What is made is kept within the module's presence, since a pickle looks for the class there.
    with user_module(project.root, stage.module) as load:
        function = getattr(_called(project, stage, load), stage.name)
        garbage.look_as_usual()
        if stage.online:
            return _keep(project, _online(project, stage, function, settings, tables), stage, tables)
        given = {i.artifact: read_artifact(project, i.artifact, i.annotation, tables) for i in stage.inputs}
        missing = without_target(project, stage, given)
        if missing and project.model.artifact in stage.outputs:
            raise DataError(missing)
        with _place(project, stage) as place, _explained(project.model.target, missing):
            result = _called(project, stage, function, *given.values(), **settings, **place)
            made = result if result is not None else next(iter(place.values()), None)
            return _keep(project, _named(stage, made), stage, tables)


@contextlib.contextmanager
def _explained(target: str, missing: str) -> Iterator[None]:
    """A failure that names a target which its stage's tables lack begins with the word on that."""
    try:
        yield
    except StageError as error:
        if missing and target in str(error):
            raise StageError(f"{missing}\n\n{error}") from error
        raise


@contextlib.contextmanager
def _place(project: Project, stage: Stage) -> Iterator[dict[str, Path]]:
    """The path that a stage is given to write to, by its parameter; what is left there goes when the stage ends."""
    if stage.place is None:
        yield {}
        return
    made = next(artifact for artifact in stage.outputs if project.artifacts[artifact].kind == "path")
    with Draft(project.path(made)) as draft:
        yield {stage.place: draft.path}


def _commanded(project: Project, stage: Stage, command: Command) -> dict[str, Path]:
    """Execute a command. What it makes is written in place, so what was there before is kept until it is done."""
    from slipway.pipeline.shell import execute_lines

    _check_there(project, stage, command)
    paths = {name: project.path(name) for name in stage.outputs}
    persisted = command.adopted.persisted if command.adopted is not None else ()
    kept = [project.artifacts[name].path not in persisted for name in stage.outputs]
    with contextlib.ExitStack() as drafts:
        for path, is_kept in zip(paths.values(), kept, strict=True):
            if is_kept:
                drafts.enter_context(_put_back(path))
        folder = command.adopted.folder if command.adopted is not None else ""
        execute_lines(project.root / folder, command.lines, stage.where)
        missing = [str(project.artifacts[name].path) for name, path in paths.items() if not path.exists()]
        if missing:
            raise StageError(f"{stage.where} ended well and did not write {', '.join(missing)}, which it promises.")
    vouch(project, stage.name)
    return paths


@contextlib.contextmanager
def _put_back(path: Path) -> Iterator[None]:
    """Move what is at a path out of the way while the block runs, and put it back where that fails."""
    with Draft(path) as draft:
        if os.path.lexists(path):
            path.rename(draft.path)
        try:
            yield
        except BaseException:
            remove(path)
            if os.path.lexists(draft.path):
                draft.path.rename(path)
            raise


def _check_there(project: Project, stage: Stage, command: Command) -> None:
    """Refuse to begin without a file that the command is said to read: DVC does, and dvc.lock has no word for it."""
    read = [project.artifacts[i.artifact].path for i in stage.inputs if not _is_pattern(project, i.artifact)]
    asked = command.adopted.deps if command.adopted is not None else (*command.files, *read)
    missing = next((path for path in asked if not (project.root / path).exists()), None)
    if missing is not None:
        raise DataError(
            f"{stage.where} reads {missing}, which is missing. Put it there, or say otherwise what it reads."
        )


def _is_pattern(project: Project, name: str) -> bool:
    return name in project.sources and project.sources[name].is_pattern


def _online(
    project: Project, stage: Stage, function: Any, settings: Mapping[str, Any], tables: "Tables | None"
) -> dict[str, Any]:
    """What an online stage makes of the request path's table; the target is kept from it and put back after."""
    import polars as pl

    taken, target = path_input(project, stage), project.model.target
    arguments, truth, rows = [], None, 0
    for wanted in stage.inputs:
        if wanted.artifact != taken:
            arguments.append(read_artifact(project, wanted.artifact, wanted.annotation, tables))
            continue
        table: pl.DataFrame = read_artifact(project, taken, None, tables)
        rows = table.height
        if target in table.columns:
            truth, table = table[target], table.drop(target)
        arguments.append(as_asked(without_nan(table), wanted.annotation))
    result = _called(project, stage, function, *arguments, **settings)
    where = f"{stage.module}:{stage.line}: online stage `{stage.name}`"
    made = as_table(result, where)
    _check_rows(where, result, made, rows)
    if target in made.columns:
        raise StageError(f"{where} makes a column `{target}`, which is the target: a request has none. Leave it out.")
    return {stage.outputs[0]: made.with_columns(truth) if truth is not None else made}


def _check_rows(where: str, result: Any, made: "pl.DataFrame", rows: int) -> None:
    remedy = "An online stage gives the same rows in the same order; leave rows out in a stage that is not online."
    if made.height != rows:
        raise StageError(f"{where} was given {rows} rows and gave {made.height}. {remedy}")
    index = getattr(result, "index", None)  # pandas tells when its rows have been moved
    if index is not None and sorted(index) == list(range(rows)) and list(index) != list(range(rows)):
        raise StageError(f"{where} gave the rows in another order. {remedy}")


def _named(stage: Stage, result: Any) -> dict[str, Any]:
    """What a function gave, by artifact."""
    if len(stage.outputs) == 1:
        if result is None:
            raise StageError(f"{stage.where} returned nothing: return `{stage.outputs[0]}`.")
        return {stage.outputs[0]: result}
    if not isinstance(result, tuple | list) or len(result) != len(stage.outputs):
        got = f"{len(result)} values" if isinstance(result, tuple | list) else f"one {type(result).__name__}"
        raise StageError(
            f"{stage.where} promises {', '.join(stage.outputs)} and returned "
            f"{got}: return a tuple of {len(stage.outputs)}."
        )
    return dict(zip(stage.outputs, result, strict=True))


def _keep(project: Project, values: Mapping[str, Any], stage: Stage, tables: "Tables | None") -> dict[str, Path]:
    with contextlib.ExitStack() as stack:
        drafts = [stack.enter_context(_written(project, name, value, stage)) for name, value in values.items()]
        if stage.publish is not None:
            _publish(stage, values, tables)
        for draft in drafts:
            draft.commit()
    return {name: project.path(name) for name in values}


def _written(project: Project, name: str, value: Any, stage: Stage) -> Draft:
    where = stage.where
    try:
        return write_artifact(project, name, value)
    except StageError as error:
        raise StageError(f"{where}: {error}") from error
    except (OSError, OutsideError) as error:
        path, why = project.artifacts[name].path, getattr(error, "strerror", None) or str(error).rstrip(".")
        raise OutsideError(f"{where}: {path} can't be written: {why}. What was there is there still.") from error


def _publish(stage: Stage, values: Mapping[str, Any], tables: "Tables | None") -> None:
    where = stage.where
    if tables is None:
        raise DataError(f"{where} publishes `{stage.publish}`, and no database is open.")
    assert stage.publish is not None
    table = as_table(values[stage.outputs[0]], where)
    missing = [column for column in stage.key if column not in table.columns]
    if missing:
        raise StageError(f"{where} publishes with key {missing[0]!r}, which is not a column of `{stage.outputs[0]}`.")
    tables.publish(stage.publish, table, stage.key)


def _called(project: Project, stage: Stage, function: Any, *arguments: Any, **settings: Any) -> Any:
    where = f"{stage.module}:{stage.line}"
    return called(project.root, where, f"stage `{stage.name}`", function, *arguments, **settings)
