import json
import os
import resource

import pytest

from slipway.errors import OutsideError, ProjectError
from slipway.stack.written import MANIFEST, states, write

FILES = {"compose.yaml": "# Rendered by us\nname: a\n", "docker/app/README.md": "one", "docker/a.whl": b"\x00\xff"}


def test_what_is_written_is_whole_readable_and_noted(tmp_path):
    before = os.umask(0o077)
    try:
        done = write(tmp_path, FILES)
    finally:
        os.umask(before)
    assert (done.written, done.unchanged, done.kept, done.removed) == (tuple(FILES), (), (), ())
    assert (tmp_path / "docker/a.whl").read_bytes() == b"\x00\xff"
    assert (tmp_path / "docker/app/README.md").stat().st_mode & 0o777 == 0o644
    assert (tmp_path / "docker/app").stat().st_mode & 0o777 == 0o755
    assert set(json.loads((tmp_path / MANIFEST).read_text())["files"]) == set(FILES)
    assert [path.name for path in tmp_path.rglob(".*") if path.name != ".rendered.json"] == []


def test_what_is_as_it_was_is_not_written_again(tmp_path):
    write(tmp_path, FILES)
    before = (tmp_path / "compose.yaml").stat().st_mtime_ns
    done = write(tmp_path, FILES)
    assert (done.written, done.unchanged) == ((), tuple(FILES))
    assert (tmp_path / "compose.yaml").stat().st_mtime_ns == before


def test_a_stale_file_is_replaced_and_one_that_is_no_more_is_removed(tmp_path):
    write(tmp_path, FILES)
    newer = {"compose.yaml": "# Rendered by us\nname: b\n", "docker/a.whl": b"\x00\xff"}
    assert states(tmp_path, newer) == {
        "compose.yaml": "stale", "docker/a.whl": "as rendered", "docker/app/README.md": "left over",
    }  # fmt: skip
    done = write(tmp_path, newer)
    assert (done.written, done.removed) == (("compose.yaml",), ("docker/app/README.md",))
    assert not (tmp_path / "docker/app").exists()
    assert set(states(tmp_path, newer).values()) == {"as rendered"}


def test_what_a_person_edited_stays_until_they_say_otherwise(tmp_path):
    write(tmp_path, FILES)
    (tmp_path / "compose.yaml").write_text("name: mine\n")
    newer = {**FILES, "compose.yaml": "# Rendered by us\nname: b\n"}
    assert states(tmp_path, newer)["compose.yaml"] == "edited"
    done = write(tmp_path, newer)
    assert done.kept == ("compose.yaml",)
    assert "kept     compose.yaml: edited since it was rendered; --force writes it anew" in done.lines()
    assert (tmp_path / "compose.yaml").read_text() == "name: mine\n"
    assert states(tmp_path, newer)["compose.yaml"] == "edited"
    write(tmp_path, newer, force=True)
    assert (tmp_path / "compose.yaml").read_text() == newer["compose.yaml"]


def test_an_edited_file_that_is_rendered_no_more_stays(tmp_path):
    write(tmp_path, FILES)
    (tmp_path / "docker/app/README.md").write_text("mine")
    done = write(tmp_path, {"compose.yaml": FILES["compose.yaml"]}, force=True)
    assert (done.kept, done.removed) == (("docker/app/README.md",), ("docker/a.whl",))
    assert (tmp_path / "docker/app/README.md").read_text() == "mine"


def test_somebody_else_s_file_is_refused_before_anything_is_written(tmp_path):
    (tmp_path / "compose.yaml").write_text("services: {}\n")
    with pytest.raises(ProjectError, match=r"compose.yaml: this file is not Slipway's.* or say --force. Nothing was"):
        write(tmp_path, FILES)
    assert [path.name for path in tmp_path.iterdir()] == ["compose.yaml"]
    write(tmp_path, FILES, force=True)
    assert (tmp_path / "compose.yaml").read_text() == FILES["compose.yaml"]


def test_a_clone_without_the_note_knows_its_own_files_by_their_first_line(tmp_path):
    (tmp_path / "compose.yaml").write_text("# Rendered by an earlier version\nname: old\n")
    assert states(tmp_path, {"compose.yaml": FILES["compose.yaml"]}) == {"compose.yaml": "edited"}


def test_a_disk_that_is_full_leaves_every_file_as_it_was(tmp_path):
    write(tmp_path, FILES)
    held = {path: (tmp_path / path).read_bytes() for path in FILES}
    newer = {**FILES, "compose.yaml": "# Rendered by us\nname: b\n", "docker/b.whl": bytes(100_000)}
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, limits[1]))
    try:
        with pytest.raises(OutsideError, match=r"the stack's files can't be written: File too large"):
            write(tmp_path, newer)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert {path: (tmp_path / path).read_bytes() for path in FILES} == held
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == len(FILES) + 1


def test_a_folder_in_a_file_s_place_is_said(tmp_path):
    (tmp_path / "compose.yaml").mkdir()
    with pytest.raises(OutsideError, match=r"compose.yaml: it can't be read: Is a directory"):
        write(tmp_path, FILES)


def test_a_note_of_another_version_is_refused(tmp_path):
    (tmp_path / "docker").mkdir()
    (tmp_path / MANIFEST).write_text('{"format": 9}')
    with pytest.raises(ProjectError, match=r".rendered.json: written by another version of Slipway. Remove it"):
        write(tmp_path, FILES)
    (tmp_path / MANIFEST).write_text("{")
    with pytest.raises(ProjectError, match=r"can't be read .* Remove it, then render again"):
        write(tmp_path, FILES)
