"""A file of truths by prediction id in, what was kept of it out; the same rules as for `POST /feedback`."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from slipway.errors import DataError, near_miss
from slipway.journal.label_type import LabelType
from slipway.journal.spool import SpoolWriter
from slipway.journal.truths import Given, Outcome, record_truths
from slipway.records import Label
from slipway.storage.seams import Journal
from slipway.tables.files import name_of, table_of

COLUMNS = ("id", "truth")

_SHOWN = 3


@dataclass(frozen=True, slots=True, repr=False)
class Kept:
    """What became of a file's truths."""

    kept: int
    corrected: int
    known: int
    new_classes: Mapping[str, int] = field(default_factory=dict)
    """Labels that the model was not trained on, with how many truths each."""
    hint: str = ""
    """What the first of them may have been meant to be."""

    def __repr__(self) -> str:
        return f"<Kept: {self.sentence()}>"

    def to_json(self) -> dict[str, Any]:
        counted = {"kept": self.kept, "corrected": self.corrected, "known": self.known}
        return {**counted, "new_classes": dict(self.new_classes)}

    def sentence(self) -> str:
        parts = [f"{self.kept:,} truths kept"]
        parts += [f"{self.corrected:,} corrected"] if self.corrected else []
        parts += [f"{self.known:,} known already"] if self.known else []
        said = ", ".join(parts) + "."
        if self.new_classes:
            listed = ", ".join(f"`{label}` ({count:,})" for label, count in [*self.new_classes.items()][:_SHOWN])
            said += f" The model was not trained on {listed}.{self.hint}"
        return said


def keep_file(journal: Journal, spool: Path, data: Any, wanted: LabelType, *, source: str, is_correction: bool) -> Kept:
    """Keep the truths of a CSV or Parquet file, or a table, with the columns `id` and `truth`, all of them or none.

    Raises:
        DataError: a column is missing, a truth is no label or number, an id is unknown, or a truth contradicts the one
            that is kept and `is_correction` is not set.
    """
    # A label that the model knows is one, also where it reads like nothing.
    literal = {"truth": [label for label in wanted.classes if isinstance(label, str)]}
    table, file = table_of(data, stay_text=COLUMNS, literal=literal), Path(name_of(data))
    for column in COLUMNS:
        if column not in table.columns:
            raise DataError(f"{file}: no column `{column}`.{near_miss(column, table.columns)}")
    pairs = zip(table["id"].to_list(), table["truth"].to_list(), strict=True)
    given = [
        Given(str(key), _label(truth, wanted, file, row), is_correction)
        for row, (key, truth) in enumerate(pairs, start=1)
    ]
    writer = SpoolWriter(spool)
    try:
        outcomes = record_truths(journal, spool, writer, given, source=source)
    finally:
        writer.close()
    _refuse(file, given, outcomes)
    counted = Counter(outcomes)
    new = Counter(str(item.truth) for item in given if wanted.is_new(item.truth))
    hint = wanted.near_miss(next(iter(new))) if new else ""
    return Kept(counted["kept"], counted["corrected"], counted["known"], dict(new), hint)


def _label(truth: Any, wanted: LabelType, file: Path, row: int) -> Label:
    if truth is None:
        raise DataError(f"{file}: row {row}: no truth. Leave the row out until it is known.")
    # A CSV has no types, so what stands in a cell is read as what the model predicts; a Parquet file has its own.
    is_cell = isinstance(truth, str) or file.suffix.lower() != ".parquet"
    label = wanted.read(str(truth)) if is_cell else wanted.take(truth)
    if label is None:
        raise DataError(
            f"{file}: row {row}: the truth is {truth!r}: expected {wanted.expected()}, as the model predicts."
            f"{wanted.near_miss(truth)}"
        )
    return label


def _refuse(file: Path, given: Sequence[Given], outcomes: Sequence[Outcome]) -> None:
    for refused, remedy in (
        ("unknown id", "no prediction has this id"),
        ("contradicts", "another truth is kept of it; --correct says that this one is right"),
        ("not theirs", "another truth is kept of it, of somebody else's"),
    ):
        ids = [item.id for item, outcome in zip(given, outcomes, strict=True) if outcome == refused]
        if ids:
            more = f" (and {len(ids) - 1} more)" if len(ids) > 1 else ""
            raise DataError(f"{file}: id {ids[0]!r}{more}: {remedy}. Nothing was kept.")
