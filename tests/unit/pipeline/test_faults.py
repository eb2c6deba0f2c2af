"""What a disk, a user's function or somebody else's file may do to a run: a clear word, and nothing half-written."""

import json
import resource
from contextlib import contextmanager

import pytest

from slipway.errors import OutsideError, ProjectError, StageError
from slipway.pipeline.state import read_state


@contextmanager
def full_disk(room):
    """A disk on which no file can be larger."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize(
    ("stage", "old", "new"),
    [
        ("metrics", 'return {"accuracy"', 'return {"long": "x" * 300_000, "accuracy"'),
        ("split", "    return flats.slice", "    flats = pl.DataFrame({'x': range(300_000)})\n    return flats.slice"),
    ],
)
def test_on_a_full_disk_what_was_there_stays(flats, stage, old, new):
    flats.run()
    before = {path: path.read_bytes() for folder in ("data", "reports") for path in flats.root.glob(f"{folder}/*.*")}
    flats.edit("pipeline.py", old, new)
    with full_disk(100_000):
        report = flats.run()
    assert isinstance(report.error, OutsideError)
    assert f"stage `{stage}`" in str(report.error)
    assert "can't be written" in str(report.error)
    assert {path: path.read_bytes() for path in before} == before
    assert not list(flats.root.rglob(".slipway-*"))
    flats.edit("pipeline.py", new, old)
    assert not flats.run().failed


def test_a_cache_that_takes_nothing_is_told_once_the_stages_are_done(flats):
    flats.write(".dvc/config", "[cache]\n    dir = ../slipway.toml\n")
    with pytest.raises(OutsideError, match=r"DVC's cache can't take .*Make room there, or name another folder"):
        flats.run()
    assert (flats.root / "reports/metrics.json").exists()
    flats.write(".dvc/config", "")
    assert {stage.outcome for stage in flats.run().stages} == {"unchanged"}
    assert len([path for path in (flats.root / ".dvc/cache").rglob("*") if path.is_file()]) == 4


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("    return flats.slice(tested), flats.head(tested)", "    return 3", "train, test and returned one int"),
        ("    return flats.slice(tested), flats.head(tested)", "    pass", "train, test and returned one NoneType"),
        ("flats.slice(tested), flats", "flats.slice(tested).to_dicts(), flats", "promised as a table, but a list came"),
        ("DecisionTreeClassifier(max", "print(max", "raised TypeError"),
        ('return {"accuracy": model', 'return {"accuracy": object(), "b": model', "is an object"),
        ("    tested = int", "    raise SystemExit(0)\n    tested = int", "raised SystemExit: 0"),
        ("    tested = int", "    raise KeyError('x') from None\n    tested = int", "raised KeyError: 'x'"),
    ],
)
def test_what_a_stage_gives_wrongly_is_said_in_its_words(flats, old, new, said):
    flats.edit("pipeline.py", old, new)
    error = flats.run().error
    assert isinstance(error, StageError)
    assert said in str(error)
    assert str(error).startswith("pipeline.py:")
    assert "slipway/pipeline" not in str(error)
    assert not list(flats.root.rglob(".slipway-*"))


def test_a_state_of_the_first_format_is_read_and_nothing_is_run_again(flats):
    flats.run()
    path = flats.settings.state / "pipeline.json"
    values = json.loads(path.read_text())
    for name, record in values["records"].items():  # as the first format had them
        record["settings"] = record.pop("params").get("params.yaml", {})
        record["settings"] = {key.removeprefix(f"{name}."): value for key, value in record["settings"].items()}
        del record["fingerprint"]["values"]
    for stage in values["code"]["stages"].values():
        del stage["values"]
    path.write_text(json.dumps({**values, "format": 1}))
    assert {stage.outcome for stage in flats.run().stages} == {"unchanged"}
    assert json.loads(path.read_text())["format"] == 3
    assert read_state(path).records["model"]["params"] == {"params.yaml": {"model.leaves": 3}}


def test_a_state_of_a_newer_version_is_refused(flats):
    flats.write(".slipway/pipeline.json", '{"format": 99}')
    with pytest.raises(ProjectError, match=r"written by a newer Slipway \(format 99, known here: 3\)"):
        flats.run()


def test_a_state_of_the_second_format_is_read_and_tables_with_numbers_as_keys_come_back(flats):
    flats.edit("pipeline.py", "leaves: int = 3", "leaves: int = 3, weights={0: 0.1, 1: (0.9, {True: None})}")
    flats.run()
    path = flats.root / ".slipway/pipeline.json"
    assert {stage.outcome for stage in flats.run().stages} == {"unchanged"}
    flats.edit("pipeline.py", ", weights={0: 0.1, 1: (0.9, {True: None})}", "")
    (flats.root / "params.yaml").unlink()
    flats.run()
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": 2}))
    assert {stage.outcome for stage in flats.run().stages} == {"unchanged"}
