"""A table and its target in; the texts of a project that learns from it, and what there is to say of it, out."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from slipway.new import pages
from slipway.new.baseline import Ask, Baseline, ask, baseline
from slipway.new.columns import Judged, judge
from slipway.pipeline.tables import read_table

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

    def files(self, data: str, readme: str = README) -> dict[str, str]:
        """The project's files, by path.

        Args:
            data: the table's path in the project.
            readme: which file has the words about the columns.
        """
        return {
            "slipway.toml": pages.toml_text(self.name, data, self.judged, self.gate),
            "pipeline.py": self.first.text,
            readme: pages.readme_text(self.name, data, self.judged, self.gate),
            "tests/test_pipeline.py": pages.test_text(self.judged, data),
        }

    def notes(self) -> Iterator[str]:
        """What became of the target and of each column, a line each."""
        target = self.judged.target
        yield f"{self.name}: {target.kind}, since {target.why}; {self.judged.rows:,} rows."
        if target.missing:
            yield f"  {target.missing:,} rows without `{target.name}` are passed over."
        yield f"  Kept: {', '.join(column.name for column in self.judged.kept)}."
        for column in self.judged.kept:
            if column.use == "quantity" or column.is_suspect:
                yield f"  {'Suspect' if column.is_suspect else 'Read'}: {column.name} {column.why}."
        for column in self.judged.left_out:
            yield f"  Left out: {column.name} {column.why}."
        yield f"  {self.gate.why}"


def draft(name: str, source: Path, target: str | None) -> Draft:
    """Read the table, judge its columns, and run the stages that would be written on a sample.

    Raises:
        ProjectError: no target is named, or the table can't be learnt from.
        DataError: the table can't be read.
    """
    table = read_table(source)
    judged = judge(table, target)
    first = baseline(table, judged)
    return Draft(name, judged, first, ask(first, judged))


def data_path(source: Path) -> str:
    """Where a copy of the table stands in the project."""
    return "data/raw/" + re.sub(r"[^\w.-]+", "_", source.name)


def write_files(files: dict[str, str], folder: Path) -> None:
    """Write texts by path."""
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
