"""The database of a serving stack is stopped under load, and at a start: what that costs is delay alone."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import postgres
from commands import Server, Slipway
from load import Load

SERVE = ("-C", "line", "serve", "--host", "0.0.0.0", "--port", "0", "--quiet")


@pytest.fixture
def database():
    """A server of this test's own, since it is stopped."""
    with postgres.server() as running:
        yield running


def test_nothing_fails_and_nothing_is_lost_while_the_database_is_away(tmp_path: Path, database: Any) -> None:
    slipway = Slipway(tmp_path)
    slipway("new", "line", "--example", "linear")
    (tmp_path / "token").write_text("of-the-stack\n")
    slipway.environment |= {"SLIPWAY_STATE_URL": database.take(), "SLIPWAY_TOKEN_FILE": str(tmp_path / "token")}
    slipway("-C", "line", "run")
    slipway("-C", "line", "release")
    made = slipway("-C", "line", "tokens", "add", "shop", "--scope", "operate").split()[-1]
    acknowledged: set[str] = set()

    slipway.environment["SLIPWAY_REPLICA"] = "one"
    with slipway.serving(*SERVE) as server:
        url = _local(server)
        shipped = _ask(url, made, "/predict?form=standard", {"x": 4})[1]["id"]
        acknowledged.add(shipped)
        _until(lambda: _health(url, made)["dependencies"]["journal"]["backlog_bytes"] == 0)
        with Load(url, "of-the-stack", "/predict", lambda n: {"values": [n % 20]}, threads=2, pause=0.005) as load:
            load.wait_for(50)
            database.stop()
            _until(lambda: not _health(url, made)["dependencies"]["postgres"]["ok"])
            load.wait_for(50)
            health = _health(url, made)
            assert (health["status"], health["ready"]) == ("degraded", True)
            assert "PostgreSQL at" in health["dependencies"]["postgres"]["reason"]
            waiting = max(load.acknowledged)
            assert _ask(url, made, f"/predictions/{waiting}")[0] == 200
            assert _ask(url, made, f"/predictions/{shipped}")[0] == 503
            assert _ask(url, made, "/feedback", {"id": waiting, "truth": 3.0})[1]["outcome"] == "kept"
            assert _ask(url, made, "/feedback", {"id": shipped, "truth": 5.0})[1]["outcome"] == "unchecked"
            load.stop()
        assert not load.failed
        acknowledged |= load.acknowledged
        server.process.kill()
        server.process.wait()
        server.process.returncode = 0  # it was killed, as it was meant to be

    slipway.environment["SLIPWAY_REPLICA"] = "two"
    with slipway.serving(*SERVE) as server:  # which starts while the database is away
        url = _local(server)
        with Load(url, made, "/predict", lambda n: {"values": [n % 20]}, threads=2, pause=0.005) as load:
            load.wait_for(50)
            assert _ask(url, made, f"/predictions/{waiting}")[1]["truth"] == 3.0, "it is in the other replica's spool"
            database.start()
            _until(lambda: _health(url, made)["status"] == "ok")
            load.wait_for(20)
            load.stop()
        assert not load.failed
        acknowledged |= load.acknowledged
        _until(lambda: not (tmp_path / "line/.slipway/spool/one").exists())
        assert _ask(url, made, "/feedback", {"id": shipped, "truth": 6.0})[0] == 409
        assert _ask(url, made, f"/predictions/{shipped}")[1]["truth"] == 5.0

    state = slipway.json("-C", "line", "journal")
    assert (state["predictions"], state["waiting"], state["truths"]) == (len(acknowledged), 0, 2)


def test_the_tokens_file_counts_as_a_token_and_has_to_be_one(tmp_path: Path) -> None:
    slipway = Slipway(tmp_path)
    slipway("new", "line", "--example", "linear")
    slipway(*SERVE, code=2)
    assert "SLIPWAY_TOKEN_FILE names a file" in slipway.said
    slipway.environment["SLIPWAY_TOKEN_FILE"] = str(tmp_path / "token")
    slipway(*SERVE, code=3)
    assert f"{tmp_path / 'token'}: this secret can't be read (No such file or directory)" in slipway.said
    (tmp_path / "token").write_text("\n")
    slipway(*SERVE, code=3)
    assert "this secret is empty" in slipway.said
    (tmp_path / "token").write_text("of-the-stack\n")
    with slipway.serving(*SERVE) as server:
        url = _local(server)
        assert _ask(url, "of-the-stack", "/data/sample")[0] == 503, "let in; nothing is released yet"
        status, said = _ask(url, "another", "/model")
        assert status == 401
        assert "in a stack, `secrets/api_token` holds one" in said["detail"]
        assert _ask(url, "another", "/health")[1].keys() == {"status", "live", "ready"}


def _local(server: Server) -> str:
    return server.line().replace("0.0.0.0", "127.0.0.1")


def _ask(url: str, token: str, path: str, body: Any = None) -> tuple[int, Any]:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url + path, data, {"Authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def _health(url: str, token: str) -> Any:
    return _ask(url, token, "/health")[1]


def _until(is_so: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.1)
