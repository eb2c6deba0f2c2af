"""`slipway serve` as its container has it: no table library, nothing of training, and nowhere else to write."""

import json
import shutil
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from commands import Server, Slipway
from without import TABLES, TRAINING, Without

BODIES: list[tuple[str, Any]] = [
    ("/predict", {"values": [5, 7.5, -3, 1e6]}),
    ("/predict/batch", {"x": [0, 1, 2.5]}),
    ("/predict/batch", [{"x": 1}, {"x": 2}]),
    ("/predict?form=standard", {"x": 4}),
]
READ = ("/", "/health", "/model", "/model/features", "/model/classes", "/data/sample", "/openapi.json")


@pytest.fixture(scope="module")
def line(released: Callable[[str, Path], Slipway], tmp_path_factory: pytest.TempPathFactory) -> Slipway:
    return released("linear", tmp_path_factory.mktemp("slim"))


def test_it_answers_the_same_without_what_it_does_not_need(line: Slipway, tmp_path: Path) -> None:
    slim, without = _copy(line, tmp_path), Without(tmp_path / "site", (*TABLES, *TRAINING))
    with line.serving("-C", "linear", "serve", "--port", "0") as server:
        server.url = server.line()
        expected = _answers(server)
    slim.environment |= without.environment
    with slim.serving("-C", "linear", "serve", "--port", "0") as server:
        server.url = server.line()
        found = _answers(server)
        told = server.ask("/predict/batch", [{"x": 3}])["predictions"][0]
        assert server.ask("/feedback", {"id": told["id"], "truth": 7.0}) == {"id": told["id"], "outcome": "kept"}
        known = server.ask(f"/predictions/{told['id']}")
        assert (known["prediction"], known["truth"]) == (told["prediction"], 7.0)
        for path in ("/", "/docs"):
            request = urllib.request.Request(server.url + path, headers={"Accept": "text/html"})
            with urllib.request.urlopen(request, timeout=30) as page:
                assert b"<!doctype html>" in page.read()
        with urllib.request.urlopen(server.url + "/metrics", timeout=30) as text:
            assert b"slipway_live_version 1" in text.read()
    assert _close(found, expected)
    outside = {path for path in without.written() if not path.is_relative_to(slim.folder / "linear" / ".slipway")}
    assert {path for path in outside if path.parts[1] not in ("dev", "proc")} == set()
    counts = Slipway(tmp_path).json("-C", "linear", "journal")
    assert (counts["predictions"], counts["waiting"]) == (11, 0)


def test_what_the_loop_found_is_shown_where_no_window_can_be_counted(line: Slipway, tmp_path: Path) -> None:
    slim, without = _copy(line, tmp_path), Without(tmp_path / "site", (*TABLES, *TRAINING))
    with slim.serving("-C", "linear", "serve", "--port", "0", "--quiet") as server:
        server.url = server.line()
        server.ask("/predict/batch", {"x": [float(n % 20) for n in range(200)]})
    slim("-C", "linear", "loop", "--once")
    slim.environment |= without.environment
    with slim.serving("-C", "linear", "serve", "--port", "0", "--quiet") as server:
        request = urllib.request.Request(server.line() + "/", headers={"Accept": "text/html"})
        with urllib.request.urlopen(request, timeout=30) as page:
            shown = page.read().decode()
    assert "<h2>Drift</h2>" in shown
    assert "as the loop saw them at" in shown


def _copy(line: Slipway, folder: Path) -> Slipway:
    shutil.copytree(line.folder / "linear", folder / "linear", symlinks=True)
    return Slipway(folder)


def _answers(server: Server) -> list[Any]:
    found = [server.ask(path, body) for path, body in BODIES]
    for told in found:
        for answer in told.get("predictions", [told]):
            if isinstance(answer, dict):
                assert answer.pop("id")
    read = [server.ask(path) for path in READ]
    read[1] = read[1]["status"]
    return json.loads(json.dumps([found, read]))


def _close(one: Any, other: Any) -> bool:
    """Equal but for the last bits of numbers."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_close(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_close, one, other))
    return one == pytest.approx(other, rel=1e-9, abs=1e-9) if isinstance(one, float) else one == other
