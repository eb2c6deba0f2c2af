"""Large requests, with the process that answers them: it is begun once for all of these tests."""

import asyncio
import json
import os
import signal

import pytest

from slipway.journal import read_spool
from slipway.serve.app import App
from slipway.serve.bulk.process import LARGE_BODY_BYTES, MANY_ROWS
from slipway.serve.service import open_service

from ..conftest import Client

STREETS = ["Main", "Side", "nowhere at all", "Ünter den Linden"]


def rows(count):
    return [
        {"area": f"{20 + n % 150} m2", "rooms": None if n % 11 == 0 else n % 7, "street": STREETS[n % 4]}
        for n in range(count)
    ]


@pytest.fixture(scope="module")
def flats(shared_flats):
    shared_flats.release(1)
    return shared_flats


@pytest.fixture(scope="module")
def service(flats):
    opened = open_service(flats.project, flats.settings, flats.storage)
    opened.access.look()
    opened.live.look()
    yield opened
    opened.stop()


@pytest.fixture(scope="module")
def client(service):
    app = App(service)
    opened = Client(app)
    yield opened
    opened.close()
    app.close()


@pytest.fixture
def kept(flats):
    """What is journalled in a test, by its id: it waits in the spool, or is shipped already."""

    def everything():
        waiting = read_spool(flats.settings.spool)  # first: what is shipped meanwhile is found behind
        shipped = [*flats.storage.journal.last(10**6), *flats.storage.journal.truths()]
        return {record.id: record for record in (*waiting, *shipped)}

    before = everything().keys()
    return lambda: {key: record for key, record in everything().items() if key not in before}


def in_small_parts(client, path, asked):
    """The same rows, few at a time, as the service itself answers them."""
    parts = [client.post(path, json=asked[start : start + 500]) for start in range(0, len(asked), 500)]
    assert {part.status_code for part in parts} == {200}
    return [each for part in parts for each in part.json()["predictions"]]


def without_ids(predictions):
    return [{name: value for name, value in each.items() if name != "id"} for each in predictions]


@pytest.mark.parametrize("path", ["/predict", "/predict/batch", "/predict?form=standard", "/predict/"])
@pytest.mark.parametrize("form", ["list", "columns"])
def test_many_rows_are_answered_and_journalled_as_few_are(client, kept, path, form):
    asked = rows(MANY_ROWS + 400)
    expected = in_small_parts(client, path, asked)
    body = asked if form == "list" else {name: [row[name] for row in asked] for name in asked[0]}
    reply = client.post(path, json=body)
    told = reply.json()
    assert reply.status_code == 200
    assert told["version"] == 1
    assert without_ids(told["predictions"]) == without_ids(expected)
    records = kept()
    assert len(records) == 2 * len(asked)
    assert [records[each["id"]].row for each in told["predictions"]] == asked
    assert [records[each["id"]].prediction for each in told["predictions"]] == [p["prediction"] for p in expected]


def test_a_body_that_is_large_by_its_bytes_is_answered_too(client, kept):
    row = {"area": "50 m2", "rooms": 2, "street": "x" * LARGE_BODY_BYTES}
    one = client.post("/predict", json=row)
    assert one.status_code == 200
    assert one.headers["x-prediction-id"] == one.json()["id"]
    assert client.post("/predict", json=[row, row]).headers["x-prediction-id"].count(",") == 1
    assert [record.row for record in kept().values()] == [row] * 3


def test_a_route_of_the_projects_own_makes_many_rows_of_a_small_body(client, kept):
    told = client.post("/predict_area", json={"areas": ["50 m2", "150 m2"] * MANY_ROWS}).json()
    assert [each["prediction"] for each in told["predictions"]] == ["cheap1", "dear1"] * MANY_ROWS
    assert len(kept()) == 2 * MANY_ROWS


def test_a_route_of_the_projects_own_gives_its_own_form_and_status(client, kept):
    filler = "x" * LARGE_BODY_BYTES
    reply = client.post("/price", json={"flat": {"area": "150 m2"}, "filler": filler})
    assert reply.json() == {"price": "dear1", "by": "flats 1 ('cheap1', 'dear1')"}
    assert client.post("/price", json={"filler": filler}).status_code == 400
    assert client.post("/price", json={"flat": {"area": 3}, "filler": filler}).status_code == 400
    assert client.post("/price", json={"flat": {"area": "5 m2", "street": "Broken"}, "a": filler}).status_code == 500


REFUSED = {
    "empty lists": (b"[" + b",".join([b"[]"] * 400_000) + b"]", 413, "400,000 rows"),
    "a deep one": (b" " * LARGE_BODY_BYTES + b"[" * 100 + b"]" * 100, 400, "nested too deeply"),
    "no JSON at its end": (json.dumps(rows(5_000)).encode() + b"x", 400, "not JSON"),
    "one row of many": (json.dumps([*rows(6_000), {"area": 3}]).encode(), 422, "row 6000 `area`"),
    "a text": (b'"' + b"x" * LARGE_BODY_BYTES + b'"', 422, "an object, a list of objects"),
    "uneven columns": (json.dumps({"area": ["1 m2"] * 50_000, "rooms": []}).encode(), 422, "50000 values"),
}


@pytest.mark.parametrize(("body", "status", "said"), REFUSED.values(), ids=REFUSED)
def test_what_is_wrong_is_refused_as_a_whole_with_the_reason(client, kept, body, status, said):
    assert len(body) > LARGE_BODY_BYTES
    for path in ("/predict", "/predict/batch"):
        reply = client.post(path, content=body)
        assert reply.status_code == status
        assert said in reply.text
    assert kept() == {}


def test_many_truths_are_kept_all_or_none(client, kept):
    ids = [each["id"] for each in client.post("/predict", json=rows(6_000)).json()["predictions"]]
    truths = [{"id": key, "truth": "dear1"} for key in ids]
    assert len(json.dumps(truths)) > LARGE_BODY_BYTES
    before = len(kept())
    unknown = client.post("/feedback", json=[*truths, {"id": "nobody", "truth": "dear1"}])
    assert unknown.status_code == 404
    assert client.post("/feedback", json=[*truths, {"id": ids[0], "truth": 3}]).status_code == 422
    assert len(kept()) == before
    reply = client.post("/feedback", json=truths)
    assert reply.json()["feedback"] == [{"id": key, "outcome": "kept"} for key in ids]
    records = [record for record in kept().values() if record.id not in ids]
    assert {(record.prediction_id, record.source) for record in records} == {(key, "api") for key in ids}
    assert client.post("/feedback", json=truths).json()["feedback"][0]["outcome"] == "known"


def test_small_requests_are_answered_while_a_large_one_is_not(client, service):
    client.post("/predict", json=rows(2_000))
    stopped = service.bulk.pid

    async def both():
        os.kill(stopped, signal.SIGSTOP)
        large = asyncio.ensure_future(client.asked("POST", "/predict", json=rows(2_000)))
        await asyncio.sleep(0)
        small = [await client.asked("POST", "/predict", json=rows(1)) for _ in range(20)]
        health = await client.asked("GET", "/health")
        is_waiting = not large.done()
        os.kill(stopped, signal.SIGCONT)
        return small, health, is_waiting, await large

    small, health, is_waiting, large = client.run(both())
    assert {reply.status_code for reply in small} == {health.status_code, large.status_code} == {200}
    assert is_waiting


def test_a_process_that_dies_costs_the_request_that_it_had_and_no_other(client, service, caplog):
    client.post("/predict", json=rows(2_000))

    async def killed():
        os.kill(service.bulk.pid, signal.SIGSTOP)
        large = asyncio.ensure_future(client.asked("POST", "/predict", json=rows(2_000)))
        await asyncio.sleep(0.01)
        os.kill(service.bulk.pid, signal.SIGKILL)
        return await large

    reply = client.run(killed())
    assert reply.status_code == 503
    assert "Send fewer rows at once" in reply.json()["detail"]
    assert reply.headers["retry-after"] == "1"
    assert "ended with -9" in caplog.text
    assert client.post("/predict", json=rows(1)).status_code == 200
    assert client.post("/predict", json=rows(2_000)).status_code == 200


def test_the_process_takes_no_module_of_the_projects_folder_that_pythons_path_names(
    client, service, flats, monkeypatch
):
    for name in ("json", "msgspec"):
        (flats.project.root / f"{name}.py").write_text("raise ImportError\n")
    monkeypatch.setenv("PYTHONPATH", str(flats.project.root))
    if service.bulk.pid is not None:
        os.kill(service.bulk.pid, signal.SIGKILL)
        assert client.post("/predict", json=rows(2_000)).status_code == 503
    try:
        assert client.post("/predict", json=rows(2_000)).status_code == 200
    finally:
        for name in ("json", "msgspec"):
            (flats.project.root / f"{name}.py").unlink()


def test_the_process_ends_when_nothing_large_has_come_for_a_while(client, service, monkeypatch):
    monkeypatch.setattr("slipway.serve.bulk.process.IDLE_SECONDS", 0.01)

    async def until_it_ended():
        reply = await client.asked("POST", "/predict", json=rows(2_000))
        while service.bulk.pid is not None:
            await asyncio.sleep(0.01)
        return reply.status_code

    assert client.run(until_it_ended()) == 200
    assert client.post("/predict", json=rows(2_000)).status_code == 200


def test_a_new_version_answers_large_requests_too(client, service, flats):
    flats.release(2)
    service.live.look()
    told = client.post("/predict", json=rows(2_000)).json()
    assert told["version"] == 2
    assert told["predictions"][-1]["prediction"] in flats.labels(2)


def test_a_spool_that_can_not_be_used_is_503_without_its_path(client, service, flats):
    service.writer.close()
    spool = flats.settings.spool
    spool.mkdir(exist_ok=True)
    spool.rename(spool.with_name("away"))
    spool.write_text("no folder")
    try:
        reply = client.post("/predict", json=rows(2_000))
        assert reply.status_code == 503
        assert "The journal can't be used now" in reply.json()["detail"]
        assert "spool" not in reply.text
    finally:
        spool.unlink()
        spool.with_name("away").rename(spool)
