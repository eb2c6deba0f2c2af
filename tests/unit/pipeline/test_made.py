import json

import pytest

from slipway.pipeline.made import differences, keep_made, read_made


@pytest.fixture
def kept(flats):
    """Runs the project with settings, and gives what is then kept of it."""

    def keep(name, *sets, commit=None):
        flats.run(*sets)
        keep_made(flats.project, flats.settings, name, commit=commit, metrics={"accuracy": 0.5})
        return read_made(flats.settings, name)

    return keep


def test_what_made_a_candidate_is_read_back(flats, kept):
    made = kept("a" * 64, commit="c0ffee")
    assert made.commit == "c0ffee"
    assert made.metrics == {"accuracy": 0.5}
    assert made.settings == {"split.test_share": 0.25, "model.leaves": 3}
    assert list(made.sources) == ["raw"]
    assert list(made.stages["flats"].inputs) == ["raw"]
    assert made.stages["model"].inputs == {}  # what a stage makes follows from the rest


def test_two_runs_differ_by_what_a_person_did(flats, kept):
    first = kept("a" * 64)
    flats.edit("tidy.py", '"60 m2" is 60', '"70 m2" is 70')
    flats.edit("data/raw/flats.csv", "40 m2,1,low", "41 m2,1,low")
    flats.edit("pipeline.py", 'COLUMNS = ["area", "rooms"]', 'COLUMNS = ["area"]')
    second = kept("b" * 64, "model.leaves=2")
    told = differences(first, second)
    assert told[0] == f"source raw: {first.sources['raw'][:8]} → {second.sources['raw'][:8]}"
    assert set(told[1:]) == {
        "code of `flats` changed (helper `tidy.clean`)",
        "code of `model` changed (constant `COLUMNS`: ['area', 'rooms'] → ['area'])",
        "setting model.leaves: 3 → 2",
        "code of `metrics` changed (constant `COLUMNS`: ['area', 'rooms'] → ['area'])",
    }
    assert differences(second, second) == ()


def test_a_stage_that_came_or_went_is_told(flats, kept):
    first = kept("a" * 64)
    flats.edit("pipeline.py", "@stage\ndef metrics", "def metrics")
    second = kept("b" * 64)
    assert differences(first, second) == ("stage `metrics` is gone",)
    assert differences(second, first) == ("stage `metrics` is new",)


@pytest.mark.parametrize("text", ["", "{}", '{"format": 99}', '{"format": 1, "stages": {"a": {}}}'])
def test_what_is_not_known_or_of_a_newer_version_is_none(flats, text):
    flats.write(f".slipway/runs/{'a' * 64}.json", text)
    assert read_made(flats.settings, "a" * 64) is None
    assert read_made(flats.settings, "b" * 64) is None


def test_it_carries_its_format(flats, kept):
    kept("a" * 64)
    assert json.loads((flats.settings.state / "runs" / f"{'a' * 64}.json").read_text())["format"] == 1
