"""Whatever is wrong with what comes in: a clear message and its exit code, or a 4xx, and nothing half-written."""

import http.client
import json
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from commands import Slipway
from slipway.__main__ import _command, _ended
from slipway.journal import SpoolWriter, segment
from slipway.records import Prediction, new_id

TOML = """
name = "small"
[sources]
raw = "data/raw/small.csv"
[model]
kind = "regression"
target = "y"
"""

PIPELINE = """
from slipway import stage
import polars as pl


@stage
def clean(raw: pl.DataFrame) -> pl.DataFrame:
    return raw.select("x", "y")


@stage(outputs=("train", "test"))
def split(clean: pl.DataFrame):
    return clean.head(2), clean.tail(1)


@stage
def model(train: pl.DataFrame): ...
"""

CSV = "x,y\n1,2\n2,4\n3,6\n"

PASSED_OVER = {"__pycache__", "locks", "pipeline.json", "state.db"}
"""What any command may leave behind: Python's own, and whole files of ours that say what is known of the project."""


OURS = str(Path("slipway", "pipeline"))
"""Of a stage that fails, the user's own lines are shown, and none of ours."""


class Small:
    """A project of three stages, to be spoilt."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "data/raw").mkdir(parents=True)
        self.write("slipway.toml", TOML)
        self.write("pipeline.py", PIPELINE)
        self.write("data/raw/small.csv", CSV)

    def write(self, name: str, content: str | bytes) -> None:
        (self.root / name).write_bytes(content.encode() if isinstance(content, str) else content)

    def tree(self) -> dict[str, bytes]:
        return {
            str(path.relative_to(self.root)): path.read_bytes()
            for path in sorted(self.root.rglob("*"))
            if path.is_file() and not PASSED_OVER & set(path.parts)
        }


@pytest.fixture
def small(tmp_path):
    return Small(tmp_path / "small")


@pytest.fixture
def said(capfd):
    """Runs a command here, and gives its exit code and what it said on standard error."""

    def run(*arguments: str) -> tuple[int, str]:
        code = _ended(lambda: _command([*arguments]))
        return code, capfd.readouterr().err

    return run


def refused(small: Small, said, arguments: tuple[str, ...], code: int, words: tuple[str, ...]) -> None:
    before = small.tree()
    found, message = said(*arguments, "-C", str(small.root))
    assert (found, OURS in message) == (code, False), message
    for word in words:
        assert word in message
    assert small.tree() == before


TWICE = "def model(train: pl.DataFrame): ...\n\n\n@stage\ndef clean(raw: pl.DataFrame): ..."
PROJECTS = {
    "malformed TOML": ('name = "small"', 'name = "small', ("slipway.toml", "line 2")),
    "an unknown key": ('target = "y"', 'target = "y"\ngat = {}', ("[model] gat", "`gate`")),
    "an unknown table": ("[model]", "[modle]", ("modle", "`model`")),
    "a key of the wrong type": ('target = "y"', "target = 3", ("[model] target = 3", "a text")),
    "a parameter that names no artifact": ("split(clean:", "split(claen:", ("pipeline.py:12", "`claen`", "`clean`")),
    "a cycle of stages": ("clean(raw:", "clean(train:", ("wait for each other", "clean → split → clean")),
    "two stages of one name": (TWICE[:35], TWICE, ("pipeline.py:", "`clean`")),
    "no Python": ("import polars as pl", "import polars as", ("pipeline.py:3", "invalid syntax")),
}


@pytest.mark.parametrize(("old", "new", "words"), PROJECTS.values(), ids=PROJECTS)
def test_a_project_that_is_wrong_is_refused_with_the_place(small, said, old, new, words):
    file, text = ("slipway.toml", TOML) if old in TOML else ("pipeline.py", PIPELINE)
    assert text.count(old) == 1
    small.write(file, text.replace(old, new))
    refused(small, said, ("status",), 2, words)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(None, ("small.csv", "source `raw` is missing"), id="missing"),
        pytest.param("", ("small.csv", "empty"), id="empty"),
        pytest.param("x,y\n", ("small.csv", "no rows"), id="header only"),
        pytest.param("x,y,x\n1,2,3\n", ("small.csv", "`x`"), id="duplicate columns"),
        pytest.param("x,y\n1,2\n3,4,5\n", ("small.csv: line 3", "3 values"), id="ragged"),
        pytest.param(b"x,y\n1,\xff\xfe\x00\x81\n", ("small.csv",), id="wrongly encoded"),
        pytest.param("a,y\n1,2\n", ("clean", "x"), id="changed columns"),
        pytest.param(b"PK\x03\x04" + bytes(200), ("small.csv",), id="not a table at all"),
    ],
)
def test_a_source_that_is_wrong_is_refused_by_its_name(small, said, content, words):
    if content is None:
        (small.root / "data/raw/small.csv").unlink()
    else:
        small.write("data/raw/small.csv", content)
    refused(small, said, ("stage", "clean"), 2, words)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        pytest.param(
            'raise ValueError("seven is too many")', ("stage `clean`", "ValueError: seven is too many"), id="raises"
        ),
        pytest.param("return 7", ("stage `clean`", "int"), id="returns the wrong type"),
        pytest.param("return None", ("stage `clean`",), id="returns nothing"),
        pytest.param("import nowhere", ("nowhere",), id="imports what is not installed"),
    ],
)
def test_a_stage_that_fails_leaves_nothing_behind(small, said, body, words):
    small.write("pipeline.py", PIPELINE.replace('return raw.select("x", "y")', body))
    refused(small, said, ("stage", "clean"), 2, words)


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        pytest.param("import os; os.kill(os.getpid(), 9)", 3, ("clean", "SIGKILL"), id="is killed"),
        pytest.param("import os; os._exit(5)", 2, ("clean",), id="ends the process"),
        pytest.param(
            'return pl.DataFrame({"x": range(500_000), "y": range(500_000)})', 3, ("clean",), id="fills the disk"
        ),
    ],
)
def test_a_stage_that_ends_its_process_or_fills_the_disk_leaves_nothing_behind(small, body, code, words):
    small.write("pipeline.py", PIPELINE.replace('return raw.select("x", "y")', body))
    before = small.tree()
    done = subprocess.run(
        [sys.executable, "-m", "slipway", "stage", "clean"],
        cwd=small.root,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000)),
    )
    assert (done.returncode, OURS in done.stderr) == (code, False), done.stderr
    for word in words:
        assert word in done.stderr
    assert small.tree() == before


@pytest.mark.parametrize("name", ["model.skops", "stages.py", "profile.json", "examples.json", "test.parquet"])
def test_of_a_bundle_with_a_flipped_byte_nothing_is_loaded(flats, said, name):
    sha256 = flats.release(1)
    path = flats.store.path(sha256) / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    (flats.root / "rows.csv").write_text("area,rooms,street\n50 m2,2,Main\n")
    code, message = said("predict", str(flats.root / "rows.csv"), "-C", str(flats.root))
    assert code == 2
    assert name in message
    assert "loaded" in message or "damaged" in message


ROW = {"area": "50 m2", "rooms": 2, "street": "Main"}
BODIES = [
    ("not JSON", b"{area:", 400, "not JSON"),
    ("empty", b"", 400, "it is empty"),
    ("not UTF-8", b'{"area": "\xff"}', 400, "not JSON"),
    ("NaN", b'{"area": "50 m2", "rooms": NaN, "street": "Main"}', 400, "not JSON"),
    ("Infinity", b'{"area": "50 m2", "rooms": Infinity, "street": "Main"}', 400, "not JSON"),
    ("deeply nested", b"[" * 100_000 + b"]" * 100_000, 400, "nested too deeply"),
    ("not an object", b"3", 422, "an object, a list of objects, or columns"),
    ("a list of no objects", b"[1]", 422, "expected an object"),
    ("a missing field", b'{"area": "50 m2", "rooms": 2}', 422, "the field is missing"),
    ("an extra field", json.dumps({**ROW, "room": 1}).encode(), 422, "no such field"),
    ("a mistyped field", json.dumps({**ROW, "rooms": "2"}).encode(), 422, "`rooms`: expected"),
    ("null where none was", json.dumps({**ROW, "area": None}).encode(), 422, "`area`: expected"),
    ("too many rows", json.dumps([{}] * 100_001).encode(), 413, "at most 100,000"),
    ("100 MB", b" " * 100_000_000, 413, "larger than"),
]


@pytest.fixture
def server(flats):
    flats.release(1)
    slipway = Slipway(flats.root)
    with slipway.serving("serve", "--port", "0") as opened:
        opened.url = opened.line()
        yield opened


def posted(url: str, path: str, body: bytes) -> tuple[int, str]:
    """Status and text; a server that answers before it was told everything is heard all the same."""
    with closing(http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)) as connection:
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.request("POST", path, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


def test_a_wrong_body_is_a_4xx_and_what_is_acknowledged_is_kept(server, flats):
    told = {what: posted(server.url, "/predict", body) for what, body, _, _ in BODIES}
    assert {what: status for what, (status, _) in told.items()} == {what: status for what, _, status, _ in BODIES}
    for what, _, _, words in BODIES:
        assert words in told[what][1], what
    key = server.ask("/predict", ROW)["id"]
    assert server.ask(f"/predictions/{key}")["row"] == ROW
    feedback = [
        ({"id": "nobody", "truth": "cheap1"}, 404, "No prediction has the id 'nobody'"),
        ({"id": key, "truth": 1}, 422, "expected"),
        ({"id": key}, 422, "truth"),
        ({"id": key, "truth": "cheap1", "corect": True}, 422, "corect"),
        ([{"id": key, "truth": "cheap1"}, {"id": "nobody", "truth": "cheap1"}], 404, "Nothing was kept"),
        ([{"id": key, "truth": "cheap1"}, {"id": key, "truth": "dear1"}], 409, "Nothing was kept"),
        ({"id": key, "truth": "cheap1"}, 200, "kept"),
        ({"id": key, "truth": "cheap1"}, 200, "known"),
        ({"id": key, "truth": "dear1"}, 409, '\\"correct\\": true'),
        ({"id": key, "truth": "dear1", "correct": True}, 200, "corrected"),
    ]
    for body, status, words in feedback:
        found, text = posted(server.url, "/feedback", json.dumps(body).encode())
        assert (found, words in text) == (status, True), text
    truths = server.ask(f"/predictions/{key}")["truths"]
    assert [(truth["truth"], truth["is_correction"]) for truth in truths] == [("cheap1", False), ("dear1", True)]


FEEDBACK = [
    pytest.param("id,truth\nnobody,cheap1\n", "no prediction has this id", id="an unknown id"),
    pytest.param("id,truth\na,cheap1\na,dear1\n", "another truth is kept", id="contradicting itself"),
    pytest.param("id,truth\na,\n", "row 1: no truth", id="no truth"),
    pytest.param("id,truht\na,cheap1\n", "Did you mean", id="a column that is missing"),
]


@pytest.mark.parametrize(("content", "words"), FEEDBACK)
def test_a_file_of_truths_that_is_wrong_is_refused_whole(flats, said, content, words):
    flats.release(1)
    flats.storage.journal.append([Prediction("a", 1.0, 1, ROW, "cheap1")])
    (flats.root / "truths.csv").write_text(content)
    code, message = said("feedback", str(flats.root / "truths.csv"), "-C", str(flats.root))
    assert (code, words in message) == (2, True), message
    assert flats.storage.journal.count() == (1, 0)


def test_a_torn_last_record_costs_nothing_that_was_acknowledged(flats, said):
    writer = SpoolWriter(flats.settings.spool)
    kept = [Prediction(new_id(), 1.0, 1, ROW, "cheap1") for _ in range(3)]
    writer.write(kept)
    writer.close()
    (path,) = segment.segments(flats.settings.spool)
    with path.open("ab") as file:
        file.write(segment.frame([Prediction(new_id(), 1.0, 1, ROW, "cheap1")])[:-7])
    flats.release(1)
    code, message = said("monitor", "-C", str(flats.root))
    assert code == 0, message
    assert {p.id for p in flats.storage.journal.last(10)} == {p.id for p in kept}
    assert segment.segments(flats.settings.spool) == []


def newer(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")


def overwritten(path: Path) -> None:
    path.write_bytes(b"not a database at all" * 400)


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    ("spoil", "code", "words"),
    [
        pytest.param(newer, 2, ("format 99", "Nothing was changed"), id="written by a newer version"),
        pytest.param(overwritten, 3, ("not an SQLite database, or damaged",), id="damaged"),
        pytest.param(a_folder, 3, ("can't be opened",), id="no file"),
    ],
)
def test_a_database_that_is_wrong_is_told_and_left_as_it_is(flats, said, spoil, code, words):
    flats.release(1)
    flats.storage.close()
    for beside in flats.settings.state.glob("state.db-*"):
        beside.unlink()
    spoil(flats.settings.state_db)
    content = flats.settings.state_db.read_bytes() if flats.settings.state_db.is_file() else None
    found, message = said("journal", "-C", str(flats.root))
    assert found == code, message
    for word in ("state.db", *words):
        assert word in message
    assert content is None or flats.settings.state_db.read_bytes() == content


def test_a_database_that_somebody_keeps_locked_is_waited_for_and_told(flats, said, monkeypatch):
    from slipway.storage import sqlite

    monkeypatch.setattr(sqlite.state_file, "__kwdefaults__", {"busy_seconds": 0.2})
    flats.release(1)
    with closing(sqlite3.connect(flats.settings.state_db, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        code, message = said("tokens", "add", "shop", "--scope", "read", "-C", str(flats.root))
        assert code == 3, message
        assert "kept the database locked for 0.2 s" in message
    assert flats.storage.tokens.all() == []


LIMITED = "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2); "
RUN = "from slipway.__main__ import main; main(sys.argv[2:])"


def test_a_full_disk_is_told_and_the_database_stays_whole(flats):
    flats.release(1)
    flats.storage.close()
    done = subprocess.run(
        [sys.executable, "-c", LIMITED + RUN, "3000", "tokens", "add", "shop", "--scope", "read"],
        cwd=flats.root,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 3, done.stderr
    assert "state.db" in done.stderr
    assert "Traceback" not in done.stderr
    assert flats.storage.tokens.all() == []
    assert len(flats.storage.ledger.entries()) == 3


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("chattr") is None, reason="no way to keep this user from writing")
def test_a_database_that_is_read_only_is_told(flats):
    flats.release(1)
    flats.storage.close()
    if subprocess.run(["chattr", "+i", str(flats.settings.state_db)], capture_output=True, check=False).returncode:
        pytest.skip("this file system knows no immutable files")
    try:
        slipway = Slipway(flats.root)
        slipway("tokens", "add", "shop", "--scope", "read", code=3)
        assert "can't be written" in slipway.said or "can't be opened" in slipway.said
    finally:
        subprocess.run(["chattr", "-i", str(flats.settings.state_db)], check=True)
