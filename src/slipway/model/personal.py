"""Rows to be kept for showing, and what a project marks as personal, in; the same rows with stand-ins out."""

import datetime
import logging
from collections.abc import Collection, Mapping
from typing import Any

import polars as pl

from slipway.errors import ProjectError
from slipway.model.bundle import Bundle
from slipway.model.probe import texts_taken
from slipway.model.schema import Column, Schema
from slipway.model.score import Scorer
from slipway.project import Project

log = logging.getLogger(__name__)

_STAND_INS: dict[str, Any] = {
    "text": "personal",
    "integer": 0,
    "number": 0.0,
    "boolean": False,
    "date": datetime.date(2000, 1, 1),
    "datetime": datetime.datetime(2000, 1, 1),
}
"""Of the same type, so that such a row is still one that the service takes."""
_TEXTS = ("personal", "0", "2000-01-01", None)
"""The first that a stage can read; nothing, where it takes that alone."""


def without_personal(
    table: pl.DataFrame, schema: Schema, personal: Collection[str], texts: Mapping[str, str | None] | None = None
) -> pl.DataFrame:
    """The table with one value that is nobody's in each personal column.

    Args:
        texts: by column, the text where the usual one would be refused; see `readable_texts`.
    """
    hidden = [column for column in schema.columns if column.name in personal and column.name in table.columns]
    return table.with_columns(_stand_in(column, table.schema[column.name], texts or {}) for column in hidden)


def readable_texts(scorer: Scorer, table: pl.DataFrame, personal: Collection[str]) -> dict[str, str | None]:
    """For each personal column of text a text that is nobody's, and that the online stages can read.

    Args:
        table: rows as `bundle.schema` gives them.
    """
    found: dict[str, str | None] = {}
    for text in reversed(_TEXTS) if personal else ():
        found |= dict.fromkeys(texts_taken(scorer, table, text) & set(personal), text)
    return found


def hides_alike(one: Bundle, other: Bundle, personal: Collection[str]) -> bool:
    """Return whether two bundles show the same of personal columns in their sample and their profile."""
    shown = [[[row.get(name) for row in bundle.sample()] for name in personal] for bundle in (one, other)]
    profiled = [{*bundle.profile.columns} & {*personal} for bundle in (one, other)]
    return shown[0] == shown[1] and profiled[0] == profiled[1]


def measured(features: pl.DataFrame, personal: Collection[str]) -> pl.DataFrame:
    """The features that a profile may keep: it has the commonest values of each, which reports show.

    Raises:
        ProjectError: none is left.
    """
    kept = features.select(name for name in features.columns if name not in personal)
    if not kept.width:
        raise ProjectError(
            "slipway.toml: [api] personal names every column that the model takes, so that nothing could be "
            "monitored. Leave one out of it, or give the model a column that an online stage makes of them."
        )
    return kept


def warn_of_relearning(project: Project, schema: Schema) -> None:
    """Say so where a project wants to learn from journalled rows and keeps columns of them out of the journal."""
    lacking = [name for name in schema.names if not project.api.journals(name)]
    if lacking and project.model.retrain_into is not None:
        log.warning(
            "slipway.toml: [model] retrain_into = '%s' learns from journalled rows, and [api] keeps `%s` out of the "
            "journal, which the model takes: truths will measure quality, and no labelled row will be learnt from. "
            "Let the journal keep it, or renew the source itself.",
            project.model.retrain_into,
            "`, `".join(lacking),
        )


def _stand_in(column: Column, dtype: pl.DataType, texts: Mapping[str, str | None]) -> pl.Expr:
    if column.name in texts:
        return pl.lit(texts[column.name]).cast(dtype).alias(column.name)
    value = next((_STAND_INS[kind] for kind in column.types if kind in _STAND_INS), None)
    return pl.lit(value).cast(dtype, strict=False).alias(column.name)
