"""Predictions whose truth is known, and labelled rows of a file, in; the rows that production adds to a source out."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from slipway.journal.window import labelled
from slipway.model.rows import row_hashes
from slipway.model.schema import Schema
from slipway.storage.seams import Journal

PREDICTION_ID = "_prediction_id"
"""Which prediction a labelled row comes from; null for a row of a file."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """What production's labels have come to."""

    rows: int
    """All labelled rows that are kept now."""
    left_out: int
    """Labelled predictions of an earlier version whose columns are not today's."""
    is_new: bool
    """Whether the kept rows changed."""


def gather(journal: Journal, schema: Schema, target: str, path: Path, more: pl.DataFrame | None = None) -> Gathered:
    """Keep every labelled row in the file at `path`, written aside and renamed; untouched if nothing is new.

    Args:
        schema: the live version's; rows that don't fit it are left out.
        more: labelled rows of a file, the target among their columns; they are kept from then on.
    """
    kept = pl.read_parquet(path) if path.exists() else None
    journalled, left_out = _journalled(journal, schema, target)
    from_files = [] if kept is None else [kept.filter(pl.col(PREDICTION_ID).is_null())]
    if more is not None:
        rows = schema.take(more).with_columns(more[target], pl.lit(None, pl.String).alias(PREDICTION_ID))
        from_files.append(rows)
    parts = [part for part in (*from_files, journalled) if part is not None and part.height]
    if not parts:
        return Gathered(0, left_out, is_new=False)
    table = _without_repeats(pl.concat(parts, how="diagonal_relaxed"))
    if kept is not None and kept.equals(table):
        return Gathered(table.height, left_out, is_new=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(".aside")
    table.write_parquet(aside)
    aside.replace(path)
    return Gathered(table.height, left_out, is_new=True)


def _journalled(journal: Journal, schema: Schema, target: str) -> tuple[pl.DataFrame | None, int]:
    pairs = [(p, t) for p, t in labelled(journal) if p.error is None]
    fitting = [(p, t) for p, t in pairs if not schema.problems([p.row])]
    if not fitting:
        return None, len(pairs)
    truths = pl.Series(target, [t.truth for _, t in fitting], strict=False)
    ids = pl.Series(PREDICTION_ID, [p.id for p, _ in fitting])
    return schema.table([p.row for p, _ in fitting]).with_columns(truths, ids), len(pairs) - len(fitting)


def _without_repeats(table: pl.DataFrame) -> pl.DataFrame:
    """The first of rows that agree in everything: a file that is checked twice is learnt from once.

    Journalled rows all stay: two callers may well have sent the same row.
    """
    hashes = pl.Series("_hash", row_hashes(table))  # of every column, the prediction's id too
    return table.with_columns(hashes).unique("_hash", keep="first", maintain_order=True).drop("_hash")
