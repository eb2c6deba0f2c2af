"""Two versions' profiles → how the data that one learnt from differ from the other's, as facts and a line."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from slipway.gate.lines import Line
from slipway.model.score import Scorer
from slipway.profile.columns import Column, NumberColumn, TextColumn
from slipway.profile.count import Profile
from slipway.profile.drift import Counts, Psi, psi
from slipway.rounding import rounded

CHECK = "training data"

_SHOWN = 3
_WORTH = 0.1
"""Below this an index is commonly taken for no shift (Siddiqi, 2006)."""


@dataclass(frozen=True, slots=True)
class Moved:
    """What a candidate learnt from, beside what production did."""

    candidate_rows: int
    production_rows: int
    columns: Mapping[str, Psi]
    """Of the columns that both models take, the one that moved most first; without clocks and ids."""

    def to_json(self) -> dict[str, Any]:
        return {
            "candidate_rows": self.candidate_rows,
            "production_rows": self.production_rows,
            "columns": {
                name: {"psi": found.value, "psi_without_drift": found.without_drift}
                for name, found in self.columns.items()
            },
        }

    def line(self) -> Line:
        """The table's line: shown, since other data are no fault."""
        rows = f"{self.candidate_rows:,} rows, production's {self.production_rows:,}"
        far = [(n, p) for n, p in self.columns.items() if p.exceeds(_WORTH)]
        shown = ", ".join(f"{name} {rounded(found.value)}" for name, found in far[:_SHOWN])
        more = f" and {len(far) - _SHOWN} more columns" if len(far) > _SHOWN else ""
        said = f"{rows}; moved, by PSI: {shown}{more}" if far else f"{rows}; no column moved (PSI above {_WORTH})"
        return Line(CHECK, "shown beside production's", said, "passed")


def moved(candidate: Scorer, production: Scorer) -> Moved:
    """Compare the profiles that the two bundles carry."""
    new, old = candidate.bundle.profile, production.bundle.profile
    return Moved(new.rows, old.rows, _indices(new, old))


def _indices(new: Profile, old: Profile) -> dict[str, Psi]:
    found = {}
    for name, reference in old.columns.items():
        column = new.columns.get(name)
        if column is None or reference.flag is not None or column.flag is not None:
            continue
        bins = _same_bins(reference, column)
        if bins is not None and bins[0].sum() and bins[1].sum():
            found[name] = psi(*bins)
    return dict(sorted(found.items(), key=lambda item: item[1].without_drift - item[1].value))


def _same_bins(reference: Column, column: Column) -> tuple[Counts, Counts] | None:
    """Both columns' counts in the reference's bins; None for columns of different kinds."""
    if isinstance(reference, TextColumn) and isinstance(column, TextColumn):
        top = [column.categories.get(category, 0) for category in reference.top]
        return reference.reference_bins(), np.array([*top, column.n - sum(top)], dtype=np.int64)
    if isinstance(reference, NumberColumn) and isinstance(column, NumberColumn):
        limits = reference.edges[list(reference.bounds)]
        below = np.concatenate(([0.0], _below(column, limits), [float(column.counts.cells.sum())]))
        return reference.bins(reference.counts), np.diff(np.rint(below)).astype(np.int64)
    return None


def _below(column: NumberColumn, limits: Any) -> Any:
    """How many values are below each limit; evenly spread between the edges of a cell, of which there are some 250."""
    if column.edges.size == 0:
        return np.zeros(len(limits))
    return np.interp(limits, column.edges, np.cumsum(column.counts.cells)[:-1].astype(np.float64))
