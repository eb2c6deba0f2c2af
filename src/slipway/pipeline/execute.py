"""A stage's name and settings in; its function is called on its artifacts, and what it gives is put in its place."""

import contextlib
import os
import sys
import time
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from slipway.errors import DataError, StageError
from slipway.pipeline.artifacts import as_asked, as_table, read_artifact, write_artifact
from slipway.pipeline.graph import path_input
from slipway.pipeline.user_module import user_module
from slipway.project.facts import Project, Stage

if TYPE_CHECKING:
    import polars as pl

    from slipway.storage.seams import Tables


_OURS = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Executed:
    """A stage that was done."""

    name: str
    files: Mapping[str, Path]
    """Where its artifacts are now."""
    seconds: float


def execute(
    project: Project, name: str, params: Mapping[str, Mapping[str, Any]], tables: "Tables | None" = None
) -> Executed:
    """Execute one stage, or take one SQL source's snapshot.

    All artifacts are written aside first and renamed together, after a table has been published: when something fails,
    what was there before is there still.

    Args:
        params: settings by stage; a stage's defaults where it has none here.
        tables: the project's database, for stages that publish and sources that are queries.

    Raises:
        StageError: the function raised (the message ends with its traceback, without frames of ours), or gave what it
            did not promise.
        DataError: an input is missing or unreadable.
    """
    started = time.monotonic()
    if name in project.sources:
        from slipway.pipeline.sources import query_source

        values: dict[str, Any] = {name: query_source(project, name, tables)}
        files = _keep(project, values, None, tables)
    else:
        stage = project.stages[name]
        settings = {**stage.settings, **params.get(name, {})}
        with user_module(project.root, stage.module) as load:
            function = getattr(_called(project, stage, load), stage.name)
            values = _online(project, stage, function, settings, tables) if stage.online else {}
            if not stage.online:
                given = {i.artifact: read_artifact(project, i.artifact, i.annotation, tables) for i in stage.inputs}
                values = _named(stage, _called(project, stage, function, *given.values(), **settings))
            # Within the module's presence, since a pickle looks for the class there.
            files = _keep(project, values, stage, tables)
    return Executed(name, files, time.monotonic() - started)


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
        arguments.append(as_asked(table, wanted.annotation))
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
            raise StageError(
                f"{stage.module}:{stage.line}: stage `{stage.name}` returned nothing: return `{stage.outputs[0]}`."
            )
        return {stage.outputs[0]: result}
    if not isinstance(result, tuple | list) or len(result) != len(stage.outputs):
        got = f"{len(result)} values" if isinstance(result, tuple | list) else f"one {type(result).__name__}"
        raise StageError(
            f"{stage.module}:{stage.line}: stage `{stage.name}` promises {', '.join(stage.outputs)} and returned "
            f"{got}: return a tuple of {len(stage.outputs)}."
        )
    return dict(zip(stage.outputs, result, strict=True))


def _keep(project: Project, values: Mapping[str, Any], stage: Stage | None, tables: "Tables | None") -> dict[str, Path]:
    aside: dict[str, Path] = {}
    try:
        for name, value in values.items():
            aside[name] = _written(project, name, value, stage)
        if stage is not None and stage.publish is not None:
            _publish(stage, values, tables)
        for name, path in aside.items():
            path.replace(project.path(name))
    finally:
        for path in aside.values():
            path.unlink(missing_ok=True)
    return {name: project.path(name) for name in values}


def _written(project: Project, name: str, value: Any, stage: Stage | None) -> Path:
    try:
        return write_artifact(project, name, value)
    except StageError as error:
        if stage is None:
            raise
        raise StageError(f"{stage.module}:{stage.line}: stage `{stage.name}`: {error}") from error


def _publish(stage: Stage, values: Mapping[str, Any], tables: "Tables | None") -> None:
    where = f"{stage.module}:{stage.line}: stage `{stage.name}`"
    if tables is None:
        raise DataError(f"{where} publishes `{stage.publish}`, and no database is open.")
    assert stage.publish is not None
    table = as_table(values[stage.outputs[0]], where)
    missing = [column for column in stage.key if column not in table.columns]
    if missing:
        raise StageError(f"{where} publishes with key {missing[0]!r}, which is not a column of `{stage.outputs[0]}`.")
    tables.publish(stage.publish, table, stage.key)


def _called(project: Project, stage: Stage, function: Any, *arguments: Any, **settings: Any) -> Any:
    """Call into the user's code. What it prints goes to standard error: standard output is for results."""
    try:
        with contextlib.redirect_stdout(sys.stderr), _output_as_errors():
            return function(*arguments, **settings)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a panic in Polars is no Exception, nor is what `sys.exit` raises
        where, text = _traceback(project.root, error)
        raise StageError(
            f"{where or f'{stage.module}:{stage.line}'}: stage `{stage.name}` raised "
            f"{type(error).__name__}: {error}\n\n{text}".rstrip()
        ) from error


@contextlib.contextmanager
def _output_as_errors() -> Iterator[None]:
    """What a process or a C library that the stage uses prints goes to standard error, too."""
    try:
        kept = os.dup(1)
    except OSError:  # closed: nobody reads it
        yield
        return
    try:
        sys.stderr.flush()
        with contextlib.suppress(OSError):
            os.dup2(2, 1)
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def _traceback(root: Path, error: BaseException) -> tuple[str, str]:
    """Where in the project's own code it happened, and the traceback from that code on, up to ours if it calls us."""
    frames = [(tb, tb.tb_frame.f_code.co_filename) for tb in _chain(error.__traceback__)]
    own = [(tb, Path(filename).relative_to(root)) for tb, filename in frames if Path(filename).is_relative_to(root)]
    if isinstance(error, SyntaxError) or not own:
        return "", "".join(traceback.format_exception_only(error))
    shown = traceback.TracebackException(type(error), error, own[0][0], compact=True)
    while len(shown.stack) > 1 and Path(shown.stack[-1].filename).is_relative_to(_OURS):
        shown.stack.pop()
    return f"{own[-1][1]}:{own[-1][0].tb_lineno}", "".join(shown.format())


def _chain(tb: TracebackType | None) -> Iterator[TracebackType]:
    while tb is not None:
        yield tb
        tb = tb.tb_next
