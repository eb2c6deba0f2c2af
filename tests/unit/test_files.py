import fcntl
import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slipway.errors import BusyError
from slipway.files import Draft, is_draft, locked, remove_leftovers, rewrite_text, write_bytes, write_text

ROUNDS = 60


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


COUNTING = f"""
import json, sys
from pathlib import Path
from slipway.files import locked, write_text

file, lock = Path(sys.argv[1]), Path(sys.argv[2])
for _ in range({ROUNDS}):
    with locked(lock, wait_seconds=60):
        seen = json.loads(file.read_text())
        assert seen["padding"] == "x" * (seen["count"] * 97 % 5000), "torn"
        count = seen["count"] + 1
        write_text(file, json.dumps({{"count": count, "padding": "x" * (count * 97 % 5000)}}))
    seen = json.loads(file.read_text())  # without the lock: whole all the same
    assert seen["padding"] == "x" * (seen["count"] * 97 % 5000), "torn"
"""


def test_four_processes_lose_no_update_and_read_no_torn_file(tmp_path: Path) -> None:
    file = tmp_path / "rows.json"
    write_text(file, json.dumps({"count": 0, "padding": ""}))
    command = [sys.executable, "-c", COUNTING, str(file), str(tmp_path / "rows.lock")]
    running = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    said = [process.communicate(timeout=120)[1] for process in running]
    assert [process.returncode for process in running] == [0] * 4, said
    assert json.loads(file.read_text())["count"] == 4 * ROUNDS
    assert names(tmp_path) == ["rows.json", "rows.lock"]


def test_without_the_lock_each_reader_still_has_one_whole_content(tmp_path: Path) -> None:
    file, contents = tmp_path / "a", [bytes([65 + i]) * (1 + 100_000 * i) for i in range(4)]
    write_bytes(file, contents[0])
    writers = [threading.Thread(target=lambda c=c: [write_bytes(file, c) for _ in range(50)]) for c in contents]
    for writer in writers:
        writer.start()
    seen = {file.read_bytes() for _ in range(300)}
    for writer in writers:
        writer.join()
    assert seen <= set(contents)
    assert names(tmp_path) == ["a"]


NAMES = st.one_of(
    st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=40),
    st.sampled_from(
        [
            "part.parquet",
            "first-part.parquet",
            ".part.parquet",
            "Part.parquet",
            ".aside-1-part.parquet",
            "*",
            "[a]",
            "ö",
        ]
    ),
).filter(lambda name: name not in {".", ".."} and not is_draft(name))


@settings(max_examples=30)
@given(st.lists(NAMES, min_size=2, max_size=6, unique=True))
def test_files_of_any_names_are_written_beside_each_other_at_once(
    tmp_path_factory: pytest.TempPathFactory, chosen: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("names")
    drafts = [Draft(folder / name) for name in chosen]
    for name, draft in zip(chosen, drafts, strict=True):
        draft.path.write_bytes(name.encode())
    for draft in drafts:
        draft.commit()
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {name: name.encode() for name in chosen}


def test_the_draft_has_its_files_name_so_that_endings_count(tmp_path: Path) -> None:
    with Draft(tmp_path / "long" / ("n" * 251 + ".csv")) as draft:
        assert draft.path.name == draft.place.name
        draft.path.write_text("1")
        assert not list(tmp_path.glob("long/*.csv"))
        draft.commit()
    assert [path.read_text() for path in tmp_path.glob("long/*")] == ["1"]


@pytest.mark.parametrize("before", [None, "a file", "a folder", "a link to a folder"])
@pytest.mark.parametrize("made", ["a file", "a folder"])
def test_a_file_or_folder_takes_the_place_of_whatever_is_there(tmp_path: Path, before: str | None, made: str) -> None:
    place, other = tmp_path / "here" / "it", tmp_path / "other"
    other.mkdir()
    (other / "kept").touch()
    place.parent.mkdir()
    if before == "a file":
        place.write_text("old")
    elif before == "a folder":
        (place / "old").mkdir(parents=True)
    elif before is not None:
        place.symlink_to(other)
    with Draft(place, is_durable=True) as draft:
        if made == "a file":
            draft.path.write_text("new")
        else:
            (draft.path / "new").mkdir(parents=True)
        draft.commit()
    assert place.read_text() == "new" if made == "a file" else names(place) == ["new"]
    assert names(other) == ["kept"]
    assert names(place.parent) == ["it"]


def test_what_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    write_text(tmp_path / "a", "old")

    def half(draft: Draft) -> None:
        draft.path.write_text("ha")
        raise ValueError("half")

    with pytest.raises(ValueError, match="half"), Draft(tmp_path / "a") as draft:
        half(draft)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"a": "old"}


def test_an_error_names_the_file_and_not_its_draft(tmp_path: Path) -> None:
    with (
        pytest.raises(OSError, match=r"Is a directory|File exists|No such file") as caught,
        Draft(tmp_path / "a") as draft,
    ):
        draft.commit()
    assert caught.value.filename == str(tmp_path / "a")
    (tmp_path / "b").write_text("a file, no folder")
    with pytest.raises(OSError, match="b/c") as caught:
        write_text(tmp_path / "b" / "c", "")
    assert names(tmp_path) == ["b"]


def leftover(folder: Path, name: str) -> Path:
    """What a process leaves that is killed while it writes."""
    program = (
        "import os, sys; from pathlib import Path; from slipway.files import Draft; "
        "draft = Draft(Path(sys.argv[1])); draft.path.write_text('half'); "
        "print(draft.path, flush=True); os.kill(os.getpid(), 9)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(folder / name)], capture_output=True, text=True, check=False
    )
    assert done.returncode == -9, done.stderr
    return Path(done.stdout.strip())


def test_what_a_killed_process_left_goes_with_the_next_write_and_a_living_ones_stays(tmp_path: Path) -> None:
    left = leftover(tmp_path, "part.parquet")
    assert left.read_text() == "half"
    others = {".slipway-notes", ".slipway-0123456789abcdef.draft.txt", ".aside-12-part.parquet", "x.draft"}
    for name in others:
        (tmp_path / name).touch()
    with Draft(tmp_path / "first-part.parquet") as living:
        living.path.write_text("whole")
        write_text(tmp_path / "other.parquet", "other")
        assert not left.parent.exists()
        living.commit()
    assert names(tmp_path) == sorted({"first-part.parquet", "other.parquet", *others})


def test_who_removes_leftovers_while_drafts_are_begun_takes_none(tmp_path: Path) -> None:
    is_over = threading.Event()

    def clean() -> None:
        while not is_over.is_set():
            remove_leftovers(tmp_path)

    cleaner = threading.Thread(target=clean)
    cleaner.start()
    try:
        for number in range(300):
            write_text(tmp_path / "a", str(number))
            assert (tmp_path / "a").read_text() == str(number)
    finally:
        is_over.set()
        cleaner.join()


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o444])
def test_a_file_has_the_mode_asked_for_from_the_start(tmp_path: Path, mode: int) -> None:
    with Draft(tmp_path / "a", mode=mode) as draft:
        is_private = not draft.path.parent.stat().st_mode & 0o077
        assert is_private == (mode == 0o600)
    write_text(tmp_path / "a", "x", mode=mode)
    assert (tmp_path / "a").stat().st_mode & 0o777 == mode


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o664, 0o755])
def test_a_persons_file_stays_as_closed_as_it_is_and_its_link_a_link(tmp_path: Path, mode: int) -> None:
    kept, link = tmp_path / "kept" / "params.yaml", tmp_path / "params.yaml"
    kept.parent.mkdir()
    kept.write_text("a: 1\n")
    kept.chmod(mode)
    link.symlink_to(kept)
    rewrite_text(link, "a: 2\r\n")
    assert link.is_symlink()
    assert kept.read_bytes() == b"a: 2\r\n"
    assert kept.stat().st_mode & 0o777 == mode


def test_a_persons_new_file_is_as_others_are(tmp_path: Path) -> None:
    rewrite_text(tmp_path / "new", "x")
    (tmp_path / "other").touch()
    assert (tmp_path / "new").stat().st_mode == (tmp_path / "other").stat().st_mode


def test_who_waits_too_long_is_told_who_holds_the_lock(tmp_path: Path) -> None:
    lock = tmp_path / "locks" / "run.lock"
    with (
        locked(lock, note="process 7 of ada"),
        pytest.raises(BusyError, match=r"^process 7 of ada runs$"),
        locked(lock, wait_seconds=0.05, busy="{holder} runs"),
    ):
        pass
    with locked(lock, wait_seconds=0):
        pass


def test_a_lock_whose_file_was_removed_is_not_taken_for_one(tmp_path: Path) -> None:
    lock, old = tmp_path / "a.lock", (tmp_path / "a.lock").open("w")
    with old:
        fcntl.flock(old, fcntl.LOCK_EX)
        entered = threading.Event()

        def enter() -> None:
            with locked(lock, wait_seconds=30):
                entered.set()

        waiting = threading.Thread(target=enter)
        waiting.start()
        lock.unlink()
        with locked(lock):  # another file: nobody holds it
            old.close()
            assert not entered.wait(0.1)
        waiting.join()
    assert entered.is_set()
