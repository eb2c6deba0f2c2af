"""A job's part of the pipeline: its own stages, and what of others' has to be there."""

import shutil

import pytest

from slipway.pipeline.part import lacking, part_of
from slipway.pipeline.run import run, run_lock

SOURCED = """
[sources.asked]
sql = "SELECT 1 AS area, 'a' AS price"
"""


def test_stages_come_in_the_pipelines_order_without_what_they_read(flats):
    assert part_of(flats.project, ("metrics", "split")) == ["split", "metrics"]


def test_a_source_that_is_asked_belongs_to_the_first_stage_that_reads_it(flats):
    flats.write("slipway.toml", (flats.root / "slipway.toml").read_text() + SOURCED)
    flats.edit("pipeline.py", "def split(flats: pl.DataFrame,", "def split(flats: pl.DataFrame, asked: pl.DataFrame,")
    flats.edit("pipeline.py", "def metrics(model,", "def metrics(model, asked: pl.DataFrame,")
    assert part_of(flats.project, ("split",)) == ["asked", "split"]
    assert part_of(flats.project, ("metrics",)) == ["metrics"]
    assert ("asked", "asked") in [(each.artifact, each.maker) for each in lacking(flats.project, ["metrics"])]


def test_what_other_stages_make_has_to_be_there(flats):
    found = lacking(flats.project, ["split", "metrics"])
    assert [(each.artifact, each.maker) for each in found] == [("flats", "flats"), ("model", "model")]
    flats.run(wanted=["model"])
    assert lacking(flats.project, ["split", "metrics"]) == []
    assert lacking(flats.project, ["flats"]) == [], "a file that others put there is looked for by who reads it"


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_run_of_some_stages_alone_leaves_what_they_read_as_it_is(flats, outcomes, jobs):
    flats.run()
    flats.edit("tidy.py", r"(\d+)", r"(\d+) m2")  # `flats` is stale now, and is another job's
    with run_lock(flats.settings):
        report = run(
            flats.project, flats.settings, None,
            wanted=["model", "metrics"], is_alone=True, sets=["model.leaves=2"], jobs=jobs,
        )  # fmt: skip
    assert outcomes(report) == {"model": "ran", "metrics": "ran"}
    assert flats.stale()[0].name == "flats"
    assert outcomes(flats.run()) == {"flats": "ran", "split": "unchanged", "model": "unchanged", "metrics": "unchanged"}


def test_what_others_ran_of_other_stages_stays_in_the_lock(flats, outcomes):
    flats.run()
    lock = (flats.root / "dvc.lock").read_bytes()
    shutil.rmtree(flats.root / ".slipway")  # a clone
    before = {name: (flats.root / name).read_bytes() for name in ("models/model.skops", "data/train.parquet")}
    for name in before:
        (flats.root / name).unlink()
    assert outcomes(flats.run(wanted=["flats"])) == {"flats": "unchanged"}
    assert (flats.root / "dvc.lock").read_bytes() == lock
    for name, content in before.items():  # as `dvc pull` brings it
        (flats.root / name).write_bytes(content)
    assert set(outcomes(flats.run()).values()) == {"unchanged"}
