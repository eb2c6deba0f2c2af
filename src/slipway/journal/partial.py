"""A loaded version and journalled rows that may lack columns in; what of them can be held against its profile out."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from slipway.model.examples import json_rows, spread
from slipway.model.score import Scorer
from slipway.profile.count import Profile
from slipway.records import Prediction

log = logging.getLogger(__name__)

_PROBED = 300
"""So many test rows show which features need a column."""


@dataclass(frozen=True, slots=True)
class Measurable:
    """Rows as far as the journal keeps them, and the part of the profile that they can be held against."""

    profile: Profile
    features: pl.DataFrame
    raw: pl.DataFrame
    absent: tuple[str, ...] = ()
    """Columns of a request that not every row has."""
    unmeasured: tuple[str, ...] = ()
    """Features that can't be told without them."""

    def sentence(self) -> str | None:
        """What is left out, and why; None where nothing is."""
        if not self.absent:
            return None
        lost = f", so {_listed(self.unmeasured)} can't be measured" if self.unmeasured else ""
        return f"The journal does not have {_listed(self.absent)}{lost}."


def measurable(scorer: Scorer, rows: Sequence[Mapping[str, Any]]) -> Measurable:
    """The journalled rows of answered requests, as features and as they came.

    A column that the journal does not keep is given one value in every row, so that the online stages can run; which
    features that changes is found on the test rows, and those are left out.
    """
    schema, profile = scorer.bundle.schema, scorer.bundle.profile
    absent = tuple(name for name in schema.names if any(name not in row for row in rows))
    if not absent:
        raw = schema.table(rows)
        return Measurable(profile, scorer.features(raw), raw)
    known = json_rows(spread(schema.take(scorer.bundle.test_rows()), _PROBED))
    stand_in = {name: known[0][name] if known else None for name in absent}
    completed = schema.table([{**row, **stand_in} for row in rows])
    kept = _independent(scorer, known, stand_in)
    try:
        features = scorer.features(completed)
    except Exception:  # whatever a user's stage raises of a row that is not whole
        features, kept = completed, ()
    return Measurable(
        profile=replace(
            profile,
            columns={name: column for name, column in profile.columns.items() if name in kept},
            missing={name: nulls for name, nulls in profile.missing.items() if name not in absent},
        ),
        features=features,
        raw=completed.drop(absent),
        absent=absent,
        unmeasured=tuple(name for name in profile.columns if name not in kept),
    )


def measurable_answers(scorer: Scorer, answered: Sequence[Prediction]) -> tuple[list[Prediction], Measurable]:
    """Measure answered predictions; those that can be measured, too, where what lies in a journal fits no version."""
    try:
        return list(answered), measurable(scorer, [p.row for p in answered])
    except Exception:  # whatever a table, or a user's stage, says of a value that no request could have had
        fitting = [p for p in answered if _fits(scorer, p)]
        if len(fitting) == len(answered):
            raise
    log.warning("%d journalled rows do not fit their version and are passed over", len(answered) - len(fitting))
    return fitting, measurable(scorer, [p.row for p in fitting])


def _fits(scorer: Scorer, prediction: Prediction) -> bool:
    """Whether each value that the journal keeps of a row is of the type that its version takes."""
    schema, row = scorer.bundle.schema, prediction.row
    return not any(problem.field in row and problem.field in schema.names for problem in schema.problems([row]))


def _independent(scorer: Scorer, known: Sequence[Mapping[str, Any]], stand_in: Mapping[str, Any]) -> tuple[str, ...]:
    """The features that are the same on the test rows whatever these columns hold."""
    if not known:
        return ()
    schema = scorer.bundle.schema
    try:
        whole = scorer.features(schema.table(known))
        other = scorer.features(schema.table([{**row, **stand_in} for row in known]))
    except Exception:  # as above
        return ()
    return tuple(name for name in whole.columns if whole[name].equals(other[name], null_equal=True))


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
