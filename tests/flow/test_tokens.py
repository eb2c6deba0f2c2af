"""Tokens as an operator and a caller have them: made, sent, asked for beyond this machine, revoked while it serves."""

import json
import time
import urllib.error
import urllib.request

import pytest

from commands import Slipway
from slipway.terminal import Terminal
from slipway.workspace import open_project

ROW = {"area": "50 m2", "rooms": 2, "street": "Main"}


@pytest.fixture
def slipway(flats):
    flats.release(1)
    return Slipway(flats.root)


def ask(url, body=None, token=None):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    data = None if body is None else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=30) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def test_a_token_opens_what_it_is_for_until_it_is_revoked(slipway):
    slipway("serve", "--host", "0.0.0.0", "--port", "0", code=2)
    assert "slipway tokens add NAME --scope predict" in slipway.said
    token = slipway("tokens", "add", "shop", "--scope", "predict", "--scope", "feedback").strip()
    assert slipway.json("tokens")["tokens"][0]["scopes"] == ["predict", "feedback"]
    assert token not in slipway("tokens")
    with slipway.serving("serve", "--host", "0.0.0.0", "--port", "0") as server:
        url = server.line().replace("0.0.0.0", "127.0.0.1")
        assert ask(f"{url}/health") == (200, {"status": "ok", "live": True, "ready": True})
        assert ask(f"{url}/predict", ROW)[0] == 401
        status, told = ask(f"{url}/predict", ROW, token)
        assert (status, told["prediction"]) == (200, "cheap1")
        assert ask(f"{url}/model", None, token)[0] == 403
        assert ask(f"{url}/feedback", {"id": told["id"], "truth": "dear1"}, token)[0] == 200
        slipway("tokens", "revoke", "shop")
        assert "None is left" in slipway.said
        time.sleep(1)
        assert ask(f"{url}/predict", ROW, token)[0] == 401
    assert slipway.json("tokens") == {"tokens": []}
    assert slipway.json("journal")["truths"] == 1


def test_up_shows_a_request_with_a_place_for_the_token(slipway, capsys):
    slipway("tokens", "add", "shop", "--scope", "predict")
    with open_project(slipway.folder) as project:
        Terminal().first_answer("http://127.0.0.1:1", project)
    shown, said = capsys.readouterr()
    assert shown.startswith("curl -X POST http://127.0.0.1:1/predict")
    assert '-H "Authorization: Bearer $TOKEN"' in shown
    assert shown.count("\n") == 1  # and no answer, since there is no token to ask with
    assert "TOKEN is one with the scope predict" in said


@pytest.mark.parametrize(
    "arguments",
    [("add",), ("revoke",), ("revoke", "nobody"), ("add", "shop"), ("--scope", "read"), ("show", "shop")],
)
def test_a_command_that_can_not_be_meant_so_is_refused(slipway, arguments):
    slipway("tokens", *arguments, code=2)
    assert slipway.said


def test_what_nothing_refers_to_is_removed_and_told(slipway, flats):
    stray = flats.settings.bundles / ("c" * 64)
    stray.mkdir()
    (stray / "estimator").write_bytes(b"x" * 250_000)
    assert "1 would be removed, 0.2 MB (250,000 bytes)" in slipway("gc", "--dry-run")
    assert stray.exists()
    assert slipway.json("gc")["bytes"] == 250_000
    assert not stray.exists()
    assert slipway.json("gc") == {"removed": [], "bytes": 0, "dry_run": False, "expired": None, "elsewhere": []}
    assert len(list(flats.settings.bundles.iterdir())) == 1
