import time

import pytest

from slipway.errors import OutsideError
from slipway.journal import read_spool
from slipway.serve.access.admit import Access, is_loopback
from slipway.serve.access.denied import Denied
from slipway.serve.access.known import KnownTokens
from slipway.serve.access.tokens import TokenBook, usable
from slipway.serve.http.refusal import Refusal

ROW = {"area": "50 m2", "rooms": 2, "street": "Main"}
PLACES = [
    ("POST", "/predict", "predict"),
    ("POST", "/predict/batch", "predict"),
    ("POST", "/price", "predict"),
    ("POST", "/predict_area", "predict"),
    ("POST", "/feedback", "feedback"),
    ("GET", "/predictions/nobody", "read"),
    ("GET", "/data/sample", "read"),
    ("GET", "/model", "read"),
    ("GET", "/model/features", "read"),
    ("GET", "/model/classes", "read"),
    ("GET", "/metrics", "read"),
    ("GET", "/openapi.json", "read"),
    ("GET", "/", "read"),
    ("GET", "/wp-admin", "read"),
]


@pytest.fixture
def live(flats, service):
    flats.release(1)
    service.live.look()
    return service


@pytest.fixture
def give(flats, live):
    """Makes a token that the service knows, as the header to send."""

    def giving(name, *scopes):
        token = TokenBook(flats.storage.tokens).add(name, scopes)
        live.access.look()
        return {"Authorization": f"Bearer {token}"}

    return giving


def test_without_tokens_nobody_on_this_machine_has_to_say_who_they_are(client, live):
    assert client.post("/predict", json=ROW).status_code == 200
    assert client.get("/model").status_code == 200


def test_a_token_that_nobody_knows_is_refused_where_none_is_needed_too(client, live):
    # The last one that there was may have been revoked: its holder is told so, instead of being served like anybody.
    headers = {"Authorization": "Bearer slw_revoked"}
    for method, path in (("POST", "/predict"), ("GET", "/model")):
        assert client.ask(method, path, headers=headers).status_code == 401
    assert client.get("/health", headers=headers).status_code == 200


@pytest.mark.parametrize(("method", "path", "scope"), PLACES)
def test_every_place_asks_for_its_scope(client, give, method, path, scope):
    others = [other for other in ("predict", "feedback", "read") if other != scope]
    too_little, enough, all_of_them = give("a", *others), give("b", scope), give("c", "operate")
    missing = client.ask(method, path)
    assert missing.status_code == 401
    assert missing.headers["www-authenticate"] == 'Bearer realm="slipway"'
    assert f"slipway tokens add NAME --scope {scope}" in missing.json()["detail"]
    unknown = client.ask(method, path, headers={"Authorization": "Bearer slw_nobody"})
    assert unknown.status_code == 401
    assert 'error="invalid_token"' in unknown.headers["www-authenticate"]
    refused = client.ask(method, path, headers=too_little)
    assert refused.status_code == 403
    assert f'scope="{scope}"' in refused.headers["www-authenticate"]
    assert f"The token `a` has the scope {', '.join(sorted(others))}; this needs {scope}." in refused.json()["detail"]
    for token in (enough, all_of_them):
        assert client.ask(method, path, headers=token).status_code not in (401, 403)


def test_the_documentations_page_is_open_and_what_it_shows_is_not(client, give):
    give("a", "read")
    assert client.get("/docs").status_code == 200
    assert client.get("/openapi.json").status_code == 401
    assert client.post("/docs", json={}).status_code == 401


def test_what_is_refused_is_not_scored(client, give, flats):
    read = give("a", "read")
    assert client.post("/predict", json=ROW, headers=read).status_code == 403
    assert client.post("/predict", json=ROW).status_code == 401
    assert read_spool(flats.settings.spool) == []


@pytest.mark.parametrize(
    "path", ["/feedback", "/feedback/", "/feedback%0A", "//feedback", "/FEEDBACK", "/feedback?a=b"]
)
def test_no_spelling_of_a_path_gives_more_than_the_scope(client, give, path):
    predict, read = give("a", "predict"), give("b", "read")
    key = client.post("/predict", json=ROW, headers=predict).json()["id"]
    reply = client.post(path, json={"id": key, "truth": "cheap1"}, headers=read)
    assert reply.status_code == 403


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic c2hvcDpzaG9w", "slw_x", "Bearer \xff\xfe"])
def test_what_is_no_bearer_token_is_401(client, give, header):
    give("a", "read")
    assert client.get("/model", headers={"Authorization": header.encode("latin-1")}).status_code == 401


def test_the_word_bearer_may_have_any_case(client, give):
    token = give("a", "read")["Authorization"].removeprefix("Bearer ")
    assert client.get("/model", headers={"authorization": f"bEARER {token}"}).status_code == 200


def test_health_says_that_it_lives_to_anybody_and_more_to_a_reader(client, give):
    read, predict = give("a", "read"), give("b", "predict")
    for headers in ({}, predict, {"Authorization": "Bearer slw_nobody"}):
        reply = client.get("/health", headers=headers)
        assert (reply.status_code, reply.json()) == (200, {"status": "ok", "live": True, "ready": True})
    assert client.get("/health", headers=read).json()["dependencies"]["journal"]["ok"] is True


def test_feedback_is_told_by_the_tokens_name(client, give, live):
    operate = give("shop", "operate")
    key = client.post("/predict", json=ROW, headers=operate).json()["id"]
    assert client.post("/feedback", json={"id": key, "truth": "dear1"}, headers=operate).status_code == 200
    (truth,) = client.get(f"/predictions/{key}", headers=operate).json()["truths"]
    assert truth["source"] == "token:shop"


def test_without_tokens_feedback_is_told_by_the_api(client, live):
    key = client.post("/predict", json=ROW).json()["id"]
    client.post("/feedback", json={"id": key, "truth": "dear1"})
    assert client.get(f"/predictions/{key}").json()["truths"][0]["source"] == "api"


def test_a_new_and_a_revoked_token_are_noticed_within_a_second(client, live, flats):
    book = TokenBook(flats.storage.tokens)
    live.access.start()
    first, kept = book.add("first", ["read"]), book.add("kept", ["read"])
    time.sleep(1)
    assert client.get("/model").status_code == 401
    assert client.get("/model", headers={"Authorization": f"Bearer {first}"}).status_code == 200
    book.revoke("first")
    time.sleep(1)
    assert client.get("/model", headers={"Authorization": f"Bearer {first}"}).status_code == 401
    assert client.get("/model", headers={"Authorization": f"Bearer {kept}"}).status_code == 200


def test_what_is_refused_is_counted_under_no_path_of_a_scanners(client, give):
    read = give("a", "read")
    client.get("/wp-admin")
    client.post("/predict", json=ROW)
    text = client.get("/metrics", headers=read).text
    assert 'slipway_requests_total{route="other",status="401"} 1' in text
    assert 'slipway_requests_total{route="/predict",status="401"} 1' in text
    assert "wp-admin" not in text


def test_the_document_says_that_a_token_is_needed(client, give):
    assert "security" not in client.get("/openapi.json").json()
    document = client.get("/openapi.json", headers=give("a", "read")).json()
    assert document["security"] == [{"token": []}]
    assert document["components"]["securitySchemes"]["token"]["scheme"] == "bearer"


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8000", "127.0.0.1", "127.0.0.1:1", "[::1]:8000", "[::1]"])
def test_the_names_of_this_machine_are_answered(client, live, host):
    assert client.post("/predict", json=ROW, headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", "localhost.evil.example", "127.0.0.1.evil", ""])
@pytest.mark.parametrize("path", ["/predict", "/health"])
def test_another_hosts_name_is_refused_while_no_token_is_asked_for(client, give, host, path):
    # The fixture has not made a token yet: this is a service that answers everybody on the machine.
    reply = client.post(path, json=ROW, headers={"Host": host})
    assert reply.status_code == 421
    assert "answers for localhost" in reply.json()["detail"]
    headers = give("a", "predict")
    assert client.post(path, json=ROW, headers={"Host": host, **headers}).status_code != 421


def test_beyond_this_machine_a_token_is_needed_even_when_there_is_none_left(flats):
    book = TokenBook(flats.storage.tokens)
    access = Access(KnownTokens(flats.storage.tokens, flats.settings.state / "tokens.json"), "0.0.0.0")
    headers = [(b"authorization", f"Bearer {book.add('shop', ['operate'])}".encode())]
    access.look()
    assert access.admit("GET", "/model", headers, predicts=False).name == "shop"
    book.revoke("shop")
    access.look()
    for asked in (headers, []):
        with pytest.raises(Denied, match="token") as denied:
            access.admit("GET", "/model", asked, predicts=False)
        assert denied.value.status == 401


class Broken:
    """Tokens in a database that is away."""

    def __init__(self, tokens):
        self.tokens, self.is_away = tokens, True

    def all(self):
        if self.is_away:
            raise OutsideError("state.db: the disk failed.")
        return self.tokens.all()


def test_nobody_is_let_in_before_the_tokens_could_be_read_and_those_known_go_on_after(flats, caplog):
    headers = [(b"authorization", f"Bearer {TokenBook(flats.storage.tokens).add('shop', ['read'])}".encode())]
    tokens = Broken(flats.storage.tokens)
    access = Access(KnownTokens(tokens, flats.settings.state / "tokens.json"), "127.0.0.1")
    access.look()
    with pytest.raises(Refusal, match="the tokens can't be read now") as refused:
        access.admit("GET", "/model", headers, predicts=False)
    assert refused.value.status == 503
    assert "the disk failed" in caplog.text
    assert access.admit("GET", "/health", [], predicts=False).scopes == frozenset()
    tokens.is_away = False
    access.look()
    tokens.is_away = True
    access.look()
    access.look()
    assert access.admit("GET", "/model", headers, predicts=False).name == "shop"
    assert caplog.text.count("the disk failed") == 2  # once each time that it went away


@pytest.mark.parametrize(
    ("host", "is_so"),
    [("localhost", True), ("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("0.0.0.0", False), ("::", False),
     ("192.168.1.5", False), ("example.org", False), ("", False), ("localhost.example.org", False)],
)  # fmt: skip
def test_what_this_machine_alone_reaches(host, is_so):
    assert is_loopback(host) is is_so


def test_an_expired_token_is_refused_and_the_door_stays_shut(client, flats, live):
    book = TokenBook(flats.storage.tokens)
    token = book.add("shop", ["predict"], days=1e-9)
    live.access.look()
    time.sleep(1.1)  # a second is as finely as it is kept
    answer = client.post("/predict", json=ROW, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401
    assert "The token `shop` has expired" in answer.json()["detail"]
    assert client.post("/predict", json=ROW).status_code == 401
    assert client.get("/health", headers={"Authorization": f"Bearer {token}"}).json().keys() == {
        "status", "live", "ready"
    }  # fmt: skip
    assert usable(book.all()) == []


def test_the_log_counts_who_was_denied(client, give, caplog):
    give("shop", "predict")
    client.post("/predict", json=ROW, headers={"Authorization": "Bearer slw_guess"})
    said = " ".join(caplog.messages)
    assert "requests were denied: 1 with an unknown token; from 127.0.0.1 (1)" in said
    assert "slw_guess" not in said
