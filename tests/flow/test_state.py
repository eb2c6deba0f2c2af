"""A state file that is locked, newer, damaged, full or read-only: a message with the remedy, and nothing lost."""

import json
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from commands import Slipway
from slipway.errors import CheckRefused, OutsideError, ProjectError
from slipway.release.ledger import entry_hash, verify
from slipway.tracking import open_tracker

TOKEN = ("tokens", "add", "shop", "--scope", "read")
"""The shortest command that writes."""


@pytest.fixture
def slipway(flats):
    flats.release(1)
    flats.storage.close()
    return Slipway(flats.root)


def entries(flats):
    return [entry.hash for entry in flats.storage.ledger.entries()]


def test_locked_by_another_program(slipway, flats):
    before = entries(flats)
    with closing(sqlite3.connect(flats.settings.state_db, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        slipway(*TOKEN, code=OutsideError.exit_code)
        assert "state.db: another program has kept the database locked for 10 s. End it" in slipway.said
        other.execute("ROLLBACK")
    slipway(*TOKEN)
    assert entries(flats) == before


def test_written_by_a_newer_version(slipway, flats):
    with closing(sqlite3.connect(flats.settings.state_db)) as connection:
        connection.execute("PRAGMA user_version = 99")
    slipway("ledger", code=ProjectError.exit_code)
    assert "in format 99; this one knows formats up to" in slipway.said
    assert "Nothing was changed. Install that version or a newer one." in slipway.said


def test_of_a_folder_whose_stack_serves_something(slipway, flats):
    slipway("status")
    assert "a stack keeps its own" not in slipway.said
    (flats.settings.state / "live.json").write_text("{}")
    flats.settings.state_db.unlink()
    slipway("status")
    assert "has served a version that this ledger knows nothing of: a stack keeps its own" in slipway.said


def test_with_a_damaged_beginning(slipway, flats):
    content = flats.settings.state_db.read_bytes()
    flats.settings.state_db.write_bytes(b"\0" * 100 + content[100:])
    slipway("ledger", code=OutsideError.exit_code)
    assert "state.db: not an SQLite database, or damaged. Put a copy back, or move it away" in slipway.said
    flats.settings.state_db.write_bytes(content)
    assert len(slipway.json("ledger")["entries"]) == 3


def test_on_a_disk_without_room(slipway, flats):
    before = entries(flats)
    flats.storage.close()

    def no_room():  # a limit on the size of files stands for the full disk
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))

    command = [sys.executable, "-m", "slipway", "-C", str(flats.root), *TOKEN]
    done = subprocess.run(command, preexec_fn=no_room, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == OutsideError.exit_code, done.stderr
    assert "state.db: the disk" in done.stderr
    assert "try again" in done.stderr
    assert entries(flats) == before
    slipway(*TOKEN)


READING = """
import os, sys
from pathlib import Path
from slipway.records import Token
from slipway.errors import OutsideError
from slipway.settings import read_settings
from slipway.storage import open_storage
storage = open_storage(read_settings(Path(sys.argv[1]), {}))
if os.getuid() == 0:  # who may write everything
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
try:
    storage.tokens.add(Token("shop", "0" * 64, ("read",), "2026"))
except OutsideError as error:
    sys.exit(str(error))
"""


def test_that_this_user_may_only_read(slipway, flats):
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder) / ".slipway"
        state.mkdir()
        shutil.copy(flats.settings.state_db, state)
        for path, mode in ((state / "state.db", 0o444), (state, 0o555), (Path(folder), 0o555)):
            path.chmod(mode)
        done = subprocess.run(
            [sys.executable, "-c", READING, folder], capture_output=True, text=True, timeout=60, check=False
        )
        state.chmod(0o755)
        Path(folder).chmod(0o755)
    assert done.returncode == 1, done.stderr
    user = os.getuid() or 65534
    assert f"state.db: the database can't be written. Give user {user} the right" in done.stderr


def test_a_ledger_written_anew_shows_in_the_tracker_and_can_be_accepted(slipway, flats, make_facts):
    tracker = open_tracker(flats.settings)
    try:
        assert tracker.register(make_facts(flats, 1)) == 1
    finally:
        tracker.close()
    slipway("release", "1")  # it is live already: its names and the head are made good
    with closing(sqlite3.connect(flats.settings.state_db)) as connection:  # whoever can write the file can do this
        last = flats.storage.ledger.head()
        forged = replace(last, by="nobody")
        connection.execute("UPDATE ledger SET by = 'nobody', hash = ? WHERE seq = 3", (entry_hash(forged),))
        connection.commit()
    assert verify(flats.storage.ledger.entries()).ok
    told = slipway.json("ledger", "--verify", code=CheckRefused.exit_code)
    assert told["verified"] is False
    assert "version 1 in the tracker was marked at entry 3 with hash" in told["anchored"]
    assert slipway.json("ledger")["verified"] is True, "the chain alone can't know"
    accepted = json.loads(slipway("ledger", "--accept", "--json"))
    assert (accepted["verified"], accepted["anchored"]) == (True, "the tracker confirms it up to entry 3")


@pytest.fixture
def make_facts():
    from slipway.tracking import RunFacts

    def make(flats, version):
        sha256 = {e.version: e.bundle for e in flats.storage.ledger.entries()}[version]
        bundle = flats.store.open(sha256)
        rows, answers = bundle.examples()
        told = [answer["prediction"] for answer in answers]
        return RunFacts("flats", bundle.folder, sha256, {}, {"accuracy": 0.9}, {}, rows, told)

    return make
