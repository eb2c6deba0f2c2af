import json

import numpy as np
import pandas as pd
import polars as pl
import pytest

from slipway.errors import DataError, StageError
from slipway.files import is_draft
from slipway.pipeline.artifacts import read_artifact, write_artifact
from slipway.pipeline.sources import read_source
from slipway.tables.files import write_table
from slipway.tables.values import as_table


def kept(project, name, value):
    write_artifact(project, name, value).commit()
    return read_artifact(project, name)


def test_what_is_not_finished_stands_beside_and_has_another_name(flats):
    project = flats.project
    with write_artifact(project, "flats", pl.DataFrame({"a": [1]})) as draft:
        assert draft.path.parent.parent == project.path("flats").parent
        assert is_draft(draft.path.parent.name)
        assert not project.path("flats").exists()


def test_what_a_killed_process_left_is_taken_away(flats):
    project = flats.project
    flats.write("data/.slipway-0123456789abcdef.draft/flats.parquet", "half")
    kept(project, "flats", pl.DataFrame({"a": [1]}))
    assert sorted(p.name for p in (flats.root / "data").iterdir()) == ["flats.parquet", "raw"]


def test_numpys_numbers_are_json_numbers(flats):
    metrics = {"accuracy": np.float64(0.5), "rows": np.int64(3), "by": np.array([1.0, 2.0]), "none": None}
    assert kept(flats.project, "metrics", metrics) == {"accuracy": 0.5, "rows": 3, "by": [1.0, 2.0], "none": None}


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("metrics", {"a": {"b": float("nan")}}, "artifact `metrics.a.b` is nan: JSON has no such number"),
        ("metrics", [1], "artifact `metrics` is promised as a dict, but a list came"),
        ("metrics", {"a": object()}, "artifact `metrics.a` is an object"),
        ("flats", {"a": 1}, "artifact `flats` is promised as a table, but a dict came"),
        ("model", {"a": 1}, "artifact `model` is the model, but a dict came, which has no `predict`"),
    ],
)
def test_what_was_not_promised_is_refused_and_leaves_nothing(flats, name, value, message):
    with pytest.raises(StageError) as refused:
        write_artifact(flats.project, name, value)
    assert message in str(refused.value)
    assert not list(flats.root.rglob(".slipway-*"))


def test_figures_are_kept_as_they_draw_themselves(flats):
    class Drawing:
        def savefig(self, path):
            path.write_bytes(b"png")

    flats.write(
        "pipeline.py",
        (flats.root / "pipeline.py").read_text()
        + ("\nimport matplotlib.figure\n\n@stage\ndef plot(test: pl.DataFrame) -> matplotlib.figure.Figure: ...\n"),
    )
    assert kept(flats.project, "plot", Drawing()) == b"png"
    assert kept(flats.project, "plot", b"other") == b"other"
    assert flats.project.artifacts["plot"].path.name == "plot.png"
    with pytest.raises(StageError, match="promised as a figure, but an int came"):
        write_artifact(flats.project, "plot", 3)


def test_pandas_tables_are_tables(flats):
    assert as_table(pd.DataFrame({"a": [1, 2]}), "x").equals(pl.DataFrame({"a": [1, 2]}))
    assert isinstance(read_artifact(flats.project, "raw", "pandas.DataFrame"), pd.DataFrame)


def test_estimators_come_back(flats):
    from sklearn.linear_model import LinearRegression

    fitted = LinearRegression().fit([[0.0], [1.0]], [1.0, 3.0])
    assert kept(flats.project, "model", fitted).predict([[2.0]]) == pytest.approx([5.0])


def test_json_that_is_damaged_is_named(flats):
    flats.write("reports/metrics.json", "{")
    with pytest.raises(DataError, match=r"metrics\.json: not JSON"):
        read_artifact(flats.project, "metrics")
    assert json.loads("{}") == {}


def test_labelled_rows_come_after_the_files_own_in_its_types(flats):
    project = flats.project
    more = pl.DataFrame({"price": ["low"], "rooms": [2.0], "prediction": ["high"], "area": ["50 m2"]})
    write_table(more, project.labelled("raw"))
    table = read_source(project, "raw")
    assert table.columns == ["area", "rooms", "price"]
    assert table.height == 41
    assert table.row(40) == ("50 m2", 2, "low")


def test_labelled_rows_that_do_not_fit_are_refused(flats):
    project = flats.project
    write_table(pl.DataFrame({"rooms": ["many"]}), project.labelled("raw"))
    with pytest.raises(DataError, match=r"raw\.parquet: column `rooms` holds what is not Int64"):
        read_source(project, "raw")


def test_a_source_that_is_not_there_is_named(flats):
    (flats.root / "data/raw/flats.csv").unlink()
    with pytest.raises(DataError, match="the file of source `raw` is missing"):
        read_source(flats.project, "raw")
