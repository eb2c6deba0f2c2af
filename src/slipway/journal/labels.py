"""Predictions whose truth is known, and labelled rows of a file, in; the rows that production adds to a source out."""

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from slipway.journal.labels_file import locked, read, write
from slipway.journal.shares import FILE, Share, shares
from slipway.journal.window import labelled_parts, truth_parts
from slipway.model.rows import row_hashes
from slipway.model.schema import Schema
from slipway.project import Project
from slipway.records import Label
from slipway.storage.seams import Journal

PREDICTION_ID = "_prediction_id"
"""Which prediction a labelled row comes from; null for a row of a file."""


@dataclass(frozen=True, slots=True)
class _Label:
    """What is held of a labelled prediction while the rows are in a table."""

    id: str
    source: str
    at: float
    truth: Label


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
    with locked(path):  # from before the journal is read: a purge meanwhile waits, then takes out what is hers
        return _gather(journal, schema, target, path, more, max_share)


def _gather(
    journal: Journal, schema: Schema, target: str, path: Path, more: pl.DataFrame | None, max_share: float
) -> Gathered:
    kept = read(path)
    from_files = [] if kept is None else [kept.filter(pl.col(PREDICTION_ID).is_null())]
    if more is not None:
        rows = schema.take(more).with_columns(more[target], pl.lit(None, pl.String).alias(PREDICTION_ID))
        from_files.append(rows)
    of_files = _without_repeats(_joined(from_files)) if any(part.height for part in from_files) else None
    tables: list[pl.DataFrame] = []
    labels: list[_Label] = []
    left_out = 0
    for part in labelled_parts(journal):
        answered = [(p, t) for p, t in part if p.error is None]
        fitting = [(p, t) for p, t in answered if not schema.problems([p.row])]
        left_out += len(answered) - len(fitting)
        if fitting:
            tables.append(schema.table([p.row for p, _ in fitting]))
            labels += [_Label(p.id, t.source, t.at, t.truth) for p, t in fitting]
    is_learnt, sources = _within(labels, 0 if of_files is None else of_files.height, max_share)
    journalled = _journalled(tables, labels, is_learnt, target) if any(is_learnt) else None
    parts = [part for part in (of_files, journalled) if part is not None]
    if not parts:
        is_emptied = kept is not None and kept.height > 0
        if kept is not None and is_emptied:
            write(kept.clear(), path)
        return Gathered(0, left_out, is_emptied, sources)
    table = _joined(parts)
    if kept is not None and kept.equals(table):
        return Gathered(table.height, left_out, is_new=False, sources=sources)
    write(table, path)
    return Gathered(table.height, left_out, is_new=True, sources=sources)


def label_sources(journal: Journal, project: Project) -> tuple[Share, ...]:
    """Who gave the truth of each prediction that counts, and how many of each a retraining would learn from."""
    counted: Counter[str] = Counter()
    for truths in truth_parts(journal):
        present = journal.present(list(truths))
        counted.update(truth.source for key, truth in truths.items() if key in present)
    tables = [read(path, [PREDICTION_ID]) for path in map(project.labelled, project.sources)]
    from_files = sum(table[PREDICTION_ID].null_count() for table in tables if table is not None)
    if from_files:
        counted[FILE] += from_files
    return shares(counted, project.model.max_source_share)


def ids_in(path: Path) -> list[str]:
    """The predictions that a file of labelled rows comes from."""
    table = read(path, [PREDICTION_ID])
    return [] if table is None else table[PREDICTION_ID].drop_nulls().to_list()


def drop_labelled(path: Path, ids: Collection[str]) -> int:
    """Take the labelled rows of these predictions out of the file; how many they were."""
    if not path.parent.is_dir():  # else somebody may be about to write the first one
        return 0
    with locked(path):
        table = read(path) if set(ids_in(path)) & set(ids) else None
        if table is None:
            return 0
        kept = table.filter(~pl.col(PREDICTION_ID).is_in(list(ids)).fill_null(False))
        write(kept, path)
    return table.height - kept.height


def _within(labels: Sequence[_Label], from_files: int, max_share: float) -> tuple[list[bool], tuple[Share, ...]]:
    """Which labels are learnt from, so that no caller has too great a share: of one who gave too many the newest."""
    by_source: defaultdict[str, list[int]] = defaultdict(list)
    for place, label in enumerate(labels):
        by_source[label.source].append(place)
    counted = {source: len(given) for source, given in by_source.items()}
    if from_files:
        counted[FILE] = counted.get(FILE, 0) + from_files
    found = shares(counted, max_share)
    is_learnt = [True] * len(labels)
    for share in found:
        given = sorted(by_source.get(share.source, []), key=lambda place: labels[place].at)
        for place in given[: share.left_out]:
            is_learnt[place] = False
    return is_learnt, found


def _journalled(
    tables: Sequence[pl.DataFrame], labels: Sequence[_Label], is_learnt: Sequence[bool], target: str
) -> pl.DataFrame:
    learnt = [label for label, is_one in zip(labels, is_learnt, strict=True) if is_one]
    truths = pl.Series(target, [label.truth for label in learnt], strict=False)
    ids = pl.Series(PREDICTION_ID, [label.id for label in learnt])
    return pl.concat(tables).filter(pl.Series(is_learnt)).with_columns(truths, ids)


def _joined(parts: Sequence[pl.DataFrame]) -> pl.DataFrame:
    return pl.concat([part for part in parts if part.height] or parts, how="diagonal_relaxed")


def _without_repeats(table: pl.DataFrame) -> pl.DataFrame:
    """The first of rows that agree in everything: a file that is checked twice is learnt from once.

    Journalled rows all stay: two callers may well have sent the same row.
    """
    hashes = pl.Series("_hash", row_hashes(table))
    return table.with_columns(hashes).unique("_hash", keep="first", maintain_order=True).drop("_hash")
