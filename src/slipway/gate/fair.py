"""A candidate's test rows and production → those that neither was trained on, answered by both."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from slipway.errors import DataError
from slipway.gate.compare import Answers
from slipway.gate.quality import MIN_ROWS, Quality, answers_of
from slipway.model.answers import Scores
from slipway.model.score import Scorer
from slipway.records import Label

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class Fair:
    """Rows on which two versions can be compared."""

    rows: "pl.DataFrame"
    truths: list[Label]
    candidate: Answers
    production: Answers


def fair(quality: Quality, candidate: Scorer, production: Scorer) -> Fair:
    """The rows, with both versions' answers.

    Raises:
        DataError: they are fewer than 30, production can't take them, or nobody can tell which they are.
    """
    assert quality.answers is not None
    places = fair_rows(quality, candidate, production)
    rows = quality.rows[places]
    try:
        taken = production.bundle.schema.take(rows)
    except DataError as error:
        raise DataError(f"production can't take these rows: {error}") from error
    theirs = production.score(taken) if rows.height else Scores([], None, [])
    answered = [i for i, error in enumerate(theirs.errors) if error is None]
    if len(answered) < MIN_ROWS:
        why = f"{len(answered):,} of {quality.rows.height:,} test rows are new to both and answered by production"
        untraced = candidate.bundle.manifest.untraced.get("test", 0)
        lost = f" ({untraced:,} more could not be traced back to the source)" if untraced else ""
        raise DataError(f"{why}{lost}; {MIN_ROWS} are needed")
    ours = [places[i] for i in answered]
    return Fair(
        rows[answered],
        [quality.truths[i] for i in ours],
        quality.answers.take(ours),
        answers_of(theirs.take(answered)),
    )


def fair_rows(quality: Quality, candidate: Scorer, production: Scorer) -> list[int]:
    """Which test rows neither model learnt from, each by its own columns.

    Raises:
        DataError: the rows lack a column of one of the two, or not all that one learnt from is known, so that nobody
            can tell.
    """
    is_new = np.ones(quality.rows.height, dtype=bool)
    for who, scorer in (("the candidate", candidate), ("production", production)):
        untraced = scorer.bundle.manifest.untraced.get("train", 0)
        if untraced:
            raise DataError(
                f"{untraced:,} rows that {who} learnt from could not be traced back to `{scorer.bundle.manifest.start}`"
            )
        hashes = scorer.bundle.hashes(quality.rows)
        if hashes is None:
            columns = [*scorer.bundle.schema.names, scorer.bundle.manifest.target]
            absent = [name for name in columns if name not in quality.rows.columns]
            raise DataError(f"{who} learnt from the column `{absent[0]}`, which they don't have")
        is_new &= ~np.isin(hashes, scorer.bundle.trained_rows())
    return [int(i) for i in np.flatnonzero(is_new)]
