"""A stage and the tables it reads in; a sentence on a target that none of them has out, before or after it fails."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from slipway.errors import ProjectError, near_miss
from slipway.pipeline.graph import request_path
from slipway.project.facts import Project, Stage

_LISTED = 20


def without_target(project: Project, stage: Stage, given: Mapping[str, Any]) -> str:
    """What to say where a stage reads tables alone and none has the model's target; empty where one has it.

    A stage before the model's may make the target itself, so this is an error for the model's own stage, and an
    explanation where another one fails.

    Args:
        given: what the stage reads, by artifact; tables of Polars or pandas, or others.
    """
    target = project.model.target
    tables = {name: list(value.columns) for name, value in given.items() if hasattr(value, "columns")}
    if not target or not given or len(tables) < len(given):
        return ""
    if any(target in columns for columns in tables.values()):
        return ""
    named = " or ".join(f"`{name}`" for name in tables)
    where, columns = _source(project) or (named, [str(c) for every in tables.values() for c in every])
    shown = ", ".join(columns[:_LISTED]) + (f" and {len(columns) - _LISTED} more" if len(columns) > _LISTED else "")
    close = near_miss(target, columns)
    meant = close if "Did you mean" in close else ""
    return (
        f"target `{target}` is not a column of {named}, which stage `{stage.name}` reads. {where} has: {shown}.{meant} "
        "Name the column as slipway.toml does under [model] target, or change it there and in the code."
    )


def _source(project: Project) -> tuple[str, list[str]] | None:
    """The file that the rows come from, and its columns."""
    try:
        start = request_path(project).start
    except ProjectError:  # which the run says by itself, once the stages are done
        return None
    source = project.sources.get(start)
    path = project.path(start) if source is not None else Path()
    if source is None or not path.is_file():
        return None
    from slipway.tables.files import column_names

    return f"{path.relative_to(project.root) if path.is_relative_to(project.root) else path}", column_names(path)
