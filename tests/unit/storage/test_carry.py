"""State brought from one storage to another: all of it, once, and never over another history."""

from contextlib import closing
from dataclasses import replace

import pytest

import backends
from slipway.errors import CheckRefused
from slipway.records import Decision, Prediction, Token, Truth, Waiting
from slipway.release.ledger import record, verify
from slipway.settings import read_settings
from slipway.storage import open_storage
from slipway.storage.carry import Carried, carry

NOTHING = Carried(0, 0, 0, 0, 0, 0)
ALARM = Decision("tick", "check", "alarm", "psi 0.4 > 0.25", "2026-01-01T00:00:00", {"psi": 0.4, "n": [1]})


@pytest.fixture
def source(tmp_path):
    with closing(open_storage(read_settings(tmp_path / "laptop", {}))) as made:
        for number in range(25):
            made.journal.append([Prediction(f"{number}", float(number), 1, {"x": "\0"}, "low", {"low": 1.0})])
        made.journal.append([Truth("t", "3", 30.0, "high", "ana"), Truth("u", "3", 31.0, "low", "ana", True)])
        for decision in (ALARM, ALARM, replace(ALARM, step="decide")):
            made.decisions.append(decision)
        made.tokens.add(Token("shop", "5" * 64, ("predict",), "2026-01-01T00:00:00+00:00"))
        made.pending.add(Waiting("8" * 64, "2026-01-01T00:00:00", "ana", {"a": 1}, {"m": 0.5}, {"t": "x"}))
        made.lease.acquire("retrain", "ana", 60)
        release(made, 1)
        yield made


@pytest.fixture(params=backends.BACKENDS)
def target(request, tmp_path):
    if request.param == "postgres":
        request.getfixturevalue("postgres_server")
    place = tmp_path / "stack"
    with closing(backends.open_backend(request.param, place)) as made:
        yield made
    backends.forget(place)


def release(storage, version):
    for action in ("candidate", "passed", "released"):
        record(storage.ledger, action, version, bundle="b" * 64, by="ana", why="")


def test_all_of_it_comes_as_it_was(source, target):
    told = []
    assert carry(source, target, report=told.append) == Carried(3, 25, 2, 3, 1, 1)
    assert told == [25]
    assert target.journal.last(99) == source.journal.last(99)
    assert target.journal.truths() == source.journal.truths()
    assert target.decisions.last(99) == source.decisions.last(99)
    assert target.tokens.all() == source.tokens.all()
    assert target.pending.all() == source.pending.all()
    assert target.ledger.entries() == source.ledger.entries()
    assert verify(target.ledger.entries()).ok
    assert target.lease.holder("retrain") is None


def test_again_brings_nothing_twice_and_what_is_new(source, target):
    carry(source, target)
    assert carry(source, target) == NOTHING
    source.journal.append([Prediction("new", 40.0, 2, {"x": 1}, "low")])
    source.decisions.append(ALARM)
    release(source, 2)
    assert carry(source, target) == Carried(3, 1, 0, 1, 0, 0)
    assert carry(source, target) == NOTHING


def test_what_the_target_went_on_with_stays(source, target):
    carry(source, target)
    release(target, 2)
    assert carry(source, target) == NOTHING
    assert [e.version for e in target.ledger.entries()] == [1, 1, 1, 2, 2, 2]


def test_a_ledger_of_another_history_is_refused_and_nothing_is_brought(source, target):
    release(target, 1)
    with pytest.raises(CheckRefused, match=r"is of another history: its entry 1 \(candidate of version 1, "):
        carry(source, target)
    assert target.journal.count() == (0, 0)
    assert target.tokens.all() == []


def test_a_token_under_another_name_is_the_same_one(source, target):
    target.tokens.add(Token("market", "5" * 64, ("read",), "2026-01-01T00:00:00+00:00"))
    carry(source, target)
    assert [token.name for token in target.tokens.all()] == ["market"]


def test_what_was_interrupted_goes_on(source, target, monkeypatch):
    class Cut(Exception):
        pass

    def cut(brought):
        raise Cut

    with pytest.raises(Cut):
        carry(source, target, report=cut)
    assert target.ledger.head() is None
    assert carry(source, target).entries == 3
    assert target.journal.last(99) == source.journal.last(99)
