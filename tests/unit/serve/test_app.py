import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slipway.errors import OutsideError
from slipway.journal import read_spool
from slipway.records import Decision
from slipway.serve.access.tokens import TokenBook
from slipway.serve.batch import MAX_REQUESTS
from slipway.serve.drift import LatestDrift
from slipway.serve.http.body import MAX_BODY_BYTES

ROW = {"area": "50 m2", "rooms": 2, "street": "Main"}

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
)
nearly_rows = st.fixed_dictionaries({}, optional={name: st.just(value) | anything for name, value in ROW.items()})


@pytest.fixture
def live(flats, service):
    flats.release(1)
    service.live.look()
    return service


def test_one_object_is_answered_and_journalled(client, live, flats):
    reply = client.post("/predict", json=ROW)
    told = reply.json()
    assert reply.status_code == 200
    assert told == {
        "id": reply.headers["x-prediction-id"],
        "prediction": "cheap1",
        "probabilities": {"cheap1": 1.0, "dear1": 0.0},
        "version": 1,
    }
    (kept,) = read_spool(flats.settings.spool)
    assert (kept.id, kept.version, kept.row, kept.prediction) == (told["id"], 1, ROW, "cheap1")
    assert kept.probabilities == told["probabilities"]
    assert 0 < kept.latency_ms < 10_000


@pytest.mark.parametrize("path", ["/predict", "/predict/batch"])
def test_a_list_and_columns_give_the_same_answers(client, live, path):
    rows = [ROW, {**ROW, "area": "150 m2", "rooms": None}]
    columns = {name: [row[name] for row in rows] for name in ROW}
    for body in (rows, columns):
        reply = client.post(path, json=body)
        told = reply.json()
        assert [p["prediction"] for p in told["predictions"]] == ["cheap1", "dear1"]
        assert told["version"] == 1
        assert reply.headers["x-prediction-id"].split(",") == [p["id"] for p in told["predictions"]]
    assert client.post(path, json=[]).json() == {"predictions": [], "version": 1}


def test_an_unseen_category_is_scored(client, live):
    assert client.post("/predict", json={**ROW, "street": "Never seen"}).status_code == 200


def test_many_ids_are_in_the_body_alone(client, live):
    reply = client.post("/predict", json=[ROW] * 101)
    assert "x-prediction-id" not in reply.headers
    assert len({p["id"] for p in reply.json()["predictions"]}) == 101
    assert len(client.post("/predict", json=[ROW] * 100).headers["x-prediction-id"].split(",")) == 100


def test_a_row_that_a_stage_cannot_handle_fails_alone(client, live, flats):
    nowhere = {**ROW, "street": "nowhere"}
    told = client.post("/predict", json=[ROW, nowhere, ROW]).json()["predictions"]
    assert [p["prediction"] for p in told] == ["cheap1", None, "cheap1"]
    assert "no street `nowhere`" in told[1]["error"]
    assert "error" not in told[0]
    reply = client.post("/predict", json=nowhere)
    assert reply.status_code == 422
    assert "no street `nowhere`" in reply.json()["detail"][0]["message"]
    assert [r.error is not None for r in read_spool(flats.settings.spool)] == [False, True, False, True]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"no json", 400),
        (b'{"area": NaN, "rooms": 2, "street": "Main"}', 400),
        (b"[" * 100_000, 400),
        (b"3", 422),
        (b"null", 422),
        (b"{}", 422),
        (b"[3]", 422),
        (b"[[]]", 422),
        (b'{"area": [], "rooms": [1], "street": []}', 422),
        (b'{"area": 50, "rooms": 2, "street": "Main"}', 422),
        (b'{"area": "50 m2", "rooms": true, "street": "Main"}', 422),
        (b'{"area": "50 m2", "rooms": "2", "street": "Main"}', 422),
        (b'{"area": "50 m2", "rooms": 2.5, "street": "Main"}', 422),
        (b'{"area": "50 m2", "rooms": 99999999999999999999999999, "street": "Main"}', 422),
        (b'{"area": null, "rooms": 2, "street": "Main"}', 422),
        (b'{"area": {"a": {}}, "rooms": 2, "street": "Main"}', 422),
        (b'{"area": "50 m2", "room": 2, "street": "Main"}', 422),
        (b'{"area": "no number", "rooms": 2, "street": "Main"}', 422),
        (b'{"area": "\\u0000", "rooms": 2, "street": "Main"}', 422),
        (b"[" + b"{}," * 100_000 + b"{}]", 413),
        (b" " * (MAX_BODY_BYTES + 1), 413),
    ],
)
def test_a_wrong_body_is_the_callers_error_and_journals_no_answer(client, live, flats, body, status):
    reply = client.post("/predict", content=body)
    assert reply.status_code == status, reply.text
    assert reply.json()["detail"]
    assert all(record.error for record in read_spool(flats.settings.spool))


def test_a_near_miss_is_suggested(client, live):
    detail = client.post("/predict", json={"area": "5 m2", "room": 2, "street": "Main"}).json()["detail"]
    messages = {d["field"]: d["message"] for d in detail}
    assert "missing" in messages["rooms"]
    assert "Did you mean `rooms`?" in messages["room"]


def test_nothing_released_is_said(client):
    for path in ("/predict", "/price", "/model", "/data/sample"):
        reply = client.get(path) if path in ("/model", "/data/sample") else client.post(path, json=ROW)
        assert reply.status_code == 503
        assert "Nothing is released yet" in reply.json()["detail"]
    health = client.get("/health")
    assert health.status_code == 503
    assert health.json()["live"] is True
    assert health.json()["ready"] is False
    assert client.get("/", headers={"Accept": "text/html"}).status_code == 200
    assert client.get("/openapi.json").status_code == 200


def test_other_methods_are_told_what_is_taken(client, live):
    reply = client.get("/predict")
    assert reply.status_code == 405
    assert reply.headers["allow"] == "POST"


def test_a_full_disk_is_503_and_acknowledges_nothing(client, live, monkeypatch, caplog):
    def full(records):
        raise OutsideError("spool: no space left on device. Free some disk space.")

    monkeypatch.setattr(type(live.writer), "write", lambda self, records: full(records))
    reply = client.post("/predict", json=ROW)
    assert reply.status_code == 503
    assert "The journal can't be used now" in reply.json()["detail"]
    assert "no space left" not in reply.text
    assert "no space left" in caplog.text
    assert "x-prediction-id" not in reply.headers


def test_a_spool_that_cannot_be_used_is_503_and_the_log_alone_says_where_it_is(client, live, caplog):
    live.settings.spool.write_text("no folder")
    for reply in (
        client.post("/predict", json=ROW),
        client.get("/predictions/nobody"),
        client.post("/feedback", json={"id": "nobody", "truth": "dear1"}),
    ):
        assert reply.status_code == 503
        assert "The journal can't be used now" in reply.json()["detail"]
        assert "spool" not in reply.text
    assert str(live.settings.spool) in caplog.text
    told = client.get("/health").json()["dependencies"]["journal"]["reason"]
    assert told.startswith(".slipway/spool: ")
    assert str(live.settings.root) not in told
    assert "slipway_journal_backlog_bytes NaN" in client.get("/metrics").text
    assert not client.get("/health").json()["dependencies"]["journal"]["ok"]
    live.settings.spool.unlink()


def test_a_route_of_the_projects_takes_and_gives_its_own_form(client, live, flats):
    reply = client.post("/price", json={"flat": {"area": "150 m2"}})
    assert reply.json() == {"price": "dear1", "by": "flats 1 ('cheap1', 'dear1')"}
    (kept,) = read_spool(flats.settings.spool)
    assert reply.headers["x-prediction-id"] == kept.id
    assert kept.row == {"area": "150 m2", "rooms": None, "street": "Main"}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "Say which flat."),
        ({"flat": {}}, "KeyError"),
        ({"flat": {"area": 3}}, "expected text"),
        ({"flat": {"area": "50 m2", "street": "nowhere"}}, "no street"),
    ],
)
def test_what_is_wrong_with_its_form_has_its_status(client, live, body, said):
    reply = client.post("/price", json=body)
    assert reply.status_code == 400
    assert said in reply.text


def test_a_response_function_that_fails_is_our_side_and_is_logged(client, live, caplog):
    reply = client.post("/price", json={"flat": {"area": "50 m2", "street": "Broken"}})
    assert reply.status_code == 500
    assert "the response function is broken" in caplog.text
    assert "broken" not in reply.text


def test_a_request_function_may_give_several_rows(client, live):
    told = client.post("/predict_area", json={"areas": ["50 m2", "150 m2"]}).json()
    assert [p["prediction"] for p in told["predictions"]] == ["cheap1", "dear1"]
    assert client.post("/predict_area", json={}).status_code == 422


def test_an_answer_is_looked_up_before_and_after_it_is_shipped(client, live):
    key = client.post("/predict", json=ROW).json()["id"]
    before = client.get(f"/predictions/{key}")
    assert before.status_code == 200
    assert before.json()["row"] == ROW
    assert before.json()["truth"] is None
    assert live.shipper.ship() == 1
    assert client.get(f"/predictions/{key}").json() == before.json()
    assert client.get("/predictions/nobody").status_code == 404


def test_feedback_once_again_contradicted_and_corrected(client, live):
    key = client.post("/predict", json=ROW).json()["id"]

    def give(truth, **more):
        reply = client.post("/feedback", json={"id": key, "truth": truth, **more})
        return reply.status_code, reply.json().get("outcome")

    assert give("dear1") == (200, "kept")
    assert give("dear1") == (200, "known")
    assert give("cheap1") == (409, None)
    live.shipper.ship()
    assert give("cheap1") == (409, None)
    assert give("cheap1", correct=True) == (200, "corrected")
    told = client.get(f"/predictions/{key}").json()
    assert told["truth"] == "cheap1"
    assert [t["truth"] for t in told["truths"]] == ["dear1", "cheap1"]


def test_a_list_of_truths_is_kept_whole_or_not_at_all(client, live):
    one, other = (client.post("/predict", json=ROW).json()["id"] for _ in "ab")
    truths = [{"id": one, "truth": "dear1"}, {"id": "nobody", "truth": "dear1"}]
    assert client.post("/feedback", json=truths).status_code == 404
    assert client.get(f"/predictions/{one}").json()["truth"] is None
    reply = client.post("/feedback", json=[{"id": one, "truth": "dear1"}, {"id": other, "truth": "x"}])
    assert [f["outcome"] for f in reply.json()["feedback"]] == ["kept", "kept"]


@pytest.mark.parametrize(
    "body",
    [3, "x", {}, {"id": 3, "truth": "a"}, {"id": "a"}, {"id": "a", "truth": None}, {"id": "a", "truth": ["x"]}, [3],
     {"id": "a", "truth": 3}, {"id": "a", "truth": "a", "correct": "yes"}, {"id": "a", "truth": "a", "corect": True}],
)  # fmt: skip
def test_what_is_no_truth_is_refused(client, live, body):
    assert client.post("/feedback", json=body).status_code == 422


def test_what_is_live_is_told(client, live):
    model = client.get("/model").json()
    assert (model["version"], model["target"], model["metrics"]) == (1, "price", {"accuracy": 0.9})
    assert model["released"]["by"] == "tester"
    assert client.get("/model/classes").json() == {"classes": ["cheap1", "dear1"]}
    features = client.get("/model/features").json()["features"]
    assert features[1] == {"name": "rooms", "types": ["integer"], "nullable": True}
    assert len(client.get("/data/sample").json()["rows"]) == 10
    assert client.get("/health").json()["status"] == "ok"
    assert client.get("/").json()["version"] == 1
    assert client.get("/docs").status_code == 200
    assert "slipway_live_version 1" in client.get("/metrics").text


def test_a_row_of_the_sample_can_be_sent_as_it_is_but_for_the_target(client, live):
    row = client.get("/data/sample").json()["rows"][0]
    target = row.pop("price")
    assert client.post("/predict", json=row).json()["prediction"] == target


@pytest.mark.parametrize("path", ["/", "/health", "/model", "/metrics"])
def test_head_is_answered_as_get_is(client, live, path):
    reply = client.ask("HEAD", path)
    assert reply.status_code == client.get(path).status_code == 200


def test_a_bundle_that_is_gone_from_the_disk_goes_on_being_served(client, live):
    folder = live.live.state.live.scorer.bundle.folder
    folder.rename(folder.with_name("away"))
    for path in ("/", "/data/sample", "/model", "/openapi.json"):
        assert client.get(path, headers={"accept": "text/html"}).status_code == 200
    assert client.post("/predict", json=ROW).status_code == 200


def test_unknown_paths_share_one_label_in_the_metrics(client, live):
    for n in range(5):
        client.get(f"/wp-admin/{n}")
    client.get("/predictions/nobody")
    text = client.get("/metrics").text
    assert "wp-admin" not in text
    assert 'slipway_requests_total{route="other",status="404"} 5' in text
    assert 'slipway_requests_total{route="/predictions/{id}",status="404"} 1' in text


def test_the_api_describes_itself_by_the_live_schema(client, live):
    document = client.get("/openapi.json").json()
    row = document["components"]["schemas"]["Row"]
    assert row["required"] == ["area", "rooms", "street"]
    assert set(row["example"]) == {"area", "rooms", "street"}
    price = document["paths"]["/price"]["post"]
    assert price["summary"] == "The area of a flat in a document."
    assert price["responses"]["200"]["content"]["application/json"]["schema"]["additionalProperties"] == {
        "type": "string"
    }
    assert "400" in price["responses"]
    standard = document["paths"]["/predict/batch"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert standard["anyOf"][2]["properties"]["rooms"] == {"type": "array", "items": row["properties"]["rooms"]}
    assert standard["anyOf"][2]["required"] == row["required"]
    feedback = document["paths"]["/feedback"]["post"]
    assert feedback["requestBody"]
    assert {"200", "400", "404", "409", "422"} <= set(feedback["responses"])
    assert set(document["paths"]["/predictions/{id}"]["get"]["responses"]) == {"200", "404"}
    json.dumps(document)


def test_the_page_escapes_what_it_shows_and_runs_its_own_script_alone(client, live):
    reply = client.get("/", headers={"Accept": "text/html,*/*"})
    assert reply.headers["content-type"].startswith("text/html")
    policy = reply.headers["content-security-policy"]
    nonce = policy.split("'nonce-")[1].split("'")[0]
    assert f"<script nonce={nonce}>" in reply.text
    assert "default-src 'none'" in policy
    assert 'name="area" value="20.0 m2"' in reply.text
    assert "version 1 is live" in reply.text
    assert "http://" not in reply.text
    assert "https://" not in reply.text


def test_too_much_waiting_is_503_and_says_when_to_come_back(client, live, monkeypatch):
    monkeypatch.setattr("slipway.serve.batch.MAX_REQUESTS", 0)
    reply = client.post("/predict", json=ROW)
    assert MAX_REQUESTS > 0
    assert reply.status_code == 503
    assert reply.headers["retry-after"] == "1"


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(["/predict", "/price", "/predict_area", "/feedback"]), anything | nearly_rows)
def test_no_body_is_our_fault(client, live, path, body):
    reply = client.post(path, content=json.dumps(body).encode())
    assert reply.status_code in (200, 400, 404, 422), reply.text
    assert reply.json()
    if reply.status_code == 200 and path == "/predict" and isinstance(body, dict):
        assert set(body) == set(ROW) or all(isinstance(column, list) for column in body.values())


def test_health_tells_of_records_that_can_not_be_read_and_of_removing_that_waits(flats, service, client):
    flats.release(1)
    service.live.look()
    spool = flats.settings.spool
    spool.mkdir(parents=True, exist_ok=True)
    (spool / "1-1-x.damaged").write_bytes(b"?")
    assert client.get("/health").json()["dependencies"]["journal"]["damaged_records"] is None
    service.damage.look()
    journal = client.get("/health").json()["dependencies"]["journal"]
    assert (journal["ok"], journal["damaged_records"], journal["retention_postponed"]) == (True, 1, None)
    assert client.get("/predictions/nobody").status_code == 404


def test_another_callers_truth_is_not_corrected(flats, service, client):
    flats.release(1)
    service.live.look()
    tokens = {name: TokenBook(flats.storage.tokens).add(name, ["predict", "feedback"]) for name in ("shop", "other")}
    service.access.look()

    def post(path, body, name):
        return client.post(path, json=body, headers={"Authorization": f"Bearer {tokens[name]}"})

    key = post("/predict", flats.row, "shop").json()["id"]
    assert post("/feedback", {"id": key, "truth": "cheap1"}, "shop").status_code == 200
    refused = post("/feedback", {"id": key, "truth": "dear1", "correct": True}, "other")
    assert refused.status_code == 409
    assert refused.json()["detail"].startswith(f"Another caller's truth is kept of '{key}': only they, or somebody at")
    assert "shop" not in refused.text
    assert post("/feedback", {"id": key, "truth": "dear1", "correct": True}, "shop").json()["outcome"] == "corrected"


def test_without_a_table_library_the_last_check_of_the_version_in_use_is_shown(flats, service):
    def none_here(*arguments):
        raise ModuleNotFoundError("no table library")

    flats.release(1)
    service.live.look()
    drift = LatestDrift(none_here, flats.project, flats.storage.journal, flats.storage.decisions)
    live = service.live.state.live
    assert drift.of(live) is None
    found = {"version": 1, "window": "the last 9 predictions of version 1"}
    flats.storage.decisions.append(Decision("t", "check", "none", "", "2026-01-01T10:00:00+00:00", found))
    for n in range(250):
        other = {**found, "version": 2} if n % 2 else {}
        flats.storage.decisions.append(Decision(f"t{n}", "check", "alarm" if n % 2 else "not told", "", "2026", other))
    assert drift.of(live)["window"].endswith("of version 1, as the loop saw them at 2026-01-01 10:00 UTC")
