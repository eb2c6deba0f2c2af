import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path

import pytest
import yaml

from slipway.pipeline.contents import Contents, tree_md5
from slipway.pipeline.dvc_cache import Cache, cache_file
from slipway.pipeline.folders import files_in, path_signature

BIN = Path(sys.executable).parent

TOML = """
name = "pictures"
[sources]
flats = "data/raw/flats.csv"
pictures = "data/raw/pictures/"
[model]
kind = "regression"
target = "price"
test = "flats"
"""

PIPELINE = """
from pathlib import Path
from slipway import stage

@stage
def thumbs(pictures: Path, *, place: Path, size: int = 2) -> Path:
    (place / "more").mkdir(parents=True)
    for file in sorted(pictures.glob("*.txt")):
        (place / "more" / file.name).write_text(file.read_text()[:size])

@stage
def joined(thumbs: Path, *, place: Path) -> Path:
    place.write_text("".join(file.read_text() for file in sorted(thumbs.rglob("*.txt"))))
    return place

@stage
def model(flats: "polars.DataFrame"): ...
"""


@pytest.fixture
def pictures(flats):
    flats.write("slipway.toml", TOML)
    flats.write("pipeline.py", PIPELINE)
    for number in range(12):
        flats.write(f"data/raw/pictures/{number}.txt", f"{number:02} and more")
    return flats


def test_a_signature_sees_an_edit_a_new_file_and_one_that_is_gone(tmp_path):
    for name in ("a/b.txt", "a/c.txt", "d.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    before = path_signature(str(tmp_path), str(tmp_path))
    assert [path for path, _ in files_in(str(tmp_path), str(tmp_path))] == ["a/b.txt", "a/c.txt", "d.txt"]
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git/x").touch()
    assert path_signature(str(tmp_path), str(tmp_path)) == before
    (tmp_path / "e").touch()
    assert path_signature(str(tmp_path), str(tmp_path)) != before
    (tmp_path / "e").unlink()
    assert path_signature(str(tmp_path), str(tmp_path)) == before
    (tmp_path / "d.txt").rename(tmp_path / "f.txt")
    assert path_signature(str(tmp_path), str(tmp_path)) != before
    assert path_signature(str(tmp_path), str(tmp_path / "nothing")) is None


def test_of_a_folder_only_what_was_touched_is_read_again(tmp_path):
    folder = tmp_path / "many"
    folder.mkdir()
    past = time.time_ns() - 60_000_000_000
    for number in range(50):
        (folder / str(number)).write_text(str(number))
        os.utime(folder / str(number), ns=(past, past))
    contents = Contents(tmp_path, {})
    md5, size, files = contents.content("many")
    assert (size, files) == (90, 50)
    (folder / "7").write_text("8")
    os.utime(folder / "7", ns=(past, past))  # as if nobody had: so it is seen that it is not read
    (folder / "3").write_text("4")
    assert contents.content("many")[0] != md5
    (folder / "3").write_text("3")
    assert contents.content("many")[0] == md5
    (folder / "9").unlink()
    assert contents.content("many")[2] == 49
    assert "many/9" not in contents.known


def test_a_folder_goes_through_stages_and_what_is_untouched_stays(pictures, outcomes):
    pictures.run(wanted=["joined"])
    assert (pictures.root / "data/joined").read_text().startswith("0001")
    assert outcomes(pictures.run(wanted=["joined"])) == {"thumbs": "unchanged", "joined": "unchanged"}
    pictures.write("data/raw/pictures/5.txt", "05 and less")
    assert outcomes(pictures.run(wanted=["joined"])) == {"thumbs": "ran", "joined": "unchanged"}
    (pictures.root / "data/thumbs/more/3.txt").unlink()
    assert outcomes(pictures.run(wanted=["joined"])) == {"thumbs": "ran", "joined": "unchanged"}
    assert outcomes(pictures.run("thumbs.size=1", wanted=["joined"])) == {"thumbs": "ran", "joined": "ran"}
    assert not list(pictures.root.glob("**/.slipway-*"))


def test_dvc_writes_the_same_of_a_folder_and_gives_it_back(pictures):
    def dvc(*arguments):
        environment = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "DVC_NO_ANALYTICS": "1"}
        done = subprocess.run(
            [BIN / "dvc", *arguments], cwd=pictures.root, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    if not (BIN / "dvc").exists():
        pytest.skip("needs dvc")
    dvc("init", "--no-scm", "-q")
    pictures.run(wanted=["joined"])
    locked = (pictures.root / "dvc.lock").read_text()
    listed = yaml.safe_load(locked)["stages"]["thumbs"]
    assert [(out["path"], out["nfiles"], out["size"]) for out in listed["outs"]] == [("data/thumbs", 12, 24)]
    (pictures.root / "dvc.lock").unlink()
    dvc("commit", "--force", "thumbs", "joined")
    assert (pictures.root / "dvc.lock").read_text() == locked
    shutil.rmtree(pictures.root / "data/thumbs")
    dvc("checkout", "thumbs")
    assert len(list((pictures.root / "data/thumbs/more").iterdir())) == 12
    assert json.loads(dvc("status", "thumbs", "joined", "--json")) == {}


def test_files_are_linked_to_the_cache_where_dvc_is_told_so(pictures):
    pictures.write(".dvc/config", "[cache]\n    type = reflink,hardlink\n")
    pictures.run(wanted=["joined"])
    joined = pictures.root / "data/joined"
    before = joined.read_bytes()
    if joined.stat().st_nlink == 1:
        pytest.skip("this disk shares blocks, which is better")
    kept = next(path for path in (pictures.root / ".dvc/cache/files/md5").rglob("*") if path.samefile(joined))
    assert not joined.stat().st_mode & 0o222
    pictures.run("thumbs.size=1", wanted=["joined"])
    assert kept.read_bytes() == before  # what is made anew is another file
    assert joined.read_text() == "001100000000"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("return 3", "is promised as a path, but a int came"),
        ("return place", "and nothing is there: write it before returning"),
        ("return Path('data/raw/flats.csv')", "a file of the project's own, which would be moved"),
        ("raise ValueError('no')", "raised ValueError: no"),
    ],
)
def test_what_is_not_a_path_of_its_own_is_refused_and_the_old_one_stays(pictures, body, said):
    pictures.run(wanted=["joined"])
    before = (pictures.root / "data/joined").read_bytes()
    pictures.edit("pipeline.py", "    place.write_text", f"    {body}\n    place.write_text")
    assert said in str(pictures.run(wanted=["joined"]).error)
    assert (pictures.root / "data/joined").read_bytes() == before
    assert (pictures.root / "data/raw/flats.csv").exists()
    assert not list(pictures.root.glob("**/.slipway-*"))


def test_what_stands_elsewhere_is_moved_to_its_place(pictures, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "made.txt"
    pictures.edit(
        "pipeline.py", "    return place", f"    place.rename({str(elsewhere)!r})\n    return {str(elsewhere)!r}"
    )
    pictures.run(wanted=["joined"])
    assert (pictures.root / "data/joined").is_file()
    assert not elsewhere.exists()


def test_the_md5_of_a_folder_is_of_its_sorted_list():
    # md5 of [{"md5": "00", "relpath": "a"}, {"md5": "11", "relpath": "b/c"}]
    assert tree_md5({"b/c": "11", "a": "00"}) == "17103de00caf5813b10ec6e6013440bf.dir"


def test_a_large_file_is_read_and_stored_in_pieces(tmp_path):
    large = tmp_path / "large"
    with large.open("wb") as file:
        for number in range(32):
            file.write(bytes([number]) * 1_000_000)
    tracemalloc.start()
    md5 = cache_file(Cache(tmp_path / "cache"), large)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4_000_000
    assert md5 == hashlib.md5(large.read_bytes()).hexdigest()
    assert Cache(tmp_path / "cache").place(md5).read_bytes() == large.read_bytes()
