"""A file of truths by prediction id in, what was kept of it out; the same rules as for `POST /feedback`."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slipway.errors import DataError, near_miss
from slipway.journal.spool import SpoolWriter
from slipway.journal.truths import Given, Outcome, record_truths
from slipway.pipeline.tables import read_table
from slipway.records import Label
from slipway.storage.seams import Journal

COLUMNS = ("id", "truth")


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of a file's truths."""

    kept: int
    corrected: int
    known: int

    def to_json(self) -> dict[str, Any]:
        return {"kept": self.kept, "corrected": self.corrected, "known": self.known}

    def sentence(self) -> str:
        parts = [f"{self.kept:,} truths kept"]
        parts += [f"{self.corrected:,} corrected"] if self.corrected else []
        parts += [f"{self.known:,} known already"] if self.known else []
        return ", ".join(parts) + "."


def keep_file(
    journal: Journal, spool: Path, file: Path, classes: Sequence[Label], *, source: str, is_correction: bool
) -> Kept:
    """Keep the truths of a CSV or Parquet file with the columns `id` and `truth`, all of them or none.

    Args:
        classes: the labels that can be true; empty for a regression, whose truths are numbers.

    Raises:
        DataError: a column is missing, a truth is no label or number, an id is unknown, or a truth contradicts the one
            that is kept and `is_correction` is not set.
    """
    table = read_table(file)
    for column in COLUMNS:
        if column not in table.columns:
            raise DataError(f"{file}: no column `{column}`.{near_miss(column, table.columns)}")
    pairs = zip(table["id"].to_list(), table["truth"].to_list(), strict=True)
    given = [
        Given(str(key), _label(truth, classes, file, row), is_correction) for row, (key, truth) in enumerate(pairs)
    ]
    writer = SpoolWriter(spool)
    try:
        outcomes = record_truths(journal, spool, writer, given, source=source)
    finally:
        writer.close()
    _refuse(file, given, outcomes)
    counted = Counter(outcomes)
    return Kept(counted["kept"], counted["corrected"], counted["known"])


def _label(truth: Any, classes: Sequence[Label], file: Path, row: int) -> Label:
    if not classes:
        if isinstance(truth, int | float) and not isinstance(truth, bool):
            return truth
        raise DataError(f"{file}: row {row + 1}: truth is {truth!r}, and a number is predicted.")
    if truth is None:
        raise DataError(f"{file}: row {row + 1}: no truth. Leave the row out until it is known.")
    # A label has the type that the model predicts: a CSV does not say whether 1 is a number or a text.
    by_text = {str(label): label for label in classes}
    if str(truth) in by_text:
        return by_text[str(truth)]
    if type(truth) in {type(label) for label in classes}:
        return truth  # type: ignore[no-any-return]  # a class that training never saw is the truth all the same
    raise DataError(f"{file}: row {row + 1}: truth is {truth!r}.{near_miss(str(truth), by_text)}")


def _refuse(file: Path, given: Sequence[Given], outcomes: Sequence[Outcome]) -> None:
    for refused, remedy in (
        ("unknown id", "no prediction has this id"),
        ("contradicts", "another truth is kept of it; --correct says that this one is right"),
    ):
        ids = [item.id for item, outcome in zip(given, outcomes, strict=True) if outcome == refused]
        if ids:
            more = f" (and {len(ids) - 1} more)" if len(ids) > 1 else ""
            raise DataError(f"{file}: id {ids[0]!r}{more}: {remedy}. Nothing was kept.")
