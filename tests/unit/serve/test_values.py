"""Nulls where training had none, and values that an online stage can't read, as a caller of the service meets them."""

from dataclasses import replace

import pytest

from slipway.model.readings import Reading, Readings
from slipway.project import Api, Route

ROW = {"area": "50 m2", "rooms": 2, "street": "Main"}
UNREAD = {
    "row": 0,
    "field": "area",
    "value": "a lot",
    "expected": "a value that the online stage `flats` can read",
    "message": '`area`: expected a value that the online stage `flats` can read, got "a lot"',
}


@pytest.fixture
def live(flats, service):
    """A release whose stage loses an area that is no number; training had so many of those."""

    def release(lost):
        flats.stages = flats.stages.replace("cast(pl.Float64)", "cast(pl.Float64, strict=False)")
        flats.readings = Readings({"area": Reading(((0, "area"),), lost)}, ("flats",), 60)
        flats.release(1)
        service.live.look()

    return release


def test_a_value_that_a_stage_cannot_read_is_refused_with_field_and_value(client, live):
    live(lost=0)
    reply = client.post("/predict", json={**ROW, "area": "a lot"})
    assert (reply.status_code, reply.json()) == (422, {"detail": [UNREAD]})


@pytest.mark.parametrize("form", ["rows", "columns", "batch"])
def test_of_several_rows_the_one_fails_alone(client, live, form):
    live(lost=0)
    rows = [ROW, {**ROW, "area": "a lot"}, {**ROW, "street": None}, {**ROW, "area": "150 m2"}]
    body = {name: [row[name] for row in rows] for name in ROW} if form == "columns" else rows
    reply = client.post("/predict/batch" if form == "batch" else "/predict", json=body)
    assert reply.status_code == 200
    told = reply.json()["predictions"]
    assert [each["prediction"] for each in told] == ["cheap1", None, None, "dear1"]
    assert told[1]["error"] == UNREAD["message"]
    assert told[1]["unread"] == ["area"]
    assert told[2]["error"] == "`street`: expected text, got null, which the model does not take."


def test_a_null_where_none_is_taken_is_refused_where_it_comes_alone(client, live):
    live(lost=0)
    reply = client.post("/predict", json={**ROW, "street": None})
    assert reply.status_code == 422
    assert [(p["field"], p["value"], p["expected"]) for p in reply.json()["detail"]] == [("street", None, "text")]
    assert client.post("/predict", json=[{**ROW, "street": 1}, {**ROW, "street": None}]).status_code == 422


def test_a_value_such_as_training_had_is_scored_and_named(client, live, flats):
    from slipway.journal import read_spool

    live(lost=3)
    told = client.post("/predict", json={**ROW, "area": "a lot"}).json()
    assert told["prediction"] in flats.labels(1)
    assert told["unread"] == ["area"]
    assert "unread" not in client.post("/predict", json=ROW).json()
    journalled = [record for record in read_spool(flats.settings.spool) if record.id == told["id"]]
    assert [record.row["area"] for record in journalled] == ["a lot"]


@pytest.fixture
def personal(flats):
    routes = (Route("/rows", None, None, invalid_status=400, partial=True),)
    flats.project = replace(flats.project, api=Api(routes=routes, personal=("area",)))


def test_what_is_personal_is_named_and_not_repeated(personal, client, live):
    live(lost=0)
    alone = client.post("/predict", json={**ROW, "area": "a lot"})
    several = client.post("/rows", json=[ROW, {**ROW, "area": "a lot"}])
    assert (alone.json()["detail"][0]["field"], alone.json()["detail"][0]["value"]) == ("area", None)
    assert several.json()["predictions"][1]["error"].startswith("`area`: ")
    assert "a lot" not in alone.text + several.text


OWN_FORM = """

def asked(body):
    return body if isinstance(body, list) else body["flats"]


def given(rows, predictions, model):
    return [answer.prediction for answer in predictions]
"""


@pytest.fixture
def own_form(flats, live):
    flats.stages += OWN_FORM
    routes = (Route("/predict", "asked", "given", invalid_status=400), Route("/rows", "asked", "given", partial=True))
    flats.project = replace(flats.project, api=Api(routes=routes))
    live(lost=0)


def test_a_form_of_the_projects_own_refuses_all_rows_where_one_has_no_answer_unless_it_is_partial(client, own_form):
    rows = [ROW, {**ROW, "area": "a lot"}, {**ROW, "street": None}]
    several = client.post("/predict", json=rows)
    assert several.status_code == 400
    assert several.json()["detail"][0] == {**UNREAD, "row": 1, "message": f"row 1 {UNREAD['message']}"}
    assert [problem["row"] for problem in several.json()["detail"]] == [1, 2]
    only = client.post("/predict", json={"flats": [{**ROW, "area": "a lot"}]})
    assert (only.status_code, only.json()) == (400, {"detail": [UNREAD]})
    assert client.post("/predict", json=[ROW, ROW]).json() == ["cheap1", "cheap1"]
    assert client.post("/rows", json=rows).json() == ["cheap1", None, None]
