import json

import pytest

from slipway.release.ledger import record
from slipway.serve.access.tokens import TokenBook
from slipway.serve.app import App
from slipway.serve.service import open_service

from ..conftest import Client

HTML = {"Accept": "text/html,*/*"}
TABLE = {
    "version": 1,
    "passed": True,
    "lines": [{"check": "accuracy <b>", "asked": ">= 0.75", "measured": 0.84126, "outcome": "passed"}],
}


def found(project, scorer, version, journal):
    """What a window would have shown."""
    return {
        "decision": "alarm",
        "window": f"the last 200 predictions of version {version}",
        "alerts": [{"column": "area", "measure": "mean_shift", "value": 1.2345, "threshold": 0.5}],
    }


@pytest.fixture
def open_page(flats):
    opened = []

    def page(**options):
        service = open_service(flats.project, flats.settings, flats.storage, **options)
        service.access.look()
        service.live.look()
        client = Client(App(service))
        opened.append((client, service))
        return client

    yield page
    for client, service in opened:
        client.close()
        service.stop()


def test_the_page_shows_the_gates_table_and_the_drift_escaped(flats, open_page):
    from slipway.gate.evidence import digest_of

    sha256 = flats.release(1)
    digest = digest_of(TABLE)
    flats.settings.gates.mkdir(parents=True)
    (flats.settings.gates / f"{digest}.json").write_text(json.dumps({"format": 1, "table": TABLE}))
    record(flats.storage.ledger, "candidate", 2, bundle=sha256, by="tester", why="again")
    record(flats.storage.ledger, "passed", 2, bundle=sha256, by="tester", why="again", gate=digest)
    record(flats.storage.ledger, "released", 2, bundle=sha256, by="tester", why="again", gate=digest)
    text = open_page(drift=found).get("/", headers=HTML).text
    assert "accuracy &lt;b&gt;" in text
    assert "0.8413" in text
    assert "Drift in the last 200 predictions of version 2." in text
    assert "<td>mean shift<td>0.5<td>1.23" in text


def test_the_drift_is_looked_at_once_a_minute(flats, open_page):
    asked = []

    def looked(*given):
        asked.append(given)
        return found(*given)

    flats.release(1)
    client = open_page(drift=looked)
    for _ in range(3):
        assert client.get("/", headers=HTML).status_code == 200
    assert len(asked) == 1


def test_where_tokens_are_asked_for_a_browser_gets_a_door_that_says_nothing(flats, open_page):
    flats.release(1)
    token = TokenBook(flats.storage.tokens).add("shop", ["read", "predict"])
    client = open_page()
    reply = client.get("/", headers=HTML)
    assert reply.status_code == 200
    assert "<form id=door>" in reply.text
    assert "flats" not in reply.text
    assert "script-src 'nonce-" in reply.headers["content-security-policy"]
    inside = client.get("/", headers={**HTML, "Authorization": f"Bearer {token}"})
    assert "version 1 is live" in inside.text
    assert client.get("/").status_code == 401
    assert client.get("/", headers={**HTML, "Authorization": "Bearer slw_wrong"}).status_code == 401


def test_the_form_is_answered_whatever_form_the_project_gave_its_routes(flats, open_page):
    flats.release(1)
    reply = open_page().post("/predict?form=standard", json=flats.row)
    assert reply.json()["prediction"] == "cheap1"
