"""What DVC 2 and older ones have written is taken over by the first run, so that DVC 3 finds all of it and pushes it.

`dvc-2.58.zip` was written by DVC 2.58.2: a file with CRLF, one with LF, bytes, folders, two stages, and its cache.
"""

import shutil
import zipfile
from pathlib import Path

import pytest

from adopted import TOML, Adopted
from slipway.errors import ProjectError
from slipway.pipeline.contents import Contents
from slipway.pipeline.dvc2_hash import dvc2_md5
from slipway.pipeline.dvc_cache import find_cache
from slipway.pipeline.locked import read_lock
from slipway.pipeline.tracked import missing, track_missing, track_present
from slipway.project.yaml12 import load_yaml

FIXTURE = Path(__file__).parents[2] / "fixtures/formats/dvc-2.58.zip"
CRLF, LF = "178ba85707470c41cf680fb37ff99f7f", "05e13ad099520704be4541d841ec98c3"
"""The hashes that DVC 2 gave two files."""


@pytest.fixture
def written(tmp_path):
    """The project as DVC 2 left it, adopted."""
    pytest.importorskip("dvc")
    with zipfile.ZipFile(FIXTURE) as packed:
        packed.extractall(tmp_path / "p")
    (tmp_path / "p/slipway.toml").write_text(TOML)
    return Adopted.existing(tmp_path / "p")


def trackers(made: Adopted) -> list[Path]:
    return [path for path in made.root.glob("**/*.dvc") if path.is_file()]


def without_hash(lock: str) -> str:
    return "".join(line for line in lock.splitlines(keepends=True) if line.strip() != "hash: md5")


def assert_is_dvc3s(made: Adopted, remote: Path) -> None:
    """DVC has nothing to say, every entry names its hash, and all that is tracked goes to a remote and comes back."""
    assert made.status() == {}
    assert "md5: " in (made.root / "dvc.lock").read_text()
    for file in (made.root / "dvc.lock", *trackers(made)):
        lines = [line.strip(" -").split(":")[0] for line in file.read_text().splitlines()]
        assert lines.count("md5") == lines.count("hash"), file
    made.push(remote)
    assert not [path for path in remote.iterdir() if path.name != "files"]
    kept = {
        path: path.read_bytes() for path in map(made.root.joinpath, ("model.pkl", "parts/crlf.csv")) if path.exists()
    }
    for path in kept:
        path.unlink()
    shutil.rmtree(made.root / ".dvc/cache")
    with made.repo() as repo:
        repo.pull(remote="shelf")
    assert {path: path.read_bytes() for path in kept} == kept


def test_a_project_of_dvc_2_runs_nothing_and_is_dvc_3_s_after(written, tmp_path):
    assert written.status() == {}  # DVC 3 reads the old form
    assert set(written.run().values()) == {"unchanged"}
    assert_is_dvc3s(written, tmp_path / "remote")
    lock = (written.root / "dvc.lock").read_bytes()
    assert set(written.run().values()) == {"unchanged"}
    assert (written.root / "dvc.lock").read_bytes() == lock


def test_what_changed_since_is_run_and_the_rest_is_not(written, tmp_path):
    (written.root / "pics/c.txt").write_text("another")
    assert written.run() == {"split": "ran", "model": "unchanged"}
    assert "pics" in str(written.status()["pics.dvc"])  # another content than what a person has added: theirs to add
    with written.repo() as repo:
        repo.commit("pics.dvc", force=True)
    assert_is_dvc3s(written, tmp_path / "remote")


@pytest.mark.parametrize("change", ["no cache", "no .dvc files", "no size", "an extra entry"])
def test_other_states_of_such_a_project_are_taken_over_too(written, tmp_path, change):
    lock = written.root / "dvc.lock"
    match change:
        case "no cache":
            shutil.rmtree(written.root / ".dvc/cache")
        case "no .dvc files":
            for tracker in trackers(written):
                tracker.unlink()
        case "no size":
            text = lock.read_text().splitlines(keepends=True)
            lock.write_text("".join(line for line in text if "size:" not in line and "nfiles:" not in line))
        case "an extra entry":
            lock.write_text(
                lock.read_text().replace("    - path: pics\n", f"    - path: gone\n      md5: {LF}\n    - path: pics\n")
            )
    assert set(written.run().values()) == {"unchanged"}
    assert_is_dvc3s(written, tmp_path / "remote")


def test_a_lock_of_dvc_1_without_a_schema_is_brought_up_to_date(written, tmp_path):
    lock = written.root / "dvc.lock"
    entries = load_yaml(lock.read_text())["stages"]
    older = "".join(line[2:] for line in lock.read_text().splitlines(keepends=True)[2:])
    assert load_yaml(older) == entries
    lock.write_text(older)
    with pytest.raises(Exception, match="validation failed"):
        written.status()
    assert set(written.run().values()) == {"unchanged"}
    assert_is_dvc3s(written, tmp_path / "remote")


def test_a_lock_whose_marks_were_lost_is_written_anew(tmp_path):
    """The hashes are DVC 3's then, CRLF and all."""
    made = Adopted(tmp_path / "p", files={"train.csv": "x,y\r\n1,2\r\n"})
    (made.root / "train.csv").write_bytes(b"x,y\r\n1,2\r\n")
    made.run()
    lock = made.root / "dvc.lock"
    lock.write_text(without_hash(lock.read_text()))
    assert made.status() != {}
    assert made.run() == {"model": "unchanged"}
    assert_is_dvc3s(made, tmp_path / "remote")

    lock.write_text(without_hash(lock.read_text()))
    shutil.rmtree(made.root / ".slipway")
    assert made.run() == {"model": "unchanged"}
    assert made.status() == {}


def test_a_dvc_file_keeps_what_a_person_has_written_into_it(written):
    tracker = written.root / "data/raw/crlf.csv.dvc"
    tracker.write_text(
        f"outs:\n- md5: {CRLF}\n  size: 15\n  path: crlf.csv\n  desc: as it came\n  meta: {{by: ada}}\n"
        "desc: 'raw: all'\n"
    )
    written.run()
    values = load_yaml(tracker.read_text())
    assert values["desc"] == "raw: all"
    assert values["outs"][0]["meta"] == {"by": "ada"}
    assert (values["outs"][0]["desc"], values["outs"][0]["hash"]) == ("as it came", "md5")
    assert written.status() == {}


@pytest.mark.parametrize("more", ["deps:\n- path: https://example.org/x.csv\n", "cmd: python load.py\n"])
def test_an_import_and_a_stage_in_a_dvc_file_stay_as_they_are(written, more):
    tracker = written.root / "data/raw/lf.csv.dvc"
    text = f"{more}outs:\n- md5: {LF}\n  path: lf.csv\n"
    tracker.write_text(text)
    written.run()
    assert tracker.read_text() == text


def test_a_clone_with_the_lock_alone_asks_a_remote_for_dvc_2_s_objects_by_their_old_place(written):
    for tracker in trackers(written):
        tracker.unlink()
    (written.root / "data/raw/lf.csv").unlink()
    written.write({"slipway.toml": TOML + '[sources]\nlf = "data/raw/lf.csv"\n'})
    assert track_missing(written.project) == ["data/raw/lf.csv"]
    assert load_yaml((written.root / "data/raw/lf.csv.dvc").read_text()) == {
        "outs": [{"md5": LF, "size": 8, "path": "lf.csv"}]
    }
    with written.repo() as repo:
        repo.checkout("data/raw/lf.csv.dvc")
    assert (written.root / "data/raw/lf.csv").read_text() == "x,y\n5,6\n"


def test_a_push_brings_dvc_files_up_to_date(written):
    written.write({"slipway.toml": TOML + '[sources]\ncrlf = "data/raw/crlf.csv"\n'})
    cache = find_cache(written.root)
    assert track_present(written.project, cache) == ["data/raw/crlf.csv", "data/raw/lf.csv"]
    assert track_present(written.project, cache) == []
    out = load_yaml((written.root / "data/raw/crlf.csv.dvc").read_text())["outs"][0]
    assert out["hash"] == "md5"
    assert cache.has(out["md5"])


def test_what_a_dvc_file_tracks_is_read_in_it_not_from_its_name(written):
    written.write(
        {"shelf/other.dvc": f"wdir: ..\nouts:\n- md5: {LF}\n  path: things/a.csv\n- path: b.csv\n  md5: {LF}\n"}
    )
    assert missing(written.project) == ["b.csv", "things/a.csv"]


@pytest.mark.parametrize("content", [b"a\r\nb\r\n", b"\x00\r\n", b"", b"\xff" * 9 + b"\r\n", b"a\r\n" * 400_000])
def test_the_hash_is_that_of_dvc(tmp_path, content):
    pytest.importorskip("dvc")
    from dvc_data.hashfile.hash import file_md5

    (tmp_path / "in").mkdir()
    (tmp_path / "in/a").write_bytes(content)
    contents = Contents(tmp_path, {})
    assert dvc2_md5(contents, tmp_path, "in/a") == file_md5(str(tmp_path / "in/a"), name="md5-dos2unix")
    assert dvc2_md5(contents, tmp_path, "in").endswith(".dir")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("schema: '3.0'\nstages: {}\n", r"dvc\.lock: schema '3\.0'"),
        ("schema: '2.0'\nstages: [a]\n", r"dvc\.lock: `stages` is no table"),
        ("- a\n", r"dvc\.lock: no table of stages"),
        ("schema: '2.0'\nstages: {split: {cmd: CMD, deps: a}}\n", "stage `split`: deps: expected a list"),
        ("schema: '2.0'\nstages: {split: {cmd: CMD, outs: [{md5: a}]}}\n", "stage `split`: outs: .*expected a file"),
        ("schema: '2.0'\nstages: {split: {cmd: CMD, params: [a]}}\n", "stage `split`: params: expected values by file"),
        ("schema: '2.0'\nstages: {}\nstages: {}\n", "found the key 'stages' twice"),
    ],
)
def test_a_lock_of_a_form_that_nobody_knows_is_refused_with_the_remedy(written, text, said):
    command = written.project.stages["split"].command.lines[0]
    (written.root / "dvc.lock").write_text(text.replace("CMD", f'"{command}"'))
    with pytest.raises(ProjectError, match=said):
        read_lock(written.project)
