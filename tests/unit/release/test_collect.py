import os
import time
from dataclasses import replace

import pytest

from slipway.errors import BusyError, CheckRefused
from slipway.files import Draft
from slipway.pipeline.run import run_lock
from slipway.release.collect import collect
from slipway.release.elsewhere import elsewhere
from slipway.release.ledger import record
from slipway.settings import read_settings
from slipway.storage import open_storage
from slipway.workspace import open_project

NAMED, ALSO_NAMED, UNNAMED = ("a" * 64, "b" * 64, "c" * 64)
AN_HOUR_AND_MORE = 3700
DRAFT = ".slipway-0123456789abcdef.draft"


@pytest.fixture
def settings(tmp_path):
    return read_settings(tmp_path, {})


@pytest.fixture
def ledger(settings):
    storage = open_storage(settings)
    yield storage.ledger
    storage.close()


@pytest.fixture
def released(ledger):
    """Two versions, one of them refused: the ledger names both."""
    for version, bundle, action in ((1, NAMED, "passed"), (2, ALSO_NAMED, "refused")):
        record(ledger, "candidate", version, bundle=bundle, by="ada", why="")
        record(ledger, action, version, bundle=bundle, by="ada", why="")
    return ledger


def fill(folder, *, age=0.0):
    """A folder with 30 bytes in two files."""
    (folder / "frozen").mkdir(parents=True)
    for name in ("bundle.json", "frozen/table.parquet"):
        (folder / name).write_bytes(b"x" * 15)
    for path in [*folder.rglob("*"), folder]:
        os.utime(path, (time.time() - age, time.time() - age))
    return folder


def test_what_no_entry_names_goes_and_what_one_names_stays(settings, released):
    for name in (NAMED, ALSO_NAMED, UNNAMED):
        fill(settings.bundles / name)
    found = collect(settings, released.entries())
    assert [(item.path.name, item.bytes) for item in found.leftovers] == [(UNNAMED, 30)]
    assert found.bytes == 30
    assert sorted(path.name for path in settings.bundles.iterdir()) == [NAMED, ALSO_NAMED]
    assert collect(settings, released.entries()).leftovers == []


def test_what_is_pending_stays_though_no_entry_names_it(settings, released):
    fill(settings.bundles / UNNAMED)
    assert collect(settings, released.entries(), [UNNAMED]).leftovers == []
    assert (settings.bundles / UNNAMED / "bundle.json").exists()


def test_a_dry_run_says_the_same_and_removes_nothing(settings, released):
    fill(settings.bundles / UNNAMED)
    found = collect(settings, released.entries(), is_dry=True)
    assert found.to_json() == {
        "removed": [
            {"path": str(settings.bundles / UNNAMED), "bytes": 30, "why": "no entry of the ledger refers to it"}
        ],
        "bytes": 30,
        "dry_run": True,
        "expired": None,
        "elsewhere": [],
    }
    assert (settings.bundles / UNNAMED / "bundle.json").exists()


def test_what_was_begun_goes_once_it_is_older_than_an_hour(settings, released):
    old = [fill(settings.bundles / name, age=AN_HOUR_AND_MORE) for name in (".building-x1", ".aside-7-ab", DRAFT)]
    old.append(fill(settings.state / "runs" / DRAFT, age=AN_HOUR_AND_MORE))
    young = [fill(settings.bundles / name) for name in (".building-x2", ".aside-7-cd")]
    draft = Draft(settings.state / "runs" / "x.json")
    young.append(draft.path.parent)
    growing = fill(settings.bundles / ".building-x3", age=AN_HOUR_AND_MORE)
    (growing / "frozen/more").write_bytes(b"x")
    collect(settings, released.entries())
    assert [path.exists() for path in old] == [False] * 4
    assert all(path.exists() for path in [*young, growing])
    draft.discard()


def test_of_the_spool_only_what_was_never_begun_and_notes_of_what_is_gone_go(settings, released):
    settings.spool.mkdir(parents=True)
    for name in ("1-1-a.new", "1-1-a.segment", "1-1-a.offset", "truths.lock"):
        (settings.spool / name).write_bytes(b"xy")
        os.utime(settings.spool / name, (0, 0))
    (settings.spool / "2-1-b.new").touch()
    (settings.spool / "3-1-c.offset").write_bytes(b"16")
    os.utime(settings.spool / "3-1-c.offset", (0, 0))
    found = collect(settings, released.entries())
    assert [(item.path.name, item.bytes) for item in found.leftovers] == [("1-1-a.new", 2), ("3-1-c.offset", 2)]
    assert not (settings.spool / "1-1-a.new").exists()


def test_names_that_are_not_slipways_and_links_are_left_alone(settings, released, tmp_path):
    elsewhere = fill(tmp_path / "elsewhere")
    settings.bundles.mkdir(parents=True)
    (settings.bundles / UNNAMED).symlink_to(elsewhere, target_is_directory=True)
    for name in ("notes", "c" * 63, "C" * 64):
        fill(settings.bundles / name, age=AN_HOUR_AND_MORE)
    (settings.bundles / ("d" * 64)).write_text("a file")
    assert collect(settings, released.entries()).leftovers == []
    assert (elsewhere / "bundle.json").exists()


def test_a_project_that_never_ran_has_nothing_to_remove(settings):
    assert collect(settings, []).leftovers == []
    assert not settings.state.exists()


def test_with_an_empty_ledger_no_bundle_goes(settings, ledger):
    fill(settings.bundles / UNNAMED)
    assert collect(settings, ledger.entries()).leftovers == []


def test_a_ledger_that_was_tampered_with_removes_nothing(settings, released):
    fill(settings.bundles / UNNAMED)
    first, *others = released.entries()
    with pytest.raises(CheckRefused, match=r"entry 1 .* was edited.* Nothing was removed"):
        collect(settings, [replace(first, bundle=UNNAMED), *others])
    assert (settings.bundles / UNNAMED).exists()


def test_the_verb_keeps_what_is_live_and_waits_for_a_run(flats, monkeypatch):
    sha256 = flats.release(1)
    fill(flats.settings.bundles / UNNAMED)
    with open_project(flats.root) as project:
        with run_lock(flats.settings):
            monkeypatch.setattr("time.monotonic", iter(range(0, 1_000, 20)).__next__)
            with pytest.raises(BusyError):
                project.gc()
            monkeypatch.undo()
        assert [item.path.name for item in project.gc().leftovers] == [UNNAMED]
        assert project.live_scorer().bundle.sha256 == sha256


def test_of_dvcs_cache_it_is_said_what_the_lock_does_not_need(tmp_path):
    cache = tmp_path / ".dvc/cache/files/md5"
    kept, listed, member, old = ("a" * 32, "b" * 32 + ".dir", "c" * 32, "d" * 32)
    for name, content in ((kept, "x" * 10), (listed, f'[{{"md5": "{member}"}}]'), (member, "y" * 20), (old, "z" * 30)):
        (cache / name[:2]).mkdir(parents=True)
        (cache / name[:2] / name[2:]).write_text(content)
    (tmp_path / "dvc.lock").write_text(f"- md5: {kept}\n- md5: {listed}\n")
    (found,) = elsewhere(tmp_path)
    assert (found.path, found.bytes) == (cache, 30)
    assert "`dvc gc --workspace`" in found.remedy
    (cache / old[:2] / old[2:]).unlink()
    assert elsewhere(tmp_path) == ()


def test_without_dvc_nothing_is_kept_elsewhere(tmp_path):
    assert elsewhere(tmp_path) == ()
