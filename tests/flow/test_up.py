import json
import re

import pytest

from commands import Slipway


def test_up_shows_a_request_in_the_projects_own_form_and_its_answer(slipway: Slipway) -> None:
    slipway("new", "line", "--example", "linear")
    with slipway.serving("-C", "line", "up", "--port", "0") as server:
        curl = server.line()
        found = re.fullmatch(r"curl -X POST (http://\S+)/predict -H '.*' -d '\{\"values\": \[5\]\}'", curl)
        assert found is not None, curl
        answer = json.loads(server.line())
        assert answer["predictions"] == [[pytest.approx(10.925, abs=5e-4)]]
        assert answer["input_values"] == [5]

        server.url = found[1]
        described = server.ask("/openapi.json")["paths"]["/predict"]["post"]["requestBody"]
        assert described["content"]["application/json"]["schema"]["example"] == {"values": [5]}
        assert server.ask("/health")["status"] == "ok"

    # What is live stays live: a second `up` has nothing to build and nothing to release.
    with slipway.serving("-C", "line", "up", "--port", "0") as server:
        server.line()
    assert [e["action"] for e in slipway.json("-C", "line", "ledger")["entries"]] == ["candidate", "passed", "released"]


def test_wrong_words_end_with_2_and_say_what_was_meant(slipway: Slipway) -> None:
    slipway("new", "line", "--example", "linear")
    toml = slipway.folder / "line" / "slipway.toml"
    toml.write_text(toml.read_text().replace("signals_to_retrain", "signals_to_retrian"))
    slipway("-C", "line", "run", code=2)
    assert "[monitor] signals_to_retrian is not a key" in slipway.said
    assert "Did you mean `signals_to_retrain`?" in slipway.said
    toml.write_text(toml.read_text().replace("signals_to_retrian", "signals_to_retrain"))
    slipway("-C", "line", "release", code=2)
    assert "No candidate waits" in slipway.said
    slipway("-C", "line", "run", "spilt", code=2)
    assert "split" in slipway.said
    slipway("-C", "line", "monitor", code=2)
    assert "Nothing is live yet" in slipway.said
