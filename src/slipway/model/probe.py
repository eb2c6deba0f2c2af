"""What the path from requests to a model does with each column, found by asking it.

Which columns it uses, which may be null, and in which a value that it can't read becomes null.
"""

from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from slipway.model.examples import UNSEEN, spread
from slipway.model.readings import Reading, Readings, lost_values
from slipway.model.schema import Schema
from slipway.model.score import Scorer

_ROWS = 300
_FEW_ROWS = 5
"""So many show what a change of one column does to what is made of it."""
_MANY_COLUMNS = 100


def used_columns(scorer: Scorer, table: pl.DataFrame) -> tuple[str, ...]:
    """The columns of `table`, which has no target, without which the model's input would be another, or none.

    Each is left out in turn on a sample; so a column that a stage only passes on, and the model does not take, is free.
    """
    sample = spread(table, _ROWS)
    whole = scorer.features(sample)
    used = tuple(name for name in table.columns if not _is_same(scorer, sample.drop(name), whole))
    # A stage may take either of two columns: then neither alone is missed, and both together are.
    return used if used and _is_same(scorer, sample.select(used), whole) else tuple(table.columns)


def _is_same(scorer: Scorer, sample: pl.DataFrame, whole: pl.DataFrame) -> bool:
    try:
        return sample.width > 0 and scorer.features(sample).equals(whole)
    except Exception:  # whatever a user's stage raises without a column that it needs
        return False


def with_nulls(schema: Schema, scorer: Scorer, table: pl.DataFrame) -> Schema:
    """The schema, nullable in each column without which the model answers, too.

    Args:
        table: rows as requests have them, without the target.
    """
    asking = replace(schema, refuses_nulls=False)
    scorer = replace(scorer, bundle=replace(scorer.bundle, manifest=replace(scorer.bundle.manifest, schema=asking)))
    asked = [column.name for column in schema.columns if not column.nullable]
    if not table.height:
        return schema
    rows = spread(schema.take(table), 1 if len(asked) > _MANY_COLUMNS else _FEW_ROWS)
    trial = pl.concat([rows.with_columns(pl.lit(None, rows.schema[name]).alias(name)) for name in asked] or [rows])
    errors = scorer.score(trial).errors
    taken = {
        name for place, name in enumerate(asked) if not any(errors[place * rows.height : (place + 1) * rows.height])
    }
    columns = (replace(c, nullable=True, is_found_nullable=True) if c.name in taken else c for c in schema.columns)
    return replace(schema, columns=tuple(columns))


def texts_taken(scorer: Scorer, table: pl.DataFrame, value: str | None) -> frozenset[str]:
    """The columns that take text in which this one is answered, and not refused since a stage can't read it.

    Args:
        table: rows as `bundle.schema` gives them; the first one is asked with.
    """
    schema = scorer.bundle.schema
    names = [column.name for column in schema.columns if "text" in column.types]
    if not table.height or not names:
        return frozenset()
    row = table.head(1)
    trial = pl.concat([row.with_columns(pl.lit(value).cast(row.schema[name]).alias(name)) for name in names])
    errors = scorer.score(trial).errors
    return frozenset(name for name, error in zip(names, errors, strict=True) if error is None)


def readings_of(scorer: Scorer, table: pl.DataFrame) -> Readings:
    """What the online stages make of each column of a request, and how many values were lost in training.

    Args:
        table: the training table as `bundle.schema` gives it.
    """
    stages = tuple(stage.name for stage in scorer.bundle.manifest.stages)
    if not stages or not table.height:
        return Readings()
    rows = spread(table, _FEW_ROWS)
    whole = scorer.stage_tables(rows)
    makes = {name: _makes(scorer, rows, whole, name) for name in table.columns}
    readings = Readings({name: Reading(made, 0) for name, made in makes.items() if made}, stages)
    lost = lost_values(readings, table, scorer.stage_tables(table), scorer.stage_tables, lambda: spread(table, _ROWS))
    counts = {name: sum(name in names for names in lost.values()) for name in readings.columns}
    return Readings(
        {name: Reading(each.makes, counts[name]) for name, each in readings.columns.items()}, stages, table.height
    )


def _makes(scorer: Scorer, rows: pl.DataFrame, whole: Sequence[pl.DataFrame], name: str) -> tuple[tuple[int, str], ...]:
    """The columns of each stage that are null wherever this one is null, or holds a text that nobody knows."""
    found: dict[tuple[int, str], None] = {}
    values = [None, *([UNSEEN] if rows.schema[name] in (pl.String, pl.Categorical) else [])]
    for value in values:
        changed = _tried(scorer, rows.with_columns(pl.lit(value).cast(rows.schema[name]).alias(name)))
        for place, (before, after) in enumerate(zip(whole, changed, strict=False)):
            for made in before.columns:
                if made in after.columns and _becomes_null(before[made], after[made]):
                    found[place, made] = None
    return tuple(found)


def _tried(scorer: Scorer, rows: pl.DataFrame) -> list[pl.DataFrame]:
    try:
        return scorer.stage_tables(rows)
    except Exception:  # whatever a user's stage raises of such rows: they are not scored
        return []


def _becomes_null(before: pl.Series, after: pl.Series) -> bool:
    was_there = before.fill_nan(None).is_not_null() if before.dtype.is_float() else before.is_not_null()
    is_gone = after.fill_nan(None).is_null() if after.dtype.is_float() else after.is_null()
    return bool(was_there.any() and is_gone.filter(was_there).all())
