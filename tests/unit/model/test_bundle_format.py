"""Bundles that older versions wrote are read; those of a newer one are refused with a word."""

import json
import zipfile
from pathlib import Path

import polars as pl
import pytest

from slipway.errors import BundleError, ProjectError
from slipway.gate.expected import check_examples
from slipway.model.bundle import open_bundle
from slipway.model.manifest import FORMAT, read_manifest
from slipway.model.score import load_scorer
from slipway.pipeline.state import FORMAT as STATE_FORMAT
from slipway.pipeline.state import read_state, write_state
from slipway.profile.count import FORMAT as PROFILE_FORMAT
from slipway.profile.count import Profile

FIXTURES = Path(__file__).parents[2] / "fixtures" / "formats"


@pytest.fixture
def unpacked(tmp_path):
    def unpack(number):
        folder = tmp_path / f"bundle-{number}"
        with zipfile.ZipFile(FIXTURES / f"bundle-{number}.zip") as packed:
            packed.extractall(folder)
        return folder

    return unpack


def test_each_format_has_its_fixture():
    assert sorted(path.name for path in FIXTURES.glob("bundle-*.zip")) == [f"bundle-{n + 1}.zip" for n in range(FORMAT)]
    assert sum(path.stat().st_size for path in FIXTURES.iterdir()) < 100_000


@pytest.mark.parametrize("number", range(1, FORMAT + 1))
def test_a_bundle_of_this_format_gives_the_answers_it_was_registered_with(unpacked, number):
    bundle = open_bundle(unpacked(number))
    assert bundle.manifest.format == number
    assert check_examples(load_scorer(bundle)) == 2
    assert bundle.schema.names == ("area", "rooms", "street")
    assert [route.path for route in bundle.manifest.routes] == ["/price", "/predict_area"]
    assert (bundle.profile.rows, set(bundle.profile.columns)) == (60, {"area", "rooms"})
    assert (bundle.trained_rows().size, bundle.test_rows().height, len(bundle.sample())) == (60, 20, 10)
    hashes = bundle.hashes(bundle.test_rows())
    assert hashes is not None
    assert set(hashes.tolist()) <= set(bundle.trained_rows().tolist())


def test_a_newer_bundle_is_refused_before_anything_of_it_is_loaded(unpacked):
    folder = unpacked(FORMAT)
    values = json.loads((folder / "bundle.json").read_text())
    (folder / "bundle.json").write_text(json.dumps({**values, "format": FORMAT + 1, "unheard": "of"}))
    with pytest.raises(BundleError, match=f"has format {FORMAT + 1}, this Slipway reads up to {FORMAT}"):
        open_bundle(folder)


@pytest.mark.parametrize("found", [None, 0, "2", []])
def test_what_has_no_format_is_no_manifest(found):
    with pytest.raises(BundleError, match="it has no format number"):
        read_manifest({"format": found}, "bundle.json")


def test_a_newer_profile_is_refused_with_a_word(unpacked):
    values = json.loads((unpacked(FORMAT) / "profile.json").read_text())
    with pytest.raises(BundleError, match=f"profile has format {PROFILE_FORMAT + 1}"):
        Profile.from_json({**values, "format": PROFILE_FORMAT + 1})


def test_an_exported_journal_can_be_given_back_as_a_file():
    table = pl.read_csv(FIXTURES / "export-1.csv", infer_schema=False)
    assert table.columns == [
        "id", "at", "version", "prediction", "truth", "error", "latency_ms", "area", "rooms", "street",
    ]  # fmt: skip
    assert table["truth"].to_list() == ["dear1", None, None]


def test_the_first_state_of_runs_is_read_and_kept_as_todays(tmp_path):
    path = tmp_path / "pipeline.json"
    path.write_bytes((FIXTURES / "pipeline-1.json").read_bytes())
    state = read_state(path)
    assert set(state.records) == {"readings", "split", "model", "metrics", "linear_data"}
    assert state.files["data/test.parquet"][0] == 1103
    write_state(path, state)
    assert json.loads(path.read_text())["format"] == STATE_FORMAT
    assert read_state(path) == state


def test_a_newer_state_of_runs_is_refused_with_a_word(tmp_path):
    path = tmp_path / "pipeline.json"
    path.write_text(json.dumps({"format": STATE_FORMAT + 1}))
    with pytest.raises(ProjectError, match=f"newer Slipway .format {STATE_FORMAT + 1}"):
        read_state(path)


@pytest.mark.parametrize("number", [1, 2])
def test_a_bundle_that_records_neither_nulls_nor_readings_is_asked_as_before(unpacked, number):
    """A null goes to the model, and of a value that a stage loses nothing is said."""
    scorer = load_scorer(open_bundle(unpacked(number)))
    rows = [{"area": "50 m2", "rooms": 2, "street": None}, {"area": None, "rooms": 2, "street": "Main"}]
    assert scorer.bundle.schema.problems(rows) == []
    scores = scorer.score_rows(rows)
    assert (scores.errors[0], scores.lost) == (None, {})


def test_a_bundle_of_this_format_says_what_it_takes_as_null_and_cannot_read(unpacked):
    scorer = load_scorer(open_bundle(unpacked(3)))
    assert [(c.name, c.nullable, c.is_found_nullable) for c in scorer.bundle.schema.columns] == [
        ("area", False, False),
        ("rooms", True, False),
        ("street", True, True),
    ]
    assert scorer.bundle.schema.null_errors.keys() == {"area"}
    assert scorer.bundle.manifest.readings.columns["area"].makes == ((0, "area"),)
