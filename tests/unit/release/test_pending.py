import pytest

from registry import Registry
from slipway.errors import ProjectError
from slipway.model.store import BundleStore
from slipway.records import Waiting
from slipway.release.ledger import record
from slipway.release.pending import Registering, RegistrationPending, register_pending, withdraw
from slipway.release.states import stand
from slipway.settings import read_settings
from slipway.storage import open_storage


@pytest.fixture(scope="module")
def bundles(make_bundle, rows):
    return [make_bundle(rows(100, seed=seed), rows(50, seed=2)) for seed in (21, 22)]


@pytest.fixture
def registering(tmp_path):
    storage = open_storage(read_settings(tmp_path, {}))
    yield Registering("fruit", storage.ledger, storage.pending, BundleStore(tmp_path / "bundles"), Registry())
    storage.close()


def wait_for_a_version(registering, bundle):
    sha256 = registering.store.put(bundle.folder)
    registering.pending.add(Waiting(sha256, "2026", "ana", {"model.seed": 7}, {"accuracy": 0.91}, {}))
    return sha256


def test_what_is_pending_becomes_candidates_in_the_order_it_came(registering, bundles):
    waiting = [wait_for_a_version(registering, bundle) for bundle in bundles]
    assert register_pending(registering) == [1, 2]
    assert [(e.action, e.version, e.bundle, e.by, e.why) for e in registering.ledger.entries()] == [
        ("candidate", 1, waiting[0], "ana", "accuracy 0.91"),
        ("candidate", 2, waiting[1], "ana", "accuracy 0.91"),
    ]
    assert registering.pending.all() == []
    assert register_pending(registering) == []


def test_with_the_tracker_away_it_says_what_waits_and_keeps_it(registering, bundles):
    sha256 = wait_for_a_version(registering, bundles[0])
    registering.tracker.is_away = True
    with pytest.raises(RegistrationPending, match=rf"does not answer .*kept as pending \(bundle {sha256[:12]}\)"):
        register_pending(registering)
    assert registering.ledger.entries() == []
    registering.tracker.is_away = False
    assert register_pending(registering) == [1]


def test_what_the_ledger_has_already_is_only_noted_no_more(registering, bundles):
    sha256 = wait_for_a_version(registering, bundles[0])
    record(registering.ledger, "candidate", 5, bundle=sha256, by="ana", why="")
    registering.tracker.is_away = True
    assert register_pending(registering) == [5]
    assert registering.pending.all() == []


def test_a_registry_that_counts_anew_is_not_believed(registering, bundles):
    record(registering.ledger, "candidate", 1, bundle="another", by="ana", why="")
    wait_for_a_version(registering, bundles[0])
    with pytest.raises(ProjectError, match="version 1, which is another model in the ledger: its registry was emptied"):
        register_pending(registering)
    assert stand(registering.ledger.entries()).bundles == {1: "another"}
    assert len(registering.pending.all()) == 1


def test_a_bundle_that_was_damaged_meanwhile_waits_no_more(registering, bundles, caplog):
    sha256 = wait_for_a_version(registering, bundles[0])
    (registering.store.path(sha256) / "stages.py").write_text("damaged")
    assert register_pending(registering) == []
    assert "the next run makes it again" in caplog.text
    assert registering.pending.all() == []


def test_a_project_that_gives_an_older_model_again_withdraws_what_waits(registering, bundles):
    sha256 = wait_for_a_version(registering, bundles[0])
    assert withdraw(registering) == [sha256]
    assert register_pending(registering) == []
