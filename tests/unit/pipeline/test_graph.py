import pytest

from slipway.errors import ProjectError
from slipway.pipeline.graph import inputs_of, needs, order, path_input, request_path

QUERIED = """\
name = "line"
[sources]
points = { sql = "select x, y from points", after = "prepare" }
districts = "data/raw/districts.csv"
[model]
kind = "regression"
target = "y"
retrain_into = "points"
"""

STAGES = """\
from slipway import stage
import polars as pl

@stage
def metrics(model, test: pl.DataFrame) -> dict: ...
@stage
def model(train: pl.DataFrame): ...
@stage(outputs=("train", "test"))
def split(joined: pl.DataFrame): ...
@stage(online=True)
def joined(districts: pl.DataFrame, tidy: pl.DataFrame) -> pl.DataFrame: ...
@stage(online=True)
def tidy(points: pl.DataFrame) -> pl.DataFrame: ...
@stage(publish="points")
def prepare() -> pl.DataFrame: ...
"""


@pytest.fixture
def line(flats):
    flats.write("slipway.toml", QUERIED)
    flats.write("pipeline.py", STAGES)
    return flats


def test_stages_and_queries_come_after_what_they_need(line):
    assert order(line.project) == ["prepare", "points", "tidy", "joined", "split", "model", "metrics"]


def test_a_part_of_the_work_is_what_leads_to_it(line):
    assert order(line.project, ["tidy"]) == ["prepare", "points", "tidy"]
    assert order(line.project, ["test"])[-1] == "split"


def test_an_unknown_name_is_refused_with_the_near_miss(line):
    with pytest.raises(ProjectError, match=r"`metric`.*Did you mean `metrics`"):
        order(line.project, ["metric"])


def test_a_cycle_is_named(flats):
    flats.edit("pipeline.py", "def flats(raw: pl.DataFrame)", "def flats(raw: pl.DataFrame, model)")
    with pytest.raises(ProjectError, match=r"flats → split → model → flats|split → model → flats → split"):
        order(flats.project)


def test_a_query_needs_the_stage_that_publishes_what_it_reads(line):
    assert needs(line.project, "points") == ["prepare"]
    assert inputs_of(line.project, "points") == ("prepare",)


def test_the_request_path_goes_from_the_source_through_the_online_stages(line):
    path = request_path(line.project)
    assert (path.start, [s.name for s in path.stages], path.end) == ("points", ["tidy", "joined"], "joined")


def test_of_several_tables_the_one_that_comes_from_production_is_the_requests(line):
    assert path_input(line.project, line.project.stages["joined"]) == "tidy"


def test_without_online_stages_a_request_looks_like_a_training_row(flats):
    flats.edit("pipeline.py", "@stage(online=True)", "@stage")
    path = request_path(flats.project)
    assert (path.start, path.stages, path.end) == ("train", (), "train")


def test_a_stage_between_online_ones_has_to_be_online(line):
    line.edit("pipeline.py", "@stage(online=True)\ndef tidy", "@stage\ndef tidy")
    line.edit("pipeline.py", "def split(joined", "def split(last")
    line.write(
        "pipeline.py",
        (line.root / "pipeline.py").read_text()
        + "@stage\ndef middle(joined: pl.DataFrame) -> pl.DataFrame: ...\n"
        + "@stage(online=True)\ndef last(middle: pl.DataFrame) -> pl.DataFrame: ...\n",
    )
    with pytest.raises(ProjectError, match=r"`last` takes `middle`.*from online stage `joined` as `joined`"):
        request_path(line.project)


def test_tables_of_unknown_descent_are_refused(line):
    line.edit("slipway.toml", 'retrain_into = "points"\n', "")
    line.edit("pipeline.py", "@stage(online=True)\ndef tidy", "@stage\ndef tidy")
    with pytest.raises(ProjectError, match=r"`joined` takes several tables \(districts, tidy\)"):
        request_path(line.project)


def test_a_model_that_does_not_learn_from_the_path_is_refused(flats):
    flats.edit("pipeline.py", "def split(flats:", "def split(raw:")
    with pytest.raises(ProjectError, match="learns from `train`, which does not come from `flats`"):
        request_path(flats.project)
