"""Predictions whose truth is known, and labelled rows of a file, in; the rows that production adds to a source out."""

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from slipway.journal.shares import FILE, Share, shares
from slipway.journal.window import counting, labelled
from slipway.model.rows import row_hashes
from slipway.model.schema import Schema
from slipway.project import Project
from slipway.records import Prediction, Truth
from slipway.storage.seams import Journal

PREDICTION_ID = "_prediction_id"
"""Which prediction a labelled row comes from; null for a row of a file."""

_Labelled = tuple[Prediction, Truth]


@dataclass(frozen=True, slots=True)
class Gathered:
    """What production's labels have come to."""

    rows: int
    """All labelled rows that are kept now."""
    left_out: int
    """Labelled predictions whose rows do not have today's columns: of an earlier version, or not journalled whole."""
    is_new: bool
    """Whether the kept rows changed."""
    sources: tuple[Share, ...] = ()
    """Who gave the labels, and how many of each are learnt from."""


def gather(
    journal: Journal,
    schema: Schema,
    target: str,
    path: Path,
    more: pl.DataFrame | None = None,
    *,
    max_share: float = 1.0,
) -> Gathered:
    """Keep every labelled row in the file at `path`, written aside and renamed; untouched if nothing is new.

    Args:
        schema: the live version's; rows that don't fit it are left out.
        more: labelled rows of a file, the target among their columns; they are kept from then on.
        max_share: the greatest share of the labels that one caller may have given; of one who gave more, the newest
            are kept.
    """
    kept = pl.read_parquet(path) if path.exists() else None
    from_files = [] if kept is None else [kept.filter(pl.col(PREDICTION_ID).is_null())]
    if more is not None:
        rows = schema.take(more).with_columns(more[target], pl.lit(None, pl.String).alias(PREDICTION_ID))
        from_files.append(rows)
    of_files = _without_repeats(_joined(from_files)) if any(part.height for part in from_files) else None
    pairs = [(p, t) for p, t in labelled(journal) if p.error is None]
    fitting = [(p, t) for p, t in pairs if not schema.problems([p.row])]
    learnt, sources = _within(fitting, 0 if of_files is None else of_files.height, max_share)
    left_out = len(pairs) - len(fitting)
    parts = [part for part in (of_files, _journalled(learnt, schema, target)) if part is not None]
    if not parts:
        is_emptied = kept is not None and kept.height > 0
        if kept is not None and is_emptied:
            _write(kept.clear(), path)
        return Gathered(0, left_out, is_emptied, sources)
    table = _joined(parts)
    if kept is not None and kept.equals(table):
        return Gathered(table.height, left_out, is_new=False, sources=sources)
    _write(table, path)
    return Gathered(table.height, left_out, is_new=True, sources=sources)


def label_sources(journal: Journal, project: Project) -> tuple[Share, ...]:
    """Who gave the truth of each prediction that counts, and how many of each a retraining would learn from."""
    counted = Counter(truth.source for truth in counting(journal.truths()).values())
    paths = [path for path in map(project.labelled, project.sources) if path.is_file()]
    from_files = sum(pl.read_parquet(path, columns=[PREDICTION_ID])[PREDICTION_ID].null_count() for path in paths)
    if from_files:
        counted[FILE] += from_files
    return shares(counted, project.model.max_source_share)


def ids_in(path: Path) -> list[str]:
    """The predictions that a file of labelled rows comes from."""
    if not path.is_file():
        return []
    found: list[str] = pl.read_parquet(path, columns=[PREDICTION_ID])[PREDICTION_ID].drop_nulls().to_list()
    return found


def drop_labelled(path: Path, ids: Collection[str]) -> int:
    """Take the labelled rows of these predictions out of the file; how many they were."""
    if not set(ids_in(path)) & set(ids):
        return 0
    table = pl.read_parquet(path)
    kept = table.filter(~pl.col(PREDICTION_ID).is_in(list(ids)).fill_null(False))
    _write(kept, path)
    return table.height - kept.height


def _within(
    fitting: Sequence[_Labelled], from_files: int, max_share: float
) -> tuple[list[_Labelled], tuple[Share, ...]]:
    """The labels that no caller has too great a share of; the newest of one who gave too many."""
    by_source: defaultdict[str, list[_Labelled]] = defaultdict(list)
    for pair in fitting:
        by_source[pair[1].source].append(pair)
    counted = {source: len(given) for source, given in by_source.items()}
    if from_files:
        counted[FILE] = counted.get(FILE, 0) + from_files
    found = shares(counted, max_share)
    dropped: set[str] = set()
    for share in found:
        given = sorted(by_source.get(share.source, []), key=lambda pair: pair[1].at)
        dropped |= {p.id for p, _ in given[: share.left_out]}
    return [pair for pair in fitting if pair[0].id not in dropped], found


def _journalled(learnt: Sequence[_Labelled], schema: Schema, target: str) -> pl.DataFrame | None:
    if not learnt:
        return None
    truths = pl.Series(target, [t.truth for _, t in learnt], strict=False)
    ids = pl.Series(PREDICTION_ID, [p.id for p, _ in learnt])
    return schema.table([p.row for p, _ in learnt]).with_columns(truths, ids)


def _joined(parts: Sequence[pl.DataFrame]) -> pl.DataFrame:
    return pl.concat([part for part in parts if part.height] or parts, how="diagonal_relaxed")


def _write(table: pl.DataFrame, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(".aside")
    table.write_parquet(aside)
    aside.replace(path)


def _without_repeats(table: pl.DataFrame) -> pl.DataFrame:
    """The first of rows that agree in everything: a file that is checked twice is learnt from once.

    Journalled rows all stay: two callers may well have sent the same row.
    """
    hashes = pl.Series("_hash", row_hashes(table))
    return table.with_columns(hashes).unique("_hash", keep="first", maintain_order=True).drop("_hash")
