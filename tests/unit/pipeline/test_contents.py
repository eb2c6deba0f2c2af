import os
import time

import pytest

from slipway.pipeline.contents import Contents, tree_md5, tree_text


def settle(path):
    past = time.time_ns() - 10_000_000_000 + 7
    os.utime(path, ns=(past, past))


def test_a_file_that_was_not_touched_is_not_read_again(tmp_path):
    (tmp_path / "a").write_text("one")
    settle(tmp_path / "a")
    contents = Contents(tmp_path, {})
    first = contents.content("a")
    assert first == ("f97c5d29941bfb1b2fdab0874906ab82", 3)
    contents.known["a"][3] = "remembered"
    assert contents.content("a") == ("remembered", 3)


def test_a_file_younger_than_the_clocks_grain_is_read_again(tmp_path):
    (tmp_path / "a").write_text("one")
    contents = Contents(tmp_path, {})
    contents.content("a")
    stat = (tmp_path / "a").stat()
    (tmp_path / "a").write_text("two")
    os.utime(tmp_path / "a", ns=(stat.st_atime_ns, stat.st_mtime_ns))  # as if the clock had stood still
    assert contents.content("a") == ("b8a9f715dbb64fd5c56e7783c6820a61", 3)


def test_a_file_put_in_another_ones_place_is_read(tmp_path):
    (tmp_path / "a").write_text("one")
    (tmp_path / "b").write_text("two")
    settle(tmp_path / "a")
    stat = (tmp_path / "a").stat()
    os.utime(tmp_path / "b", ns=(stat.st_atime_ns, stat.st_mtime_ns))
    contents = Contents(tmp_path, {})
    before = contents.content("a")
    (tmp_path / "b").replace(tmp_path / "a")
    assert contents.content("a") != before


def test_what_is_missing_has_no_content(tmp_path):
    assert Contents(tmp_path, {}).content("none/at/all") is None


def test_a_folder_s_list_is_dvc_s_own_byte_for_byte():
    pytest.importorskip("dvc")
    from dvc_data.hashfile.hash_info import HashInfo
    from dvc_data.hashfile.tree import Tree

    names = ["a/b", "a-b/x", "a.b", "a", "é", "z", "Z", "\U0001f600", "\uff5a", 'q"\\', "a b/c", "a/é", "0"]
    members = {name: f"{place:032x}" for place, name in enumerate(names)}
    theirs = Tree()
    for name, md5 in members.items():
        theirs.add(tuple(name.split("/")), None, HashInfo("md5", md5))
    theirs.digest()
    assert tree_text(members) == theirs.as_bytes()
    assert tree_md5(members) == theirs.hash_info.value
