import json

import pytest

from hooks import listening
from slipway.notices import NOT_TOLD, Notices
from slipway.records import Decision
from slipway.webhook import MOST_ALERTS, NotTold, send

NO_WAIT = (0.0, 0.0)


def check(outcome="retrain", tick="t1", version=1, alerts=(("area", "psi", 0.7, 0.25, "alert"),)):
    keys = ("column", "measure", "value", "threshold", "level")
    detail = {
        "decision": outcome,
        "rows": 1_000,
        "version": version,
        "window": "the last 1,000 predictions of version 1",
        "alerts": [dict(zip(keys, alert, strict=True)) for alert in alerts],
        "quality": {"accuracy": 0.7},
        "columns": {"area": {"unseen_examples": ["12 Mill Lane"]}},
    }
    return Decision(
        tick, "check", outcome, "In the last 1,000 predictions: psi of area 0.7 > 0.25.", "2026-01-01", detail
    )


@pytest.fixture
def notices(flats):
    def of(address):
        from dataclasses import replace

        settings = replace(flats.settings, webhook=address)
        return Notices(flats.project, settings, flats.storage, waits=NO_WAIT)

    return of


def recorded(flats, notices, decision):
    flats.storage.decisions.append(decision)
    return notices.decided(decision)


def test_an_alarm_is_told_with_what_a_person_needs_to_judge_it(flats, notices):
    with listening(200) as (address, got):
        assert recorded(flats, notices(address), check()) is None
    ((path, headers, body),) = got
    assert path == "/hooks/secret"
    assert headers["Content-Type"] == "application/json"
    assert (body["event"], body["project"], body["version"], body["decision"]) == ("alarm", "flats", 1, "retrain")
    assert body["alerts"] == check().detail["alerts"]
    assert (body["rows"], body["quality"]) == (1_000, {"accuracy": 0.7})
    assert body["text"].splitlines()[:2] == ["flats: drift: retrain.", check().why]
    assert "12 Mill Lane" not in json.dumps(body)


def test_many_alerts_are_cut_and_counted(flats, notices):
    alerts = tuple((f"c{i}", "psi", 1.0, 0.25, "alert") for i in range(MOST_ALERTS + 7))
    with listening(200) as (address, got):
        recorded(flats, notices(address), check(alerts=alerts))
    assert (len(got[0][2]["alerts"]), got[0][2]["more_alerts"]) == (MOST_ALERTS, 7)


@pytest.mark.parametrize("outcome", ["none", "too small"])
def test_what_is_no_alarm_is_not_told(flats, notices, outcome):
    with listening(200) as (address, got):
        recorded(flats, notices(address), check(outcome, alerts=()))
    assert got == []


def test_the_same_alarm_is_told_once_and_another_one_again(flats, notices):
    with listening(200) as (address, got):
        hook = notices(address)
        for tick in ("t1", "t2", "t3"):
            recorded(flats, hook, check(tick=tick))
        recorded(flats, hook, check(tick="t4", alerts=(("area", "psi", 0.9, 0.5, "critical"),)))
        recorded(flats, hook, check("none", tick="t5", alerts=()))
        recorded(flats, hook, check(tick="t6"))
    assert [body["id"] for _, _, body in got] == ["t1-check", "t4-check", "t6-check"]


def test_a_promotion_names_its_entry_and_what_was_live(flats, notices):
    flats.release(1)
    flats.release(2)
    with listening(200) as (address, got):
        promoted = Decision("t1", "promote", "live", "Version 2 is live.", "2026-01-01", {"version": 2})
        recorded(flats, notices(address), promoted)
    entry = flats.storage.ledger.entries()[-1]
    body = got[0][2]
    assert (body["event"], body["version"], body["why"]) == ("promotion", 2, "v2")
    assert body["ledger"] == {"seq": entry.seq, "action": "released", "by": "tester", "hash": entry.hash}
    assert entry.hash[:12] in body["text"]


def test_a_rollback_by_a_person_is_told_and_one_that_changed_nothing_is_not(flats, notices):
    from slipway.release.ledger import record

    bundle = flats.release(1)
    flats.release(2)
    entry = record(flats.storage.ledger, "rolled back", 1, bundle=bundle, by="ada", why="the customer asked")
    with listening(200) as (address, got):
        assert notices(address).entered(entry) is None
        assert notices(address).entered(None) is None
    assert [(b["event"], b["version"], b["previous"], b["why"]) for _, _, b in got] == [
        ("rollback", 1, 2, "the customer asked")
    ]


def test_a_rollback_that_was_refused_needs_a_person(flats, notices):
    with listening(200) as (address, got):
        recorded(flats, notices(address), Decision("t1", "rollback", "refused", "version 1 is damaged", "2026-01-01"))
    assert (got[0][2]["event"], got[0][2]["why"]) == ("alarm", "version 1 is damaged")


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_server_in_trouble_is_asked_again_with_the_same_id(flats, notices, status):
    with listening(status, status, 200) as (address, got):
        assert recorded(flats, notices(address), check()) is None
    assert len({headers["Idempotency-Key"] for _, headers, _ in got}) == 1
    assert len(got) == 3


@pytest.mark.parametrize("status", [302, 400, 404])
def test_a_refusal_is_not_repeated_nor_a_redirect_followed(flats, notices, status):
    with listening(status) as (address, got):
        failed = recorded(flats, notices(address), check())
    assert len(got) == 1
    assert f"status {status}" in failed.why


def test_a_notice_that_nobody_took_is_recorded_without_the_secret_and_sent_with_the_next_check(flats, notices):
    with listening(200) as (address, _):
        pass  # the port is free again, and nobody listens there
    failed = recorded(flats, notices(address), check())
    assert (failed.step, failed.outcome) == ("check", NOT_TOLD)
    assert "in 3 tries: " in failed.why
    assert "secret" not in failed.why
    assert flats.storage.decisions.last(1)[0].why == failed.why
    with listening(200) as (address, got):
        assert recorded(flats, notices(address), check(tick="t2")) is None
        assert recorded(flats, notices(address), check(tick="t3")) is None
    assert [body["id"] for _, _, body in got] == ["t2-check"]


def test_a_server_that_never_answers_is_left_after_the_timeout(flats, notices):
    import socket

    from slipway.webhook import Notice

    with socket.create_server(("127.0.0.1", 0)) as silent:
        notice = Notice("i", "p", "alarm", "now", 1, None, "why")
        with pytest.raises(NotTold, match=r"in 1 tries: .*timed out"):
            send(f"http://127.0.0.1:{silent.getsockname()[1]}/x", notice, waits=(), timeout=0.2)


@pytest.mark.parametrize("address", ["file:///etc/passwd", "chat.example.com/x", "https://"])
def test_an_address_that_is_none_is_not_tried(address):
    from slipway.webhook import Notice

    with pytest.raises(NotTold, match="expected https://"):
        send(address, Notice("i", "p", "alarm", "now", 1, None, "why"))


def test_without_an_address_nobody_is_told(flats, notices):
    assert recorded(flats, notices(None), check()) is None


def test_an_alarm_is_known_however_much_was_decided_since(flats, notices):
    with listening(200) as (address, got):
        hook = notices(address)
        recorded(flats, hook, check(tick="t1"))
        for n in range(250):
            flats.storage.decisions.append(Decision(f"p{n}", "purge", "expired", "", "2026-01-01"))
        recorded(flats, hook, check(tick="t2"))
    assert [body["id"] for _, _, body in got] == ["t1-check"]


def test_a_version_that_is_worse_by_one_callers_truths_alone_needs_a_person(flats, notices):
    found = {"one_source": {"source": "token:other", "says": "accuracy 0.6 on 40 truths"}}
    with listening(200) as (address, got):
        recorded(flats, notices(address), Decision("t1", "watch", "settled", "others do not confirm", "2026", found))
        recorded(flats, notices(address), Decision("t2", "watch", "settled", "no worse", "2026", {}))
    assert [(body["event"], body["why"]) for _, _, body in got] == [("alarm", "others do not confirm")]
