"""What is written in a cell is the same number in training, in a request, in a file to score and in one to monitor."""

import csv
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slipway.model.candidate import build_bundle
from slipway.model.score import Scorer, load_scorer
from slipway.new.write import new_project
from slipway.pipeline.artifacts import read_artifact
from slipway.pipeline.execute import execute
from slipway.pipeline.graph import order
from slipway.project import Project, read_project
from slipway.tables.files import read_parts, read_table

ROWS = 300
RNG = np.random.default_rng(3)
X = RNG.uniform(1, 900, ROWS).round(2)
STARTS = [datetime(2024, 1, 1) + timedelta(hours=7 * i) for i in range(ROWS)]
COLUMNS = {
    "net": [f"({x})" if i % 9 == 0 else f"{x}" for i, x in enumerate(X)],
    "size": [f"{x}k" if i % 9 == 0 else f"{x}M" for i, x in enumerate(X)],
    "price": [f"-${x}" if i % 9 == 0 else f"${x:,.2f}" for i, x in enumerate(1_000 + X)],
    "share": [f"{x}‰" if i % 9 == 0 else f"{x} %" for i, x in enumerate(X)],
    "weight": [f"{x} kg".replace(".", ",") for x in X],
    "seen_at": [f"{m:%Y-%m-%dT%H:%M:%S}+02:00" for m in STARTS],
}
NUMBERS = ("net", "size", "price", "share", "weight")


def write(path, rows):
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*COLUMNS, "y"])
        writer.writerows(rows)
    return path


class Learnt:
    """A project of such a table, and the scorer of what it learnt; no dataclass, which hypothesis would print whole."""

    def __init__(self, folder: Path, project: Project, scorer: Scorer, rows: list) -> None:
        self.folder, self.project, self.scorer, self.rows = folder, project, scorer, rows


@pytest.fixture(scope="module")
def learnt(tmp_path_factory):
    folder = tmp_path_factory.mktemp("same")
    labels = np.where(X + RNG.normal(0, 90, ROWS) > 450, "high", "low")
    rows = [*zip(*COLUMNS.values(), labels, strict=True)]
    write(folder / "t.csv", rows)
    new_project(folder / "p", folder / "t.csv", "y", with_git=False, with_dvc=False)
    project = read_project(folder / "p")
    for name in order(project):
        execute(project, name, {})
    return Learnt(folder, project, load_scorer(build_bundle(project, None, {}, folder / "bundle")), rows)


digits = st.from_regex(r"\A(0|[1-9][0-9]{0,6}|[1-9][0-9]{0,2}(,[0-9]{3}){1,2})([.,][0-9]{0,4})?\Z")
signs = st.sampled_from(["", "-", "+", "−", "– ", "--", "(", "~", "<"])
units = st.sampled_from(
    ["", "$", "€", "k", "M", "B", " K", "%", " %", "‰", "bp", " kg", "kg", " g", "x", "-", ")", "+", "M)"]
)


def written(column):
    """Texts as people write them for a column, and some as they do not."""
    made = st.tuples(signs, st.sampled_from(["", "$", "€", "$ "]), digits, units).map("".join)
    clocks = st.tuples(
        st.datetimes(datetime(2000, 1, 1), datetime(2050, 1, 1)).map(lambda m: m.replace(microsecond=0)),
        st.sampled_from("T "),
        st.sampled_from(["Z", " UTC", "+00", "-05:30", " +0200", "", " CET"]),
    ).map(lambda given: given[0].isoformat(sep=given[1]) + given[2])
    return st.one_of(
        clocks if column == "seen_at" else made, st.sampled_from(COLUMNS[column][:12]), st.text(max_size=9)
    )


def is_writable(text):
    """Whether a CSV file can hold a text: no half of a surrogate pair, no zero byte."""
    return "\0" not in text and "\r" not in text and text.encode("utf-8", "ignore").decode() == text


@st.composite
def cells(draw):
    return {name: draw(written(name).filter(is_writable)) for name in COLUMNS}


@settings(max_examples=100, deadline=None)
@given(row=cells())
def test_a_text_is_the_same_number_wherever_it_is_read(learnt, row):
    folder, project, scorer, rows = learnt.folder, learnt.project, learnt.scorer, learnt.rows
    schema = scorer.bundle.schema
    file = write(folder / "asked.csv", [*rows[:30], (*row.values(), "high")])
    training = load_features(project)(read_table(file)).tail(1)
    request = scorer.features(schema.table([row]))
    predict = scorer.features(schema.take(pl.concat(read_parts(file, stay_text=scorer.bundle.texts)))).tail(1)
    alone = write(folder / "alone.csv", [(*row.values(), "high")])
    monitor = scorer.features(schema.take(read_table(alone, stay_text=scorer.bundle.texts)))
    assert schema.problems([row]) == []
    for name in COLUMNS:
        assert training[name].equals(request[name]), row[name]
        assert predict[name].equals(request[name]), row[name]
        assert monitor[name].equals(request[name]), row[name]


def load_features(project):
    namespace = {"__name__": "pipeline"}
    exec((project.root / "pipeline.py").read_text(encoding="utf-8"), namespace)
    return namespace["features"]


def test_what_was_learnt_is_what_stood_in_the_cells(learnt):
    made = read_artifact(learnt.project, "features")
    sign = np.where(np.arange(ROWS) % 9 == 0, -1, 1)
    parts = np.where(np.arange(ROWS) % 9 == 0, 0.001, 1)
    assert made["net"].to_numpy() == pytest.approx(X * sign)
    assert made["size"].to_numpy() == pytest.approx(X * parts)
    assert made["price"].to_numpy() == pytest.approx((1_000 + X).round(2) * sign)
    assert made["share"].to_numpy() == pytest.approx(X * np.where(parts < 1, 0.1, 1))
    assert made["weight"].to_numpy() == pytest.approx(X)
    utc = [(m - timedelta(hours=2) - datetime(1970, 1, 1)) / timedelta(days=1) for m in STARTS]
    assert made["seen_at"].to_numpy() == pytest.approx(utc, abs=1e-9)
