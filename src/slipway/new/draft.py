"""The texts of a project that learns from a table, and what there is to say of it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.errors import DataError, ProjectError
from slipway.new import pages
from slipway.new.baseline import Baseline, baseline
from slipway.new.columns import FileFacts, Judged, judge
from slipway.new.first_gate import Ask, ask
from slipway.new.giveaways import warnings_of_leaks
from slipway.new.row_index import pandas_index
from slipway.new.stray_rows import stray_rows
from slipway.new.target import literal_labels
from slipway.tables.files import is_csv, read_table

if TYPE_CHECKING:
    import polars as pl

    from slipway.tables.csv_dialect import Dialect

README = "README.md"
MADE = (
    "data/features.parquet",
    "data/train.parquet",
    "data/test.parquet",
    "models/model.skops",
    "reports/metrics.json",
    "params.yaml",
)
"""What a run of the written stages makes."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A project that works on a sample of its table, and of which nothing is written yet."""

    name: str
    judged: Judged
    first: Baseline
    gate: Ask
    file: str
    """How the file is written, where that is not the usual way."""
    warnings: tuple[str, ...]

    def files(self, data: str, readme: str = README) -> dict[str, str]:
        """The project's files, by path.

        Args:
            data: the table's path in the project.
            readme: which file has the words about the columns.
        """
        return {
            "slipway.toml": pages.toml_text(self.name, data, self.judged, self.gate),
            "pipeline.py": self.first.text,
            readme: pages.readme_text(self.name, data, self.judged, self.gate, file=self.file, warnings=self.warnings),
            "tests/test_pipeline.py": pages.test_text(self.judged, data, is_boosted=not self.first.choice.is_linear),
        }

    def notes(self) -> Iterator[str]:
        """What became of the target and of each column, a line each."""
        target, judged = self.judged.target, self.judged
        yield f"{self.name}: {target.kind}, since {target.why}; {judged.rows:,} rows."
        if self.file:
            yield f"  The file has {self.file}."
        if target.missing:
            yield f"  {target.missing:,} rows without `{target.name}` are passed over{target.missing_words}."
        if judged.time:
            yield f"  Split by time, `{judged.time}`: the newest rows are the test."
        yield f"  Kept: {', '.join(column.name for column in judged.kept)}."
        for column in judged.kept:
            if column.why and column.use != "left out":
                yield f"  {'Suspect' if column.is_suspect else 'Read'}: {column.name} {column.why}."
        for column in judged.left_out:
            yield f"  Left out: {column.name} {column.why}."
        for warning in self.warnings:
            yield f"  Look at: {warning}"
        yield f"  {self.gate.why}"


def draft(name: str, source: Path, target: str | None) -> Draft:
    """Read the table, judge its columns, and run the stages that would be written on a sample.

    Raises:
        ProjectError: no target is named, or the table can't be learnt from.
        DataError: the table can't be read.
    """
    table, given, dialect = read_with_facts(source)
    if target in table.columns and (labels := literal_labels(table[target], given.words.get(target, {}))):
        table, given, dialect = read_with_facts(source, target, labels)
    if not table.height:
        raise DataError(f"{source}: a header and no row under it: there is nothing to learn from.")
    odd = _odd_rows(source, table, dialect)
    try:
        judged = judge(table, target, given)
    except ProjectError as error:
        if odd and target is not None:
            raise ProjectError(" ".join([*odd, str(error)])) from error
        raise
    first = baseline(table, judged)
    is_class = judged.target.kind == "classification"
    leaks = warnings_of_leaks(
        first.features,
        judged.target.name,
        is_class=is_class,
        reached=first.mean("accuracy" if is_class else "r2"),
        moments=[column.name for column in judged.of("date")],
    )
    words = dialect.words() if dialect is not None else ""
    gate = ask(first, judged)
    return Draft(name, judged, first, gate, words, (*odd, *judged.warnings, *gate.warnings, *leaks))


def _odd_rows(source: Path, table: "pl.DataFrame", dialect: "Dialect | None") -> list[str]:
    """What seems wrong with rows of the file, a sentence each."""
    if dialect is None:
        return stray_rows(table, 0)
    from slipway.tables.csv_rows import escaped_quote_line

    odd = stray_rows(table, dialect.header_lines)
    if (line := escaped_quote_line(source, dialect)) is not None:
        odd.append(
            f"In line {line:,} a backslash stands before a quote, and stays in the value: in CSV a quote inside quotes "
            "is written twice."
        )
    return odd


def read_with_facts(
    source: Path, target: str = "", labels: tuple[str, ...] = ()
) -> "tuple[pl.DataFrame, FileFacts, Dialect | None]":
    """Read a table, what its file says of its columns, and how it is written where it is a CSV file.

    Args:
        labels: words that are labels of the target, though they are usually read as null.
    """
    if not is_csv(source):
        return read_table(source), FileFacts(index=pandas_index(source)), None
    import polars as pl

    from slipway.tables.csv_rows import read_csv

    read = read_csv(source, literal={target: labels})
    facts = FileFacts(read.commas, read.dialect.separator == ";", read.dialect.unnamed, (), read.words, labels)
    return pl.concat(list(read.parts)), facts, read.dialect


def data_path(source: Path) -> str:
    """Where a copy of the table stands in the project."""
    return "data/raw/" + re.sub(r"[^\w.-]+", "_", source.name)


def write_files(files: dict[str, str], folder: Path) -> None:
    """Write texts by path."""
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
