"""What holds callers' rows is for its owner alone: whatever the umask, and also where it was made before."""

import os
import stat

import pytest

from slipway.file_rights import create_private, make_private_file, make_private_folder, tighten
from slipway.journal import Shipper, SpoolWriter
from slipway.journal.labels_file import locked, write
from slipway.records import Prediction
from slipway.settings import read_settings
from slipway.storage import open_storage

ROW = Prediction("a", 1.0, 1, {"name": "Ada Lovelace"}, "low")


@pytest.fixture(params=[0o000, 0o022, 0o077, 0o277])
def umask(request):
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def open_to_others(root):
    return {str(path.relative_to(root)): oct(mode(path)) for path in root.rglob("*") if mode(path) & 0o077}


def use(root):
    """A row in the state, one in the spool."""
    settings = read_settings(root, {})
    storage = open_storage(settings)
    writer = SpoolWriter(settings.spool)
    writer.write([ROW])
    Shipper(settings.spool, storage.journal).ship()
    writer.write([ROW])
    assert storage.journal.count() == (1, 0)
    return storage


def test_state_and_spool_are_made_for_their_owner_alone(tmp_path, umask):
    storage = use(tmp_path)
    assert {"state.db", "state.db-wal", "state.db-shm", "spool"} <= {p.name for p in tmp_path.glob(".slipway/*")}
    assert open_to_others(tmp_path) == {}
    storage.close()


def test_what_was_made_wider_before_is_tightened(tmp_path):
    storage = use(tmp_path)
    for path in (tmp_path / ".slipway").rglob("*"):
        path.chmod(0o777 if path.is_dir() else 0o666)
    (tmp_path / ".slipway").chmod(0o755)
    again = use(tmp_path)  # beside the one that is open
    assert open_to_others(tmp_path) == {}
    storage.close(), again.close()


def test_labelled_rows_are_too(tmp_path, umask):
    import polars as pl

    path = tmp_path / "data/labelled/raw.parquet"
    (tmp_path / "data").mkdir(0o755)
    for _ in range(2):
        with locked(path):
            write(pl.DataFrame({"name": ["Ada"]}), path)
        assert open_to_others(tmp_path / "data") == {}
        path.chmod(0o644)
    assert [p.name for p in path.parent.iterdir()].count("raw.parquet") == 1


def test_a_folder_that_a_group_shares_on_purpose_keeps_its_rights_and_others_have_none(tmp_path):
    """As `slipway stack secrets` shares a folder of root's with the containers' group."""
    tmp_path.chmod(0o2775)
    storage = use(tmp_path)
    state = tmp_path / ".slipway"
    assert {mode(path) for path in state.rglob("*") if path.is_file()} == {0o660}
    assert (mode(state), mode(state / "spool")) == (0o2770, 0o2770)
    (state / "state.db").chmod(0o666)
    storage.close()
    use(tmp_path).close()
    assert mode(state / "state.db") == 0o660


def test_a_group_that_may_only_read_the_folder_shares_nothing(tmp_path):
    tmp_path.chmod(0o2755)
    use(tmp_path).close()
    assert open_to_others(tmp_path) == {}


def test_what_is_another_users_stays_as_it_is_and_so_does_what_a_link_leads_to(tmp_path, monkeypatch):
    mine, link = tmp_path / "mine", tmp_path / "link"
    mine.touch()
    mine.chmod(0o644)
    link.symlink_to(mine)
    tighten(link, tmp_path / "nothing")
    assert mode(mine) == 0o644
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    tighten(mine)
    assert mode(mine) == 0o644
    monkeypatch.undo()
    tighten(mine)
    assert mode(mine) == 0o600


def test_a_folder_of_somebody_elses_choice_is_made_private_and_never_changed(tmp_path):
    there = tmp_path / "there"
    there.mkdir(0o755)
    settings = read_settings(tmp_path, {"SLIPWAY_STATE_URL": f"sqlite:///{there}/mine.db"})
    storage = open_storage(settings)
    storage.journal.append([ROW])
    storage.close()
    assert (mode(there), mode(there / "mine.db")) == (0o755, 0o600)


def test_an_empty_file_is_made_once(tmp_path):
    path = tmp_path / "new/state.db"
    make_private_folder(path.parent)
    make_private_file(path)
    path.write_text("kept")
    make_private_file(path)
    assert path.read_text() == "kept"
    assert [p.name for p in path.parent.iterdir()] == ["state.db"]
    os.close(create_private(path, os.O_RDWR))
    assert path.read_text() == "kept"
