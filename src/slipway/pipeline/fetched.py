"""A source's fetcher in, the tables that it gives out: one, or one after the other as its iterator gives them."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from slipway.code.called import called
from slipway.code.user_module import user_module
from slipway.errors import DataError, OutsideError, StageError
from slipway.project.facts import Project, Source
from slipway.tables.values import as_table

if TYPE_CHECKING:
    import polars as pl

_END: Any = object()
_OUR_SIDE = (FileNotFoundError, FileExistsError, IsADirectoryError, NotADirectoryError, PermissionError)
"""Errors of the operating system that tell of a mistake in the code more likely than of a service that is away."""


def fetched_parts(project: Project, source: Source, settings: Mapping[str, Any]) -> "Iterator[pl.DataFrame]":
    """What the function gives, as Polars tables that all have the columns and types of the first.

    Raises:
        StageError: it raised, or gave no table.
        OutsideError: it raised what a connection raises that fails.
    """
    fetch = source.fetch
    assert fetch is not None  # who asks has looked
    where, what = f"{project.module}:{fetch.line}", f"`{fetch.function}`, which fetches source `{source.name}`,"

    def asked(function: Any, *arguments: Any, **named: Any) -> Any:
        try:
            return called(project.root, where, what, function, *arguments, **named)
        except StageError as error:
            if isinstance(error.__cause__, OSError) and not isinstance(error.__cause__, _OUR_SIDE):
                raise OutsideError(str(error)) from error.__cause__
            raise

    with user_module(project.root, project.module) as load:
        given = asked(getattr(asked(load), fetch.function), **{**fetch.settings, **settings})
        if not _is_several(given):
            yield _table(given, f"{where}: {what}", "")
            return
        parts, first, number = iter(given), None, 0
        while (part := asked(next, parts, _END)) is not _END:
            number += 1
            table = _table(part, f"{where}: {what}", f" as part {number}")
            first = table.schema if first is None else first
            yield _fitted(table, first, f"{where}: {what} gave part {number}")
    if first is None:
        raise StageError(f"{where}: {what} gave no part at all: give one without rows where there are none.")


def _is_several(given: Any) -> bool:
    return hasattr(type(given), "__next__") or isinstance(given, list | tuple)


def _table(given: Any, what: str, part: str) -> "pl.DataFrame":
    import polars as pl

    try:
        table = as_table(given, "")
    except StageError as error:
        kind = type(given).__name__
        raise StageError(
            f"{what} gave {'nothing' if given is None else f'a value of the type {kind}'}{part}: expected a Polars or "
            f"pandas DataFrame, or an iterator of such tables.{'' if ' came' in str(error) else str(error)}"
        ) from error
    if not table.columns:
        raise StageError(f"{what} gave a table without columns{part}.")
    return table.with_columns(pl.col(pl.Categorical, pl.Enum).cast(pl.String))


def _fitted(table: "pl.DataFrame", wanted: "pl.Schema", what: str) -> "pl.DataFrame":
    import polars as pl

    if set(table.columns) != set(wanted):
        odd = next(name for name in [*wanted, *table.columns] if name not in wanted or name not in table.columns)
        has = "without" if odd in wanted else "with a further"
        raise DataError(f"{what} {has} column `{odd}`: all parts have the same columns.")
    for name, dtype in wanted.items():
        if table[name].dtype != dtype:
            try:
                table = table.with_columns(pl.col(name).cast(dtype))
            except pl.exceptions.PolarsError as error:
                raise DataError(
                    f"{what} with {table[name].dtype} in column `{name}`, and the first has {dtype}: give it one type."
                ) from error
    return table.select(list(wanted))
