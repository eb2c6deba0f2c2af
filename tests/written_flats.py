"""A project of flats on disk, whose files a test edits, and what a run of it does."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from slipway.pipeline.run import RunReport, Stale, run, run_lock, run_stage, stale
from slipway.project import Project, read_project
from slipway.settings import Settings, read_settings

SLIPWAY_TOML = """\
name = "flats"
[sources]
raw = "data/raw/flats.csv"
[model]
kind = "classification"
target = "price"
retrain_into = "raw"
"""

PIPELINE = '''\
import polars as pl
from sklearn.tree import DecisionTreeClassifier

from slipway import stage
from tidy import clean

COLUMNS = ["area", "rooms"]


@stage(online=True)
def flats(raw: pl.DataFrame) -> pl.DataFrame:
    """Areas as numbers."""
    if "price" in raw.columns:
        raise RuntimeError("an online stage has seen the target")
    return raw.with_columns(area=clean(raw["area"]))


@stage(outputs=("train", "test"))
def split(flats: pl.DataFrame, *, test_share: float = 0.25):
    tested = int(flats.height * test_share)
    return flats.slice(tested), flats.head(tested)


@stage
def model(train: pl.DataFrame, *, leaves: int = 3):
    return DecisionTreeClassifier(max_leaf_nodes=leaves, random_state=7).fit(train.select(COLUMNS), train["price"])


@stage
def metrics(model, test: pl.DataFrame) -> dict[str, float]:
    return {"accuracy": model.score(test.select(COLUMNS), test["price"])}
'''

TIDY = '''\
import polars as pl


def clean(area):
    """ "60 m2" is 60."""
    return area.str.extract(r"(\\d+)").cast(pl.Int64)
'''


class Flats:
    """A project of four stages in a folder, and what a person does with it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.write("slipway.toml", SLIPWAY_TOML)
        self.write("pipeline.py", PIPELINE)
        self.write("tidy.py", TIDY)
        rows = [f"{40 + i} m2,{1 + i % 4},{'high' if i > 20 else 'low'}" for i in range(40)]
        self.write("data/raw/flats.csv", "\n".join(["area,rooms,price", *rows]) + "\n")

    def write(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def edit(self, path: str, old: str, new: str) -> None:
        text = (self.root / path).read_text(encoding="utf-8")
        assert old in text
        self.write(path, text.replace(old, new))

    @property
    def project(self) -> Project:
        return read_project(self.root)

    @property
    def settings(self) -> Settings:
        return read_settings(self.root, {})

    def run(self, *sets: str, wanted: Sequence[str] = (), force: bool = False, tables: Any = None) -> RunReport:
        with run_lock(self.settings):
            return run(self.project, self.settings, tables, wanted=wanted, force=force, sets=sets)

    def stage(self, name: str) -> None:
        run_stage(self.project, self.settings, None, name)

    def stale(self) -> list[Stale]:
        return stale(self.project, self.settings)


@pytest.fixture
def flats(tmp_path: Path) -> Flats:
    return Flats(tmp_path)


@pytest.fixture
def outcomes() -> Callable[[RunReport], dict[str, str]]:
    return lambda report: {stage.name: stage.outcome for stage in report.stages}
