"""The file of labelled rows under processes that all change it."""

import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from slipway.journal.labels import drop_labelled, gather, ids_in
from slipway.journal.labels_file import locked, read, write
from slipway.journal.purge import Places, expire, purge
from slipway.model.schema import Schema
from slipway.records import Prediction, Truth

ROWS = 120
SCHEMA = Schema.infer(pl.DataFrame({"n": [1, 2]}), {"n": ("number",)})

PROCESS = """
import sys, time
from pathlib import Path
import polars as pl
from slipway.journal.labels import gather, ids_in
from slipway.journal.purge import Places, expire, purge
from slipway.model.schema import Schema
from slipway.settings import read_settings
from slipway.storage import open_storage
root, part = Path(sys.argv[1]), int(sys.argv[2])
storage = open_storage(read_settings(root, {}))
places = Places(storage.journal, storage.decisions, root / ".slipway/spool", (root / "data/labelled/raw.parquet",))
schema = Schema.infer(pl.DataFrame({"n": [1, 2]}), {"n": ("number",)})
print("ready", flush=True)
sys.stdin.readline()
for turn in range(10):
    if part < 2:
        keys = [f"{part}-{turn}-{n}" for n in range(3)]
        purge(places, keys, by="ada")
        assert not set(ids_in(places.labelled[0])) & set(keys), "what was purged is back"
    elif part == 2:
        gather(storage.journal, schema, "y", places.labelled[0])
    else:
        expire(places, 1.0)
storage.close()
print("done", flush=True)
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "data/labelled/raw.parquet"


def label(journal, keys, *, at=None):
    import time

    at = time.time() if at is None else at
    journal.append([Prediction(key, at, 1, {"n": n}, "low") for n, key in enumerate(keys)])
    journal.append([Truth(f"t{key}", key, at, "high", "user:ada") for key in keys])


def test_four_processes_purge_gather_and_expire_and_each_change_holds(tmp_path, storage, path):
    purged = [f"{part}-{turn}-{n}" for part in range(2) for turn in range(10) for n in range(3)]
    stay = [f"stay-{n}" for n in range(ROWS)]
    label(storage.journal, ["old-1", "old-2"], at=1.0)
    label(storage.journal, [*purged, *stay])
    gather(storage.journal, SCHEMA, "y", path)
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PROCESS, str(tmp_path), str(part)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for part in range(4)
    ]  # fmt: skip
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        said, failed = process.communicate(timeout=120)
        assert said == "done\n", failed
    assert ids_in(path) == stay
    assert pl.read_parquet(path).height == ROWS
    assert [p.name for p in path.parent.iterdir() if p.name.endswith(".aside")] == []
    assert storage.journal.count() == (ROWS, ROWS)


def test_a_name_that_is_part_of_anothers_is_not_touched(path):
    other = path.with_name("raw.parquet.more.parquet")
    with locked(other):
        write(pl.DataFrame({"n": [1]}), other)
    with locked(path), locked(other):  # each file has its own lock
        write(pl.DataFrame({"n": [2]}), path)
    assert read(other)["n"].to_list() == [1]


def test_a_write_that_fails_leaves_what_was_and_nothing_aside(path, monkeypatch):
    with locked(path):
        write(pl.DataFrame({"n": [1]}), path)
        monkeypatch.setattr(Path, "replace", lambda *paths: (_ for _ in ()).throw(OSError(28, "No space left")))
        with pytest.raises(OSError, match="No space left"):
            write(pl.DataFrame({"n": [2]}), path)
        monkeypatch.undo()
    assert read(path)["n"].to_list() == [1]
    assert list(path.parent.glob("*.aside")) == []


def test_a_reader_that_began_before_a_rename_reads_one_file(path):
    with locked(path):
        write(pl.DataFrame({"n": range(50_000)}), path)
        with path.open("rb") as file:
            write(pl.DataFrame({"n": [1], "other": ["x"]}), path)
            assert pl.read_parquet(file, columns=["n"]).height == 50_000


def test_labels_that_are_gathered_while_they_are_purged_do_not_come_back(tmp_path, storage, path):
    """The gathering has read the journal already when the purge begins."""
    label(storage.journal, ["a", "b"])
    places = Places(storage.journal, storage.decisions, tmp_path / ".slipway/spool", (path,))

    class Slow:
        """The journal, in which a prediction is purged while it is read."""

        def __getattr__(self, name):
            return getattr(storage.journal, name)

        def find(self, ids):
            found = storage.journal.find(ids)
            started.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
            assert started[-1].stdout.readline() == "purging\n"
            return found

    command, started = [sys.executable, "-c", PURGE, str(tmp_path)], []
    gather(Slow(), SCHEMA, "y", path)
    started[0].communicate(timeout=60)
    assert started[0].returncode == 0
    assert ids_in(path) == ["b"]
    assert purge(places, ["b"], by="ada").labelled_rows == 1
    assert expire(places, 1.0).labelled_rows == 0
    assert drop_labelled(tmp_path / "nowhere/raw.parquet", ["a"]) == 0


PURGE = """
import sys
from pathlib import Path
from slipway.journal.purge import Places, purge
from slipway.settings import read_settings
from slipway.storage import open_storage
root = Path(sys.argv[1])
storage = open_storage(read_settings(root, {}))
places = Places(storage.journal, storage.decisions, root / ".slipway/spool", (root / "data/labelled/raw.parquet",))
print("purging", flush=True)
purge(places, ["a"], by="ada")
storage.close()
"""
