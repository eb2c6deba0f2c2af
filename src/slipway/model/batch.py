"""A file's table in, the same rows with their answers out, by the path that a request takes."""

import polars as pl

from slipway.model.score import Scorer

PREDICTION, ERROR = "prediction", "error"


def answer_table(scorer: Scorer, table: pl.DataFrame) -> pl.DataFrame:
    """A table's rows with `prediction`, `error` (null where there is none) and `probability_CLASS` for each class.

    A column of the table's own that has one of these names keeps it; the answer's gets `answered_` before its name.

    Raises:
        DataError: a column that the model needs is missing, or holds values of another type.
    """
    scores = scorer.score(scorer.bundle.schema.take(table))
    answered = [
        pl.Series(PREDICTION, scores.predictions, strict=False),
        pl.Series(ERROR, scores.errors, dtype=pl.String),
    ]
    if scores.probabilities is not None:
        for label in map(str, scorer.bundle.manifest.classes):
            shares = [None if p is None else p[label] for p in scores.probabilities]
            answered.append(pl.Series(f"probability_{label}", shares, dtype=pl.Float64))
    return table.with_columns(s.alias(f"answered_{s.name}") if s.name in table.columns else s for s in answered)
