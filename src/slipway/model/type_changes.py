"""Columns that hold another kind of value than when a version learnt: the usual reason of a stage that fails anew."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from slipway.errors import DataError, SlipwayError
from slipway.model.bundle import Bundle
from slipway.model.column_types import as_requested
from slipway.model.dtypes import dtype_name, dtype_named, request_type
from slipway.pipeline.artifacts import read_artifact
from slipway.project import Project

if TYPE_CHECKING:
    import polars as pl

    from slipway.storage.seams import Tables


def explained(
    error: SlipwayError, project: Project, failed: Iterable[str], bundle: Bundle, tables: "Tables | None"
) -> SlipwayError:
    """The error of stages that failed, in the words of what has changed in their data, where that is the reason.

    Args:
        failed: the stages.
        bundle: of the version that was trained last.
    """
    found = list(dict.fromkeys(_changes(project, failed, bundle, tables)))
    if not found:
        return error
    raised = str(error).partition("\n")[0].rstrip(".")
    remedy = "Give the values as they were, or let the stages read them as they are now."
    return type(error)(f"{' '.join(found)} {remedy} So it failed: {raised}.")


def type_change(bundle: Bundle, column: "pl.Series") -> str | None:
    """How a column differs in kind from the one of its name that a version learnt from; None where it does not.

    A column that it had in a request and, made by an online stage, among its features, may be as either.
    """
    reasons = []
    for types, dtype in _known_types(bundle, column.name):
        try:
            as_requested(column, types, dtype)
        except DataError as error:
            reasons.append(str(error))
        else:
            return None
    return reasons[0] if reasons else None


def _changes(project: Project, failed: Iterable[str], bundle: Bundle, tables: "Tables | None") -> Iterator[str]:
    inputs = [i.artifact for name in failed if name in project.stages for i in project.stages[name].inputs]
    seen: set[str] = set()
    for name in dict.fromkeys([*project.sources, *inputs]):
        if project.artifacts[name].kind != "table":
            continue
        table = None
        with suppress(SlipwayError):  # one that is missing, or no table, has a message of its own
            table = read_artifact(project, name, None, tables)
        for column in table.iter_columns() if table is not None else ():
            if column.name not in seen and (said := type_change(bundle, column)) is not None:
                seen.add(column.name)
                yield f"{project.artifacts[name].path}: {said}"


def _known_types(bundle: Bundle, name: str) -> "Iterator[tuple[tuple[str, ...], pl.DataType]]":
    manifest = bundle.manifest
    for column in manifest.schema.columns:
        if column.name == name:
            yield column.types, dtype_named(column.dtype)
    if name == manifest.target:
        dtype = dtype_named(dtype_name(bundle.test_rows().schema[name]))
        yield _own_types(name, dtype), dtype
    for tables in (*(stage.gives for stage in manifest.stages), manifest.features):
        if name in tables.polars:
            dtype = dtype_named(tables.polars[name])
            with suppress(DataError):  # a stage may make columns of types that no request has
                yield _own_types(name, dtype), dtype


def _own_types(name: str, dtype: "pl.DataType") -> tuple[str, ...]:
    kind = request_type(name, dtype)
    return ("integer", "number") if kind in ("integer", "number") else (kind,)
