import pytest

from prefects import prefects
from slipway.schedule.server import PrefectAway, PrefectRefused, PrefectServer


def test_a_server_without_protection_is_asked_for_a_token_once():
    with prefects() as held:
        server = PrefectServer(held.url)
        for name in ("one", "two"):
            server.post("/flows/", {"name": name})
        assert held.flows == ["one", "two"]
        assert held.tokens_given == 1


def test_a_token_that_has_run_out_is_had_anew():
    with prefects() as held:
        held.token = "first"
        server = PrefectServer(held.url)
        server.post("/flows/", {"name": "one"})
        held.token = "second"
        server.post("/flows/", {"name": "two"})
        assert held.flows == ["one", "two"]
        assert held.tokens_given == 2


def test_one_that_is_not_there_is_away():
    with prefects() as held:
        held.stop()
        with pytest.raises(PrefectAway, match=r"Prefect at http://127\.0\.0\.1:\d+/api does not answer: .*refused"):
            PrefectServer(held.url).get("/flow_runs/x")


@pytest.mark.parametrize("status", [500, 503, 429])
def test_one_that_is_not_well_may_answer_later(status):
    with prefects() as held:
        held.status = status
        with pytest.raises(PrefectAway, match=f"is not well: {status} "):
            PrefectServer(held.url).get("/flow_runs/x")


def test_who_asks_is_said_as_prefect_has_it(monkeypatch):
    with prefects() as held:
        held.status = 401
        with pytest.raises(PrefectRefused, match=r"refuses GET /flow_runs/x: 401 .*said so.*PREFECT_API_KEY"):
            PrefectServer(held.url).get("/flow_runs/x")


def test_an_address_without_api_is_told_apart():
    with prefects() as held, pytest.raises(PrefectRefused, match=r"404 .*Does PREFECT_API_URL end with /api\?"):
        PrefectServer(held.url.removesuffix("/api") + "/wrong").post("/nothing", {})


def test_an_address_that_is_none_is_refused():
    with pytest.raises(PrefectRefused, match="PREFECT_API_URL is an address such as"):
        PrefectServer("prefect-server:4200").get("/health")
