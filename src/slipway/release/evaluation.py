"""What a version's figures were measured on, and so beside which other version's they may be set."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from slipway.errors import BundleError, DataError
from slipway.gate.evidence import read_table
from slipway.model.rows import row_hashes
from slipway.model.store import BundleStore
from slipway.records import LedgerEntry

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The test rows of one version, beside those of the version before."""

    rows: int
    shared: int | None
    """How many of them the version before was tested on too; None where there is none, or its rows are gone."""
    is_same: bool | None
    """Whether both were tested on the same rows, so that their figures can be compared."""
    beside_production: tuple[tuple[str, str], ...]
    """Metrics with what the gate measured of this version and of production, on rows that neither learnt from."""

    def to_json(self) -> dict[str, Any]:
        """What `runs --json` has of it."""
        return {
            "rows": self.rows,
            "shared_with_version_before": self.shared,
            "same_as_version_before": self.is_same,
            "beside_production": dict(self.beside_production),
        }

    def words(self, version: int, before: int | None) -> str | None:
        """Say beside which figures this version's can't be set, and where both are on the same rows."""
        same = "; ".join(f"{name} {measured}" for name, measured in self.beside_production)
        beside = f" Beside production, on the same rows: {same}." if same else ""
        if self.is_same is not False:
            return f"Version {version}:{beside}" if same else None
        if not same:
            beside = f" `slipway gate {version}` compares it with production on the same rows."
        return (
            f"Version {version} was tested on {self.rows:,} rows, {self.shared:,} of which version {before} was tested "
            f"on too: their figures can't be compared.{beside}"
        )


class Evaluations:
    """Reads versions one after the other, oldest first, each beside the one before it."""

    def __init__(self, store: BundleStore, gates: Path, entries: Sequence[LedgerEntry]) -> None:
        self._store = store
        self._gates = gates
        self._tables = {entry.version: entry.gate for entry in entries if entry.gate is not None}
        self._before: pl.DataFrame | None = None

    def next(self, version: int, bundle: str) -> Evaluation | None:
        """The evaluation of the next version; None where its test rows are not there any more."""
        try:
            rows = self._store.open(bundle).test_rows()
        except (BundleError, OSError):
            self._before = None
            return None
        shared = None if self._before is None else _shared(rows, self._before)
        is_same = None if shared is None or self._before is None else shared == rows.height == self._before.height
        self._before = rows
        return Evaluation(rows.height, shared, is_same, self._beside_production(version))

    def _beside_production(self, version: int) -> tuple[tuple[str, str], ...]:
        digest = self._tables.get(version)
        try:
            table = None if digest is None else read_table(self._gates, digest)
        except DataError:  # changed since; `slipway ledger --verify` and the page say so
            return ()
        if table is None:
            return ()
        compared = (line for line in table["lines"] if line["check"].endswith(" against production"))
        return tuple(
            (line["check"].removesuffix(" against production"), line["measured"])
            for line in compared
            if " vs " in line["measured"]
        )


def _shared(rows: "pl.DataFrame", before: "pl.DataFrame") -> int:
    """How many rows are in both, by the columns that both have: a column more makes no other row."""
    columns = [name for name in rows.columns if name in before.columns]
    return int(np.isin(row_hashes(rows, columns), row_hashes(before, columns)).sum())
