"""Data carried by the real DVC, a folder as its remote; what is here is a machine without git, as an image is."""

import shutil
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from slipway.errors import DataError, OutsideError, ProjectError
from slipway.pipeline.dvc_cache import find_cache
from slipway.pipeline.remote import pull, push
from slipway.pipeline.tracked import missing, track_present
from slipway.settings import read_settings
from written_flats import Flats

MADE = ["data/flats.parquet", "data/test.parquet", "data/train.parquet", "models/model.skops"]


@pytest.fixture
def no_git(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.fixture
def flats(flats, no_git):
    flats.write(".dvc/config", "[core]\n    analytics = false\n")
    return flats


def there(flats, remote, **more):
    """Settings of a project whose remote is elsewhere."""
    return read_settings(flats.root, {"DVC_REMOTE_URL": str(remote), **more})


def clone(flats, folder):
    """The project as somebody else's clone has it: code, dvc.yaml and dvc.lock."""
    left = shutil.ignore_patterns("data", "models", ".slipway", "cache", "tmp", "clone", "remote", "?*.dvc")
    shutil.copytree(flats.root, folder, ignore=left)
    found = Flats.__new__(Flats)
    found.root = folder
    return found


def test_what_one_machine_pushed_another_pulls_and_has_nothing_to_run(flats, tmp_path, outcomes):
    remote = tmp_path / "remote"
    flats.run()
    told = push(flats.project, there(flats, remote))
    assert told.sentence() == f"push to {remote}: 5 files pushed."
    other = clone(flats, tmp_path / "clone")
    says = []
    brought = pull(other.project, there(other, remote), says.append)
    assert (brought.absent, says) == ((), [f"pulls from {remote}"])
    assert brought.said == "5 files fetched and 5 files added."
    assert (other.root / "data/raw/flats.csv").read_bytes() == (flats.root / "data/raw/flats.csv").read_bytes()
    assert set(outcomes(other.run()).values()) == {"unchanged"}
    assert (other.root / ".dvc/config").read_text() == "[core]\n    analytics = false\n"
    assert pull(other.project, there(other, remote)).said == "everything is here already."
    assert (other.root / ".slipway/dvc").stat().st_mode & 0o022 == 0


def test_an_empty_remote_is_told_and_none_to_stop_at(flats, tmp_path):
    remote = tmp_path / "remote"
    flats.run()
    other = clone(flats, tmp_path / "clone")
    shutil.copytree(flats.root / "data/raw", other.root / "data/raw")
    assert pull(other.project, there(other, remote)).said == "nothing is there yet."  # there is no folder
    remote.mkdir()
    brought = pull(other.project, there(other, remote))
    assert list(brought.absent) == MADE
    assert "It does not have data/flats.parquet, data/test.parquet" in brought.sentence()


def test_a_project_that_never_ran_pulls_nothing(flats, tmp_path):
    (tmp_path / "remote").mkdir()
    brought = pull(flats.project, there(flats, tmp_path / "remote"))
    assert (brought.absent, brought.said) == ((), "everything is here already.")


def test_a_remote_that_has_a_part_brings_that(flats, tmp_path):
    remote = tmp_path / "remote"
    flats.run()
    push(flats.project, there(flats, remote))
    for lost in list((remote / "files/md5").rglob("*"))[-1:]:
        lost.unlink()
    other = clone(flats, tmp_path / "clone")
    (tmp_path / "raw").mkdir()
    shutil.copytree(flats.root / "data/raw", other.root / "data/raw")
    assert len(pull(other.project, there(other, remote)).absent) <= 1
    assert sum((other.root / path).exists() for path in MADE) >= 3


def test_a_source_that_is_nowhere_is_named(flats, tmp_path):
    (flats.root / "data/raw/flats.csv").unlink()
    with pytest.raises(DataError, match=r"data/raw/flats\.csv: the file of source `raw` is not here, and .*does not"):
        pull(flats.project, there(flats, tmp_path / "remote"))
    with pytest.raises(DataError, match="no remote is named: set DVC_REMOTE_URL"):
        pull(flats.project, flats.settings)


def test_without_a_remote_a_pull_goes_on_and_a_push_says_what_to_set(flats):
    assert "No remote is named" in pull(flats.project, flats.settings).sentence()
    with pytest.raises(ProjectError, match="set DVC_REMOTE_URL to a folder"):
        push(flats.project, flats.settings)
    with pytest.raises(ProjectError, match=r"DVC_REMOTE_NAME = 'far': \.dvc/config has no such remote"):
        push(flats.project, read_settings(flats.root, {"DVC_REMOTE_NAME": "far"}))


def test_the_projects_own_remote_is_used_and_the_environments_address_goes_over_it(flats, tmp_path):
    far = tmp_path / "far"
    flats.write(".dvc/config", f"[core]\n    remote = far\n['remote \"far\"']\n    url = {far}\n    shared = group\n")
    flats.run()
    push(flats.project, flats.settings)
    assert far.is_dir()
    push(flats.project, there(flats, tmp_path / "near"))
    assert sorted(path.name for path in (tmp_path / "near").rglob("*") if path.is_file()) == sorted(
        path.name for path in far.rglob("*") if path.is_file()
    )


def test_a_file_that_would_be_lost_stops_a_pull(flats, tmp_path):
    flats.run()
    push(flats.project, there(flats, tmp_path / "remote"))
    other = clone(flats, tmp_path / "clone")
    other.write("data/train.parquet", "somebody's own")
    with pytest.raises(ProjectError, match=r"data/train\.parquet: here, in no cache, and not what dvc\.lock"):
        pull(other.project, there(other, tmp_path / "remote"))
    assert (other.root / "data/train.parquet").read_text() == "somebody's own"


class Refuses(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_error(403)

    do_HEAD = do_PUT = do_POST = do_GET

    def log_message(self, *args):
        pass


def test_wrong_credentials_are_told_with_their_place_and_never_shown(flats):
    flats.run()
    server = HTTPServer(("127.0.0.1", 0), Refuses)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://ana:hidden@127.0.0.1:{server.server_port}/store"
    try:
        with pytest.raises(OutsideError, match=r"credentials are missing or wrong: .*secrets/aws_credentials") as told:
            push(flats.project, there(flats, url))
    finally:
        server.shutdown()
        server.server_close()
    assert "hidden" not in str(told.value)


def test_a_remote_that_can_t_be_reached_is_told_with_its_address(flats, tmp_path):
    (tmp_path / "remote").write_text("a file where a folder should be")
    flats.run()
    with pytest.raises(OutsideError, match=f"{tmp_path}/remote: DVC could not push: .*See that it is there"):
        push(flats.project, there(flats, tmp_path / "remote"))


def test_without_dvc_set_up_the_remedy_is_named(flats, tmp_path):
    shutil.rmtree(flats.root / ".dvc")
    with pytest.raises(ProjectError, match=r"DVC is not set up here\. `dvc init` does it"):
        pull(flats.project, there(flats, tmp_path / "remote"))


def test_a_source_is_tracked_by_what_the_last_run_read(flats):
    cache = find_cache(flats.root)
    assert track_present(flats.project, cache) == ["data/raw/flats.csv"]
    first = (flats.root / "data/raw/flats.csv.dvc").read_text()
    flats.edit("data/raw/flats.csv", "40 m2", "39 m2")
    assert track_present(flats.project, cache) == [], "no run has read it yet, so nobody knows that it is meant"
    flats.run()
    assert track_present(flats.project, cache) == ["data/raw/flats.csv"]
    assert (flats.root / "data/raw/flats.csv.dvc").read_text() != first
    assert missing(flats.project) == []


def test_several_files_of_a_source_are_tracked_as_their_folder(flats, tmp_path):
    flats.edit("slipway.toml", "data/raw/flats.csv", "data/raw/*.csv")
    flats.run()
    push(flats.project, there(flats, tmp_path / "remote"))
    assert "nfiles: 1" in (flats.root / "data/raw.dvc").read_text()
    other = clone(flats, tmp_path / "clone")
    pull(other.project, there(other, tmp_path / "remote"))
    assert (other.root / "data/raw/flats.csv").is_file()


@pytest.mark.parametrize("has_git", [True, False])
def test_what_git_keeps_stays_gits(flats, has_git, request, monkeypatch):
    monkeypatch.undo()
    git = ["git", "-C", str(flats.root)]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "add", "data/raw/flats.csv"], check=True)
    if not has_git:
        monkeypatch.setenv("PATH", str(flats.root))
    assert track_present(flats.project, find_cache(flats.root)) == []
    flats.edit("slipway.toml", "[model]", 'more = "data/raw/more.csv"\n[model]')
    flats.write("data/raw/more.csv", "area\n1\n")
    assert track_present(flats.project, find_cache(flats.root)) == ["data/raw/more.csv"]
