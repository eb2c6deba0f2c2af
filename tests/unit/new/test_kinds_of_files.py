"""Files as users have them, from the file to one answer: what a request says is read as the file was."""

import codecs
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from slipway.model.batch import answer_file
from slipway.model.candidate import build_bundle
from slipway.model.score import load_scorer
from slipway.monitor.window import monitor_file
from slipway.new.write import new_project
from slipway.pipeline.execute import execute
from slipway.pipeline.graph import order
from slipway.pipeline.sources import read_source
from slipway.project import read_project
from slipway.tables.files import read_table, write_table

ROWS = 240
RNG = np.random.default_rng(4)
X = RNG.uniform(1, 99, ROWS).round(1)
NOISE = RNG.normal(0, 8, ROWS)
Y = np.where(X + NOISE > 50, "high", "low")
CITY = [["Graz", "Köln", "Łódź"][i % 3] for i in range(ROWS)]
CODE = [f"{i * 7 % 40:03}" for i in range(ROWS)]
DAYS = [date(2020, 1, 1) + timedelta(days=i * 3) for i in range(ROWS)]


def rows(separator=",", end="\n", **columns):
    columns = {**columns, "y": columns.get("y", Y)}
    lines = [separator.join(columns), *(separator.join(map(str, row)) for row in zip(*columns.values(), strict=True))]
    return end.join(lines) + end


def german(x):
    return str(x).replace(".", ",")


CASES = {
    "semicolons, decimal commas, Windows-1252": (
        rows(";", "\r\n", x=map(german, X), city=["Köln", "Graz"] * 120).encode("cp1252"),
        {"x": "51,4", "city": "Köln"}, {"x": 51.4, "city": "Köln"},
    ),
    "tabs and UTF-16": (
        rows("\t", x=X, city=CITY).encode("utf-16"), {"x": 51.4, "city": "Łódź"}, {"x": 51.4, "city": "Łódź"},
    ),
    "a byte order mark, spaces after commas": (
        codecs.BOM_UTF8 + rows(", ", x=X, city=CITY).encode(),
        {"x": 51.4, "city": " Graz"}, {"x": 51.4, "city": "Graz"},
    ),
    "what says nothing": (
        rows(x=[x if i % 9 else ["?", "NA", "  "][i % 3] for i, x in enumerate(X)], city=["A", "", "B"] * 80).encode(),
        {"x": None, "city": "?"}, {"x": None, "city": None},
    ),
    "units": (
        rows(x=[f"{x} m2" for x in X], city=CITY).encode(),
        {"x": "51.4 m2", "city": "Graz"}, {"x": 51.4, "city": "Graz"},
    ),
    "points between thousands": (
        rows(";", x=[f"{x * 1000:,.2f} €".translate(str.maketrans(",.", ".,")) for x in X]).encode(),
        {"x": "51.400,00 €"}, {"x": "51400,00"},
    ),
    "codes": (rows(x=X, code=CODE).encode(), {"x": 51.4, "code": "007"}, {"x": 51.4, "code": " 007 "}),
    "days first": (
        rows(x=X, sold=[f"{d:%d.%m.%Y}" for d in DAYS]).encode(),
        {"x": 51.4, "sold": "05.12.2021"}, {"x": 51.4, "sold": " 05.12.2021"},
    ),
    "a clock": (
        rows(x=X, created=[f"{d:%Y-%m-%d} {i % 24:02}:30" for i, d in enumerate(DAYS)]).encode(),
        {"x": 51.4, "created": "2021-12-05 08:30"}, {"x": 51.4, "created": "2021-12-05 08:30 "},
    ),
    "careless case, ids, constants, repeated rows": (
        (rows(id=range(ROWS), x=X, city=[[c, f" {c.upper()}"][i % 2] for i, c in enumerate(CITY)], k=["k"] * ROWS)
         + f"0,{X[0]},Graz,k,{Y[0]}\n").encode(),
        {"x": 51.4, "city": "GRAZ"}, {"x": 51.4, "city": "graz"},
    ),
    "many categories and a number to predict": (
        rows(x=X, shop=[f"shop {i * 13 % 90}" for i in range(ROWS)], y=(3 * X + NOISE).round(2)).encode(),
        {"x": 51.4, "shop": "shop 999"}, {"x": 51.4, "shop": "shop 1000"},
    ),
    "free text": (
        rows(x=X, note=[f"the {['red', 'blue'][i % 2]} word{i} of word{i * 7 % 50}" for i in range(ROWS)]).encode(),
        {"x": 51.4, "note": "NA"}, {"x": 51.4, "note": "?"},
    ),
    "a number to predict with a decimal comma": (
        rows(";", x=map(german, X), y=map(german, (3 * X + NOISE).round(2))).encode(),
        {"x": "51,4"}, {"x": 51.4},
    ),
}  # fmt: skip


def test_a_class_that_reads_like_nothing_is_learnt_monitored_and_given_back(tmp_path):
    area = np.array(["APAC", "EMEA", "NA"])[np.digitize(X + NOISE, [33, 66])]
    (tmp_path / "t.csv").write_text(rows(x=X, city=CITY, y=area))
    new_project(tmp_path / "p", tmp_path / "t.csv", "y", with_git=False, with_dvc=False)
    project = read_project(tmp_path / "p")
    for name in order(project):
        execute(project, name, {})
    scorer = load_scorer(build_bundle(project, None, {}, tmp_path / "bundle"))
    assert scorer.bundle.manifest.classes == ("APAC", "EMEA", "NA")
    answered = pl.concat(answer_file(scorer, tmp_path / "t.csv"))
    assert answered["y"].to_list() == area.tolist()
    assert (answered["prediction"] == answered["y"]).mean() > 0.75
    found = monitor_file(project, scorer, 1, tmp_path / "t.csv")
    assert found.truths == ROWS
    assert found.quality["accuracy"] > 0.75


@pytest.mark.parametrize("case", CASES)
def test_a_file_becomes_a_model_that_reads_a_request_as_it_read_the_file(tmp_path, case):
    content, request, the_same = CASES[case]
    (tmp_path / "t.csv").write_bytes(content)
    new_project(tmp_path / "p", tmp_path / "t.csv", "y", with_git=False, with_dvc=False)
    project = read_project(tmp_path / "p")
    for name in order(project):
        execute(project, name, {})
    scorer = load_scorer(build_bundle(project, None, {}, tmp_path / "bundle"))
    schema = scorer.bundle.schema

    asked = [{name: row[name] for name in schema.names} for row in (request, the_same)]
    assert schema.problems(asked) == []
    one, other = (scorer.score(schema.table([row])) for row in asked)
    assert one.errors == [None]
    assert one.predictions == other.predictions
    assert one.probabilities == other.probabilities

    # Labelled production rows teach the next model what they said to this one.
    labelled = schema.table(asked).with_columns(y=pl.Series([one.predictions[0]] * 2))
    write_table(labelled, project.labelled("raw"))
    again = scorer.features(schema.take(read_source(project, "raw").tail(2)))
    assert again.equals(scorer.features(schema.table(asked)))

    # The file, sent again as a whole, in halves and row by row, is answered as it was learnt.
    table = read_table(tmp_path / "t.csv", stay_text=scorer.bundle.texts)
    whole = scorer.score(schema.take(table)).predictions
    lines = content.decode(codecs_of(case)).splitlines(keepends=True)
    (tmp_path / "last.csv").write_bytes((lines[0] + "".join(lines[-3:])).encode(codecs_of(case)))
    last = read_table(tmp_path / "last.csv", stay_text=scorer.bundle.texts)
    assert scorer.score(schema.take(last)).predictions == pytest.approx(whole[-3:])
    rows = pl.DataFrame({n: table[n] for n in schema.names}).tail(3).rows(named=True)
    assert [scorer.score(schema.table([row])).predictions[0] for row in rows] == pytest.approx(whole[-3:])


def codecs_of(case):
    return {"tabs and UTF-16": "utf-16", "semicolons, decimal commas, Windows-1252": "cp1252"}.get(case, "utf-8")
