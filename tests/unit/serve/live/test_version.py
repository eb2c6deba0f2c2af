import shutil
import threading
import time

import pytest

from slipway.errors import OutsideError, ProjectError
from slipway.release.ledger import record
from slipway.serve.live import version as live_module
from slipway.serve.live.version import LiveVersion


@pytest.fixture
def live(flats):
    return LiveVersion(flats.storage.ledger, flats.store, flats.settings.state / "live.json")


def in_use(live):
    return live.state.live.version if live.state.live else None


def test_a_release_is_followed_and_so_is_a_rollback(flats, live):
    live.look()
    assert live.state == live_module.LiveState(None, None, None)
    first = flats.release(1)
    live.look()
    assert in_use(live) == 1
    flats.release(2)
    live.look()
    assert in_use(live) == 2
    record(flats.storage.ledger, "rolled back", 1, bundle=first, by="tester", why="worse")
    live.look()
    assert in_use(live) == 1
    assert live.state.live.released.action == "rolled back"


def test_nothing_is_loaded_twice(flats, live):
    sha256 = flats.release(1)
    live.look()
    scorer = live.state.live.scorer
    record(flats.storage.ledger, "settled", 1, bundle=sha256, by="tester", why="")
    live.look()
    assert live.state.live.scorer is scorer


def test_one_whose_answers_are_not_those_it_was_registered_with_is_refused(flats, live, caplog):
    flats.release(1)
    live.look()
    flats.release(2, is_broken=True)
    live.look()
    live.look()
    assert in_use(live) == 1
    assert "version 2 can't be used" in live.state.refused
    assert "example 0 is answered with 'cheap2'" in live.state.refused
    assert caplog.text.count("Version 1 goes on.") == 1, "said once, not at every look"
    flats.release(3)
    live.look()
    assert in_use(live) == 3
    assert live.state.refused is None


def test_a_damaged_bundle_is_refused_and_taken_once_it_is_repaired(flats, live, monkeypatch):
    flats.release(1)
    live.look()
    path = flats.store.path(flats.release(2)) / "stages.py"
    content = path.read_bytes()
    path.write_bytes(content + b"# changed")
    live.look()
    assert in_use(live) == 1
    assert "version 2 can't be used" in live.state.refused
    path.write_bytes(content)
    live.look()
    assert in_use(live) == 1, "it is left alone for a while"
    monkeypatch.setattr(live_module.time, "monotonic", lambda: 10**9)
    live.look()
    assert in_use(live) == 2
    assert live.state.refused is None


def test_a_bundle_that_is_not_here_leaves_nothing_served_and_says_so(flats, live):
    shutil.rmtree(flats.store.path(flats.release(1)))
    live.look()
    assert in_use(live) is None
    assert "copy it there, or train again" in live.state.refused


def test_a_ledger_that_is_away_changes_nothing(flats):
    class Away:
        is_away = False

        def head(self):
            if self.is_away:
                raise OutsideError("the database is away")
            return flats.storage.ledger.head()

        def entries(self):
            return flats.storage.ledger.entries()

    ledger = Away()
    live = LiveVersion(ledger, flats.store, flats.settings.state / "live.json")
    flats.release(1)
    live.look()
    ledger.is_away = True
    live.look()
    assert in_use(live) == 1
    assert live.state.ledger_problem == "the database is away"
    ledger.is_away = False
    live.look()
    assert live.state.ledger_problem is None


def test_a_ledger_that_makes_no_sense_changes_nothing(flats, live):
    flats.release(1)
    live.look()
    with pytest.raises(ProjectError):
        record(flats.storage.ledger, "released", 9, bundle="x", by="tester", why="")
    head = flats.storage.ledger.head()
    flats.storage.ledger.append(
        live_module.LedgerEntry(
            head.seq + 1, head.at, "released", 9, 1, "x", None, "somebody", "", head.hash, "no hash"
        )
    )
    live.look()
    assert in_use(live) == 1
    assert "of version 9) was edited" in live.state.mistrust


def test_a_ledger_that_says_nothing_is_as_good_as_away(flats, monkeypatch):
    asked, may_answer = threading.Event(), threading.Event()

    class Silent:
        def head(self):
            asked.set()
            may_answer.wait(30)
            return flats.storage.ledger.head()

        def entries(self):
            return flats.storage.ledger.entries()

    monkeypatch.setattr(live_module, "SILENT_SECONDS", 0.0)
    flats.release(1)
    live = LiveVersion(Silent(), flats.store, flats.settings.state / "live.json")
    live.start()
    assert asked.wait(30)
    assert live.ledger_problem.startswith("the ledger has not answered for")
    may_answer.set()
    until = time.monotonic() + 30
    while live.state.live is None:
        assert time.monotonic() < until
        time.sleep(0.01)
    live.stop()
    assert live.ledger_problem is None
