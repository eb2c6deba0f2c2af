import io
import logging
import sys
from dataclasses import replace

import polars as pl
import pytest

from slipway.errors import DataError
from slipway.journal import read_spool
from slipway.model.schema import Schema
from slipway.project import Api
from slipway.serve.app import App
from slipway.serve.http.json_body import MAX_DEPTH
from slipway.serve.log import ServiceLog
from slipway.serve.personal import Personal
from slipway.serve.service import open_service

from .conftest import Client

STREET = "Ada Lovelace Street 36"
ROW = {"area": "50 m2", "rooms": 2, "street": STREET}


@pytest.fixture
def opened(flats):
    """Serves the tiny project with what a test marks in its `[api]`; gives the client and the service."""
    parts = []

    def open_with(**marked):
        project = replace(flats.project, api=replace(flats.project.api, **marked))
        flats.release(1)
        service = open_service(project, flats.settings, flats.storage)
        service.access.look()
        service.live.look()
        app = App(service)
        client = Client(app)
        parts.append((client, app, service))
        return client

    yield open_with
    for client, app, service in parts:
        client.close()
        app.close()
        service.stop()


def test_a_personal_column_is_scored_and_not_journalled(opened, flats):
    client = opened(personal=("street",))
    key = client.post("/predict", json=ROW).json()["id"]
    (kept,) = read_spool(flats.settings.spool)
    assert kept.row == {"area": "50 m2", "rooms": 2}
    assert client.get(f"/predictions/{key}").json()["row"] == {"area": "50 m2", "rooms": 2}
    assert STREET.encode() not in b"".join(path.read_bytes() for path in flats.settings.spool.iterdir())


def test_of_the_columns_the_named_ones_alone_are_journalled(opened, flats):
    client = opened(journal=("area",))
    client.post("/predict", json=[ROW, {**ROW, "area": "60 m2"}])
    assert [record.row for record in read_spool(flats.settings.spool)] == [{"area": "50 m2"}, {"area": "60 m2"}]


def test_a_personal_value_that_is_wrong_is_not_repeated(opened):
    client = opened(personal=("street", "rooms"))
    answer = client.post("/predict", json={**ROW, "street": 362_436})
    assert answer.status_code == 422
    assert "362436" not in answer.text
    (problem,) = answer.json()["detail"]
    assert (problem["field"], problem["value"]) == ("street", None)
    assert problem["message"] == "`street`: expected text, got another value, which is personal"


@pytest.mark.parametrize("path", ["/predict", "/predict/batch"])
@pytest.mark.parametrize("body", [{**ROW, "streat": STREET}, [STREET], STREET, [[STREET]]], ids=str)
def test_what_may_be_a_personal_value_in_the_wrong_place_is_not_repeated(opened, path, body):
    answer = opened(personal=("street",)).post(path, json=body)
    assert answer.status_code == 422
    assert "Ada" not in answer.text


def test_why_a_stage_failed_is_told_without_its_words(opened, flats):
    client = opened(personal=("street",))
    answer = client.post("/predict", json={**ROW, "street": "nowhere"})
    assert answer.status_code == 422
    assert "nowhere" not in answer.text
    assert "ValueError" in answer.json()["detail"][0]["message"]
    (kept,) = read_spool(flats.settings.spool)
    assert kept.error.startswith("ValueError: what it says is left out")


def test_without_marks_everything_is_told(opened, flats):
    client = opened()
    assert "there is no street `nowhere`" in client.post("/predict", json={**ROW, "street": "nowhere"}).text
    (kept,) = read_spool(flats.settings.spool)
    assert kept.row["street"] == "nowhere"


@pytest.mark.parametrize("hides_words", [True, False])
def test_an_exception_is_logged_by_place_and_kind_alone_where_something_is_personal(hides_words):
    out = io.StringIO()
    lines = ServiceLog("json", hides_words=hides_words, out=out)
    try:
        raise RuntimeError(STREET)
    except RuntimeError:
        record = logging.LogRecord("slipway.test", logging.ERROR, __file__, 1, "it failed", None, sys.exc_info())
    lines.start()
    lines.emit(record)
    lines.stop()
    assert (STREET in out.getvalue()) is not hides_words
    assert "RuntimeError" in out.getvalue()
    assert "test_personal.py" in out.getvalue()


SCHEMA = Schema.infer(pl.DataFrame({"a": [1], "b": [2], "c": [3]}), unused=("d", "e"))


def journalled(row, **marked):
    return Personal(Api(**marked)).journalled(SCHEMA)(row)


def test_what_is_marked_decides_alone():
    row = {"a": 1, "b": 2, "c": 3}
    assert journalled(row, journal=("a", "b"), personal=("c",)) == {"a": 1, "b": 2}
    assert journalled(row) is row
    assert journalled(row, journal=()) == {}


@pytest.mark.parametrize(
    "passed_over", [1, "text", None, [[[]]], {"a": {"b": []}}, "x" * 100_000], ids=lambda v: str(v)[:9]
)
def test_what_the_schema_passes_over_is_journalled_only_where_it_is_asked_for(passed_over):
    row = {"c": 3, "d": passed_over, "a": 1, "e": passed_over, "b": 2}
    known = {"a": 1, "b": 2, "c": 3}
    assert journalled(row) == known
    assert journalled(row, personal=("c",)) == {"a": 1, "b": 2}
    assert journalled(row, journal=("a", "d", "f")) == {"a": 1, "d": passed_over}
    assert journalled(row, journal=("a", "e"), personal=("d",)) == {"a": 1, "e": passed_over}


def nested(depth):
    value = []
    for _ in range(depth - 1):
        value = [value]
    return value


@pytest.mark.parametrize("odd", [nested(MAX_DEPTH + 1), nested(900), object(), {"a": object()}, {object()}])
def test_what_is_asked_for_and_could_not_be_read_again_is_refused_with_its_name(odd):
    with pytest.raises(DataError, match="`d` can't be journalled"):
        journalled({"a": 1, "b": 2, "c": 3, "d": odd}, journal=("a", "d"))
    assert journalled({"a": 1, "b": 2, "c": 3, "d": nested(MAX_DEPTH)}, journal=("d",)) == {"d": nested(MAX_DEPTH)}
