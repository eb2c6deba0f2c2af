import pytest

from slipway.journal import read_spool
from slipway.serve.access.cross_site import cross_site_sign
from slipway.serve.access.tokens import TokenBook

ROW = {"area": "50 m2", "rooms": 2, "street": "Main"}
OWN_PAGE = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}
FOREIGN = {
    "another site": {"Origin": "https://other.example", "Sec-Fetch-Site": "cross-site", "Content-Type": "text/plain"},
    "its Origin alone": {"Origin": "https://other.example"},
    "a sandboxed frame, or a file": {"Origin": "null"},
    "another port of this machine": {"Origin": "http://localhost:3000", "Sec-Fetch-Site": "same-site"},
    "another name of this machine": {"Origin": "http://127.0.0.1"},
    "a name that begins alike": {"Origin": "http://localhost.other.example"},
    "another scheme": {"Origin": "ftp://localhost"},
    "an extension": {"Origin": "chrome-extension://abc"},
    "a proxy's page that says it is the same": {"Origin": "https://other.example", "Sec-Fetch-Site": "same-origin"},
    "an empty Origin": {"Origin": ""},
    "no Origin": {"Sec-Fetch-Site": "cross-site"},
    "a sub-domain's page without Origin": {"Sec-Fetch-Site": "same-site"},
    "a word to come": {"Sec-Fetch-Site": "somewhere-else"},
    "in capitals": {"Origin": "HTTPS://OTHER.EXAMPLE", "Sec-Fetch-Site": "CROSS-SITE"},
    "a form": {"Content-Type": "application/x-www-form-urlencoded"},
    "a form with a file": {"Content-Type": "multipart/form-data; boundary=x"},
    "a form as text": {"Content-Type": "Text/Plain;charset=UTF-8"},
}


@pytest.fixture
def live(flats, service):
    flats.release(1)
    service.live.look()
    return service


@pytest.mark.parametrize("headers", FOREIGN.values(), ids=FOREIGN)
def test_another_sites_page_changes_nothing_on_this_machine(client, live, flats, headers):
    key = client.post("/predict", json=ROW).json()["id"]
    before = read_spool(flats.settings.spool)
    for method, path, body in (
        ("POST", "/predict", ROW),
        ("POST", "/predict/batch", [ROW]),
        ("POST", "/price", {"flat": {"area": "50 m2"}}),
        ("POST", "/feedback", {"id": key, "truth": "dear1"}),
        ("POST", "/feedback/", {"id": key, "truth": "dear1"}),
        ("PUT", "/predict", ROW),
        ("DELETE", "/predictions/" + key, None),
        ("POST", "/nowhere", ROW),
    ):
        reply = client.ask(method, path, json=body, headers={"Content-Type": "application/json", **headers})
        assert reply.status_code == 403, (method, path)
        assert "another site" in reply.json()["detail"]
    assert read_spool(flats.settings.spool) == before


@pytest.mark.parametrize("headers", FOREIGN.values(), ids=FOREIGN)
def test_what_changes_nothing_can_be_linked_to(client, live, headers):
    for path in ("/", "/health", "/model"):
        assert client.get(path, headers=headers).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [{}, OWN_PAGE, {"Sec-Fetch-Site": "none"}, {"Origin": "http://localhost:80"},
     {"Origin": "https://flats.example", "X-Forwarded-Host": "flats.example"},
     {"Origin": "http://localhost:8080", "Sec-Fetch-Site": "same-origin"},
     {"Content-Type": "application/json; charset=utf-8"}, {"Content-Type": "application/x-ndjson"}],
    ids=str,
)  # fmt: skip
def test_a_client_and_the_services_own_page_go_on(client, live, headers):
    reply = client.post("/predict", json=ROW, headers={"Content-Type": "application/json", **headers})
    assert reply.status_code == 200


def test_a_token_says_more_than_an_origin(client, live, flats):
    token = TokenBook(flats.storage.tokens).add("page", ["predict"])
    live.access.look()
    headers = {"Origin": "https://other.example", "Sec-Fetch-Site": "cross-site"}
    assert client.post("/predict", json=ROW, headers=headers).status_code == 401
    headers["Authorization"] = f"Bearer {token}"
    assert client.post("/predict", json=ROW, headers=headers).status_code == 200


def test_how_often_it_was_tried_is_in_the_log(client, live, caplog):
    client.post("/predict", json=ROW, headers={"Origin": "null"})
    assert "1 with signs of another site" in caplog.text


@pytest.mark.parametrize(
    ("origin", "host", "is_own"),
    [
        (b"http://127.0.0.1:8000", b"127.0.0.1:8000", True),
        (b"http://[::1]:8000", b"[::1]:8000", True),
        (b"http://[::1]", b"[::1]:80", True),
        (b"https://localhost", b"localhost:443", True),
        (b"https://localhost", b"localhost", True),
        (b"http://LOCALHOST:8000", b"localhost:8000", True),
        (b"http://127.0.0.1:8001", b"127.0.0.1:8000", False),
        (b"http://[::2]:8000", b"[::1]:8000", False),
        (b"http://[::1]:8000", b"localhost:8000", False),
        (b"http://localhost", b"localhost:8000", False),
        (b"localhost:8000", b"localhost:8000", False),
        (b"http://localhost:8000@evil.example", b"localhost:8000", False),
    ],
)
def test_an_origin_is_own_where_its_host_and_port_are_those_asked(origin, host, is_own):
    assert (cross_site_sign([(b"host", host), (b"origin", origin)]) is None) == is_own


def test_of_two_origins_each_has_to_be_own():
    headers = [(b"host", b"localhost"), (b"origin", b"http://localhost"), (b"origin", b"https://other.example")]
    assert "other.example" in cross_site_sign(headers)


def test_two_hosts_are_refused_whoever_asks(client, live, flats):
    token = TokenBook(flats.storage.tokens).add("shop", ["operate"])
    for headers in ([], [("Authorization", f"Bearer {token}")]):
        live.access.look()
        for path in ("/health", "/predict", "/nowhere"):
            reply = client.get(path, headers=[("Host", "localhost"), ("Host", "localhost"), *headers])
            assert reply.status_code == 400
            assert "more than one Host" in reply.json()["detail"]
