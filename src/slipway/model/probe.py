"""A path from requests to a model in, the columns of a request that it really uses out."""

import polars as pl

from slipway.model.examples import spread
from slipway.model.score import Scorer

_ROWS = 300


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
