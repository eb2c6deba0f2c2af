"""What a service remembers for a start while its database is away, and what it tells meanwhile."""

import pytest

from slipway.errors import OutsideError
from slipway.records import Prediction, Token
from slipway.serve.access.known import KnownTokens
from slipway.serve.live.version import LiveVersion
from slipway.settings import read_settings
from slipway.storage.remembered import recall, remember

ROW = {"area": "50 m2", "rooms": 2, "street": "Main"}


class Away:
    """A database that is away, or was."""

    def __init__(self, there=None):
        self.there, self.is_away = there, True

    def __getattr__(self, name):
        if self.is_away:
            raise OutsideError("the database is away")
        return getattr(self.there, name)


def shop(name="shop"):
    return Token(name, "0" * 64, ("predict",), "2026-01-01T00:00:00+00:00")


def test_a_fact_comes_back_and_a_damaged_one_is_none(tmp_path, caplog):
    path = tmp_path / "made" / "tokens.json"
    assert recall(path, list[Token]) is None
    assert remember(path, [shop()])
    assert recall(path, list[Token]) == [shop()]
    assert path.stat().st_mode & 0o777 == 0o600
    for damaged in ('{"format":1,"kept":[{"name":3}]}', "[1", "[]", '{"format":2,"kept":[]}'):
        caplog.clear()
        path.write_text(damaged)
        assert recall(path, list[Token]) is None
        assert "passed over, since it can't be read" in caplog.text
    assert [each.name for each in path.parent.iterdir()] == ["tokens.json"]


def test_what_can_not_be_kept_is_said_and_stops_nothing(tmp_path, caplog):
    (tmp_path / "file").write_text("")
    assert not remember(tmp_path / "file" / "live.json", shop())
    assert "a start while the database is away would miss it" in caplog.text


def test_the_tokens_that_were_last_seen_stay_valid_over_a_restart(flats):
    path = flats.settings.state / "tokens.json"
    tokens = Away(flats.storage.tokens)
    assert KnownTokens(tokens, path).look() is None, "nobody could ever say"
    tokens.is_away = False
    assert KnownTokens(tokens, path).look() == []
    assert not path.exists(), "of a project without tokens nothing is kept"
    flats.storage.tokens.add(shop())
    KnownTokens(tokens, path).look()
    tokens.is_away = True
    known = KnownTokens(tokens, path)
    assert known.look() == [shop()]
    assert known.problem == "the database is away"
    tokens.is_away = False
    flats.storage.tokens.remove("shop")
    assert known.look() == []
    tokens.is_away = True
    assert KnownTokens(tokens, path).look() == [], "one that was revoked is not remembered"


def test_the_token_of_a_file_is_known_whatever_else_is(flats, tmp_path):
    (tmp_path / "token").write_text("of-the-stack\n")
    settings = read_settings(flats.root, {"SLIPWAY_TOKEN_FILE": str(tmp_path / "token")})
    known = KnownTokens.of(settings, Away())
    (mounted,) = known.look()
    assert mounted.scopes == ("predict", "feedback", "read")
    assert "of-the-stack" not in repr(mounted)
    assert "secrets/api_token" in known.where


def test_what_was_live_is_served_while_the_ledger_is_away(flats):
    path = flats.settings.state / "live.json"
    flats.release(1)
    LiveVersion(flats.storage.ledger, flats.store, path).look()
    ledger = Away(flats.storage.ledger)
    live = LiveVersion(ledger, flats.store, path)
    live.look()
    assert (live.state.live.version, live.state.ledger_problem) == (1, "the database is away")
    flats.release(2)
    ledger.is_away = False
    live.look()
    assert (live.state.live.version, live.state.ledger_problem) == (2, None)
    ledger.is_away = True
    again = LiveVersion(ledger, flats.store, path)
    again.look()
    assert again.state.live.version == 2


def test_a_memory_that_was_changed_is_none(flats):
    path = flats.settings.state / "live.json"
    flats.release(1)
    LiveVersion(flats.storage.ledger, flats.store, path).look()
    path.write_text(path.read_text().replace('"version":1', '"version":7'))
    live = LiveVersion(Away(), flats.store, path)
    live.look()
    assert live.state.live is None


def test_health_names_what_is_away_and_what_waits_is_still_found(client, service, flats):
    flats.release(1)
    service.live.look()
    told = client.post("/predict", json=ROW).json()
    service.live._ledger = Away()
    service.live.look()
    health = client.get("/health")
    assert health.status_code == 200
    assert (health.json()["status"], health.json()["ready"]) == ("degraded", True)
    assert health.json()["dependencies"]["ledger"] == {"ok": False, "reason": "the database is away"}
    assert client.get(f"/predictions/{told['id']}").json()["version"] == 1
    missing = client.get("/predictions/nobody")
    assert missing.status_code == 503
    assert missing.json()["detail"].endswith("can't be told now: the database is away.")
    given = client.post("/feedback", json=[{"id": told["id"], "truth": "cheap1"}, {"id": "before", "truth": "cheap1"}])
    assert [each["outcome"] for each in given.json()["feedback"]] == ["kept", "unchecked"]


def test_health_says_that_the_ledger_is_not_followed_and_predictions_go_on(client, service, flats):
    import sqlite3

    flats.release(1)
    service.live.look()
    with sqlite3.connect(flats.settings.state_db) as connection:
        connection.execute("UPDATE ledger SET why = 'never said' WHERE seq = 2")
    connection.close()
    service.live._verify_at = 0.0
    service.live.look()
    health = client.get("/health").json()
    assert (health["status"], health["ready"], health["version"]) == ("degraded", True, 1)
    assert "entry 2 is another than the one that was verified" in health["dependencies"]["ledger"]["reason"]
    assert client.post("/predict", json=ROW).json()["version"] == 1
    assert client.get("/predictions/nobody").status_code == 404, "the database is there"


def test_a_prediction_in_another_replicas_spool_is_found(client, service, flats):
    from slipway.journal.ship import hold
    from slipway.journal.spool import SpoolWriter

    hold(flats.settings.spool / "other")
    SpoolWriter(flats.settings.spool / "other").write([Prediction("theirs", 1.0, 1, ROW, "cheap1", None, 0.1)])
    assert client.get("/predictions/theirs").json()["prediction"] == "cheap1"
    assert client.post("/feedback", json={"id": "theirs", "truth": "cheap1"}).json()["outcome"] == "kept"


@pytest.mark.parametrize(
    ("named", "folder"), [(None, "spool"), ("a b/../c", "spool/a-b-..-c"), ("..", "spool"), ("api-1", "spool/api-1")]
)
def test_a_replica_has_a_folder_of_the_spool(tmp_path, named, folder):
    settings = read_settings(tmp_path, {} if named is None else {"SLIPWAY_REPLICA": named})
    assert settings.own_spool == settings.state / folder
