"""Forms of the project's own: a status for the whole API, aliases, batches of which rows fail alone, what GET tells."""

from dataclasses import replace

import pytest

from slipway.project import Api, Route

ROW = {"area": "50 m2", "rooms": 2, "street": "Main"}


@pytest.fixture(autouse=True)
def form(flats):
    """As a document's API has it; the routes are in the bundle, so before anything is released."""
    routes = (
        Route("/predict/batch", "from_samples", "to_samples", invalid_status=400, partial=True),
        Route("/rows", None, None, invalid_status=400, partial=True),
        Route("/health", None, None, get="health"),
        Route("/model/info", None, None, get="health"),
        Route("/model/broken", None, None, get="broken"),
    )
    aliases = {"/status": "/health", "/v1/predict": "/predict", "/v1/info": "/model/info"}
    flats.project = replace(flats.project, api=Api(routes=routes, aliases=aliases, invalid_status=400))


@pytest.fixture
def live(flats, service):
    flats.release(1)
    service.live.look()
    return service


@pytest.mark.parametrize("path", ["/predict", "/v1/predict", "/predict/"])
def test_an_alias_and_a_slash_at_the_end_answer_as_the_path_itself(client, live, path):
    assert client.post(path, json=ROW).json()["prediction"] == "cheap1"


def test_a_wrong_body_has_one_status_on_every_path(client, live):
    key = client.post("/predict", json=ROW).json()["id"]
    assert client.post("/predict", json={"area": 3}).status_code == 400
    assert client.post("/predict", json={**ROW, "street": "nowhere"}).status_code == 400
    assert client.post("/predict/batch", json={"sample": []}).status_code == 400
    assert client.post("/feedback", json={"id": key, "truth": 3}).status_code == 400
    assert client.post("/feedback", json={"id": "nobody", "truth": "dear1"}).status_code == 404


def test_rows_that_are_wrong_fail_alone_and_are_counted(client, live, flats):
    from slipway.journal import read_spool

    samples = [ROW, {**ROW, "area": 3}, {**ROW, "street": "nowhere"}, "no row", {}, {**ROW, "area": "150 m2"}]
    reply = client.post("/predict/batch", json={"samples": samples})
    told = reply.json()
    assert reply.status_code == 200
    assert {k: told[k] for k in ("total_samples", "successful", "failed")} == {
        "total_samples": 6,
        "successful": 2,
        "failed": 4,
    }
    cheap, mistyped, unknown, none, refused, dear = told["predictions"]
    assert (cheap, dear, refused) == ("cheap1", "dear1", "no rooms")
    assert "`area`: expected text, got 3" in mistyped
    assert "no street" in unknown
    assert "expected an object" in none
    # What was never scored is no prediction; what a stage could not handle is one that failed.
    kept = read_spool(flats.settings.spool)
    assert [record.error is not None for record in kept] == [False, True, False]
    assert reply.headers["x-prediction-id"].split(",") == [record.id for record in kept]


def test_rows_in_the_standard_form_can_fail_alone_too(client, live):
    told = client.post("/rows", json=[{**ROW, "rooms": "x"}, ROW]).json()
    assert [p["prediction"] for p in told["predictions"]] == [None, "cheap1"]
    assert told["predictions"][0]["id"] is None
    assert "`rooms`" in told["predictions"][0]["error"]
    assert told["failed"] == 1
    nothing = client.post("/rows", json=[3])
    assert (nothing.status_code, nothing.json()["failed"]) == (200, 1)
    assert client.post("/rows", json={**ROW, "rooms": "x"}).status_code == 400  # one object is no batch


@pytest.mark.parametrize("path", ["/health", "/status", "/model/info", "/v1/info"])
def test_get_is_answered_by_the_project_s_function(client, live, path):
    told = {"status": "healthy", "model": "DecisionTreeClassifier", "version": 1}
    assert client.get(path).json() == told
    assert client.ask("HEAD", path).status_code == 200
    reply = client.post(path, json=ROW)
    assert (reply.status_code, reply.headers["allow"]) == (405, "GET, HEAD")


def test_before_a_release_health_is_the_standard_one_and_the_rest_says_why(client):
    for path in ("/health", "/status"):
        reply = client.get(path)
        assert reply.status_code == 503
        assert reply.json()["live"] is True
    reply = client.get("/model/info")
    assert reply.status_code == 503
    assert "Nothing is released yet" in reply.json()["detail"]


def test_a_function_that_fails_is_logged_and_tells_a_stranger_nothing(client, live, caplog):
    reply = client.get("/model/broken")
    assert reply.status_code == 500
    assert "secret" not in reply.text
    assert "the secret of the function" in caplog.text


def test_forms_are_described(client, live):
    endpoints = client.get("/").json()["endpoints"]
    assert endpoints["/status"] == "as /health"
    assert endpoints["/model/info"] == "GET, the project's own form"
    paths = client.get("/openapi.json").json()["paths"]
    assert paths["/model/info"]["get"]["summary"] == "How it is."
    assert set(paths["/health"]) == {"get"}
    assert "400" in paths["/predict"]["post"]["responses"]


def test_an_unknown_path_is_404_with_a_near_miss_and_another_method_405(client, live):
    reply = client.get("/helth")
    assert reply.status_code == 404
    assert "Did you mean `/health`?" in reply.json()["detail"]
    for method, path, allowed in (
        ("PUT", "/predict", "POST"),
        ("DELETE", "/model", "GET"),
        ("GET", "/feedback", "POST"),
        ("DELETE", "/metrics", "GET, HEAD"),
        ("TRACE", "/health", "GET, HEAD"),
    ):
        reply = client.ask(method, path)
        assert (reply.status_code, reply.headers["allow"]) == (405, allowed)
        assert allowed.replace(", ", " and ") in reply.json()["detail"]


def test_a_form_of_the_projects_own_asks_for_the_scope_of_what_it_does(client, live, flats):
    from slipway.serve.access.tokens import TokenBook

    book = TokenBook(flats.storage.tokens)
    caller, reader = ({"Authorization": f"Bearer {book.add(name, [name])}"} for name in ("predict", "read"))
    live.access.look()
    for path in ("/rows", "/v1/predict"):
        assert client.post(path, json=[ROW]).status_code == 401
        assert client.post(path, json=[ROW], headers=reader).status_code == 403
        assert client.post(path, json=[ROW], headers=caller).status_code == 200
    for path in ("/v1/info", "/model/info"):
        assert client.get(path).status_code == 401
        assert client.get(path, headers=caller).status_code == 403
        assert client.get(path, headers=reader).status_code == 200
    for path in ("/health", "/status"):
        assert client.get(path).json() == {"status": "ok", "live": True, "ready": True}
        assert client.get(path, headers=reader).json() != client.get(path).json()


NUMPY = """

def asked(body):
    import numpy as np
    import pandas as pd
    return pd.DataFrame([{"area": np.str_(f"{area} m2"), "rooms": np.int64(2), "street": "Main"} for area in body])


def given(rows, predictions, model):
    import numpy as np
    if rows[0]["area"] == "13 m2":
        return _unlucky(rows)
    share = np.float32("inf") if rows[0]["area"] == "14 m2" else np.float32(0.25)
    return {"cheap": np.array([p.prediction == model.classes[0] for p in predictions]), "share": share}


def _unlucky(rows):
    return rows[99]


def told(model, health):
    import numpy as np
    return {"version": np.int64(model.version), "since": np.datetime64("2024-01-31"), "share": float("nan")}
"""


@pytest.fixture
def numpy_routes(flats, service):
    flats.stages += NUMPY
    routes = (Route("/out", "asked", "given", invalid_status=400), Route("/told", None, None, get="told"))
    flats.project = replace(flats.project, api=Api(routes=routes))
    flats.release(1)
    service.live.look()


def test_values_of_numpy_and_pandas_from_a_projects_functions_are_json(client, numpy_routes):
    assert client.post("/out", json=[50, 150]).json() == {"cheap": [True, False], "share": 0.25}
    assert client.get("/told").json() == {"version": 1, "since": "2024-01-31", "share": None}


@pytest.mark.parametrize(
    ("body", "where", "why"),
    [([13], "in _unlucky", "IndexError"), ([14], "in given", "['share'] is inf, and JSON has no infinity")],
)
def test_a_failure_of_the_projects_code_says_file_line_and_function_in_the_log(
    client, numpy_routes, caplog, body, where, why
):
    reply = client.post("/out", json=body)
    assert (reply.status_code, reply.json()) == (500, {"detail": "`given` failed; see the log."})
    record = next(record for record in caplog.records if "failed" in record.message)
    assert record.message.startswith("`given` failed: ")
    assert f"/stages.py:{record.message.partition('stages.py:')[2].partition(',')[0]}, {where}" in record.message
    assert why in caplog.text


def test_the_health_that_the_gate_tries_get_functions_with_has_what_a_services_has(service):
    from slipway.gate.routes import HEALTH

    assert HEALTH.keys() == service.health().keys()
    assert HEALTH["dependencies"].keys() == service.health()["dependencies"].keys()
    assert HEALTH["dependencies"]["journal"].keys() == service.health()["dependencies"]["journal"].keys()
