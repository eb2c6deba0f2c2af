"""A service follows a ledger whose chain holds, and no other: over every backend, at a start and while it runs."""

import sqlite3
from dataclasses import replace

import pytest

import backends
from registry import Registry
from slipway.errors import CheckRefused
from slipway.opened import Opened
from slipway.release.ledger import FIRST_PREVIOUS_HASH, entry_hash
from slipway.serve.live import version as live_module
from slipway.serve.live.version import LiveVersion
from slipway.settings import read_settings
from slipway.workspace import Workspace


@pytest.fixture(scope="module")
def flats(make_flats, tmp_path_factory):
    """Two versions, the second one live: six entries."""
    made = make_flats(tmp_path_factory.mktemp("flats"))
    made.release(1)
    made.release(2)
    return made


@pytest.fixture
def ledger(storage, flats):
    for entry in flats.storage.ledger.entries():
        storage.ledger.append(entry)
    return storage.ledger


@pytest.fixture
def replaced(ledger, tmp_path, request):
    """What writes other entries into the database, as somebody who may write there does."""

    def write(entries):
        if "sqlite" in request.node.callspec.id:
            with sqlite3.connect(tmp_path / ".slipway" / "state.db") as connection:
                connection.execute("DELETE FROM ledger")
            connection.close()
        else:
            import psycopg

            with psycopg.connect(backends.environment("postgres", tmp_path)["SLIPWAY_STATE_URL"]) as connection:
                connection.execute("DELETE FROM slipway.ledger")
        for entry in entries:
            assert ledger.append(entry)

    return write


@pytest.fixture
def following(ledger, flats, tmp_path, storage):
    """A service's view of what is live, begun anew with each call."""
    return lambda: LiveVersion(ledger, flats.store, tmp_path / ".slipway" / "live.json", storage.place)


def in_use(live):
    return live.state.live.version if live.state.live else None


def anew(entries, place, **changes):
    chain = list(entries[:place])
    for entry in entries[place:]:
        before = chain[-1].hash if chain else FIRST_PREVIOUS_HASH
        bare = replace(entry, previous_hash=before, **(changes if entry is entries[place] else {}))
        chain.append(replace(bare, hash=entry_hash(bare)))
    return chain


def edited(entries, place, **changes):
    return [*entries[:place], replace(entries[place], **changes), *entries[place + 1 :]]


BREAKS = {
    "another bundle": lambda e: edited(e, 5, bundle=e[0].bundle),
    "an older entry": lambda e: edited(e, 1, why="never said"),
    "another version": lambda e: edited(e, 5, version=1),
    "a hash": lambda e: edited(e, 3, hash="0" * 64),
    "one taken out": lambda e: [*e[:2], *e[3:]],
    "two swapped": lambda e: [*e[:2], replace(e[3], seq=3), replace(e[2], seq=4), *e[4:]],
    "the end cut off": lambda e: e[:3],
    "all of it gone": lambda e: [],
    "written anew": lambda e: anew(e, 5, bundle=e[0].bundle),
    "one put behind": lambda e: [*e, replace(e[2], seq=7, previous_hash=e[5].hash)],
}


@pytest.mark.parametrize("kind", BREAKS)
def test_what_was_verified_last_goes_on_while_it_runs_and_at_the_next_start(
    following, ledger, replaced, kind, monkeypatch
):
    live = following()
    live.look()
    assert (in_use(live), live.state.mistrust) == (2, None)
    right = ledger.entries()
    replaced(BREAKS[kind](right))
    live._verify_at = 0.0  # the time for it has come
    live.look()
    assert in_use(live) == 2
    assert live.state.mistrust.startswith("The ledger does not hold: ")
    begun = following()
    begun.look()
    assert (in_use(begun), begun.state.live.released) == (2, right[5])
    assert begun.state.mistrust.startswith("The ledger does not hold: ")
    replaced(right)
    monkeypatch.setattr(live_module, "RETRY_SECONDS", 0.0)
    for each in (live, begun):
        each._retry_at = 0.0
        each.look()
        assert (in_use(each), each.state.mistrust) == (2, None)


@pytest.mark.parametrize("kind", ["another bundle", "an older entry", "one taken out"])
def test_at_a_first_start_nothing_is_served_and_it_says_why(following, ledger, replaced, kind):
    replaced(BREAKS[kind](ledger.entries()))
    live = following()
    live.look()
    assert in_use(live) is None
    assert "entry " in live.state.mistrust


def test_of_a_release_that_follows_only_what_is_new_is_hashed(following, ledger, monkeypatch):
    live = following()
    live.look()
    hashed = []
    monkeypatch.setattr("slipway.release.ledger.entry_hash", lambda e: hashed.append(e.seq) or entry_hash(e))
    right = ledger.entries()
    bare = replace(right[2], seq=7, action="rolled back", previous=2, previous_hash=right[5].hash)
    ledger.append(replace(bare, hash=entry_hash(bare)))
    live.look()
    assert (in_use(live), hashed) == (1, [7])
    live.look()
    assert hashed == [7]


def test_a_copy_put_back_on_purpose_is_followed_once_it_was_accepted(following, ledger, replaced, tmp_path):
    live = following()
    live.look()
    replaced(ledger.entries()[:3])
    live._verify_at = 0.0
    live.look()
    assert (in_use(live), "ledger --accept" in live.state.mistrust or "cut off" in live.state.mistrust) == (2, True)
    (tmp_path / ".slipway" / "live.json").unlink()  # as `ledger --accept` does
    live._retry_at = 0.0
    live.look()
    assert (in_use(live), live.state.mistrust) == (1, None)


def test_what_was_followed_in_another_database_is_no_evidence(following, ledger, flats, tmp_path):
    elsewhere = LiveVersion(ledger, flats.store, tmp_path / ".slipway" / "live.json", "another database")
    elsewhere.look()
    assert in_use(elsewhere) == 2
    nothing = type("Empty", (), {"head": lambda self: None, "entries": lambda self: []})()
    live = LiveVersion(nothing, flats.store, tmp_path / ".slipway" / "live.json", "this one")
    live.look()
    assert (in_use(live), live.state.mistrust) == (None, None)


@pytest.mark.parametrize("kind", ["another bundle", "the end cut off", "written anew", "one put behind"])
def test_the_librarys_verbs_refuse_it_and_status_says_so(following, ledger, replaced, flats, tmp_path, kind):
    following().look()
    replaced(BREAKS[kind](ledger.entries()))
    settings = replace(
        read_settings(flats.root, {}), state=tmp_path / ".slipway", state_url=_url(tmp_path, kind, ledger)
    )
    with Workspace(flats.project, settings) as workspace:
        workspace.__dict__["tracker"] = Registry()
        for verb in (workspace.live_scorer, workspace.stand_up, workspace.release, workspace.rollback, workspace.loop):
            with pytest.raises(CheckRefused, match="The ledger does not hold: "):
                verb()
        status = workspace.status()
    assert (status.live, status.candidate) == (None, None)
    assert "The ledger does not hold: " in status.ledger_problem
    assert isinstance(workspace, Opened)


def _url(tmp_path, kind, ledger):
    said = backends.environment("postgres", tmp_path) if "Postgres" in type(ledger).__name__ else {}
    return said.get("SLIPWAY_STATE_URL", f"sqlite:///{tmp_path / '.slipway' / 'state.db'}")
