from dataclasses import replace

import pytest

from slipway.errors import BundleError, CheckRefused, OutsideError, ProjectError
from slipway.gate.evidence import keep_table
from slipway.gate.hold import GateReport
from slipway.gate.lines import Line
from slipway.model.score import load_scorer
from slipway.model.store import BundleStore
from slipway.project import Model, Threshold
from slipway.release.ledger import record, verify
from slipway.release.states import stand
from slipway.release.switch import Releasing, gate, kept_report, point_names, release, rollback, settle
from slipway.settings import read_settings
from slipway.storage import open_storage


class Names:
    """A tracker that keeps its aliases in memory, and can be away."""

    def __init__(self):
        self.aliases = {}
        self.heads = {}
        self.is_away = False

    def register(self, facts):
        raise AssertionError("nothing is registered here")

    def point(self, name, alias, version):
        self.pointed(name, alias)
        self.aliases[alias] = version

    def pointed(self, name, alias):
        if self.is_away:
            raise OutsideError("the tracking server does not answer")
        return self.aliases.get(alias)

    def anchor(self, name, version, head):
        self.heads[version] = head

    def anchors(self, name):
        return self.heads


@pytest.fixture(scope="module")
def bundles(make_bundle, rows):
    """Two good ones and one that learnt truths at random."""
    test = rows(200, seed=2)
    return [
        make_bundle(rows(300, seed=11), test),
        make_bundle(rows(300, seed=12), test),
        make_bundle(rows(300, seed=13), test, flipped=0.5),
    ]


@pytest.fixture
def releasing(tmp_path, bundles):
    storage = open_storage(read_settings(tmp_path, {}))
    store = BundleStore(tmp_path / "bundles")
    for version, bundle in enumerate(bundles, start=1):
        sha256 = store.put(bundle.folder)
        if version == 1:
            record(storage.ledger, "candidate", version, bundle=sha256, by="ana", why="")
    model = Model("classification", "kind", gate={"accuracy": Threshold(0.7, None, 0.02)})
    yield Releasing("fruit", model, storage.ledger, storage.journal, store, Names(), "ana")
    storage.close()


@pytest.fixture
def shas(bundles):
    return [bundle.sha256 for bundle in bundles]


def propose(releasing, shas, version):
    record(releasing.ledger, "candidate", version, bundle=shas[version - 1], by="ana", why="")


def put_live(releasing, shas, *versions):
    """Without the gate, which other tests hold."""
    for version in versions:
        if version not in stand(releasing.ledger.entries()).states:
            propose(releasing, shas, version)
        for action in ("passed", "released"):
            record(releasing.ledger, action, version, bundle=shas[version - 1], by="ana", why="")


def damage(releasing, sha256):
    (releasing.store.path(sha256) / "stages.py").write_text("damaged")


def actions(releasing):
    return [(e.action, e.version) for e in releasing.ledger.entries()]


def test_the_candidate_is_gated_released_and_named(releasing):
    entry = release(releasing, why="first")
    assert actions(releasing) == [("candidate", 1), ("passed", 1), ("released", 1)]
    assert (entry.version, entry.previous, entry.why, entry.by) == (1, None, "first", "ana")
    assert len(entry.gate) == 64
    assert releasing.ledger.entries()[1].gate == entry.gate
    assert releasing.tracker.aliases["production"] == 1
    assert verify(releasing.ledger.entries()).ok


def test_releasing_what_is_live_is_done_already_and_repairs_the_names(releasing, shas):
    put_live(releasing, shas, 1)
    before = releasing.ledger.entries()
    assert release(releasing, 1) is None
    assert releasing.ledger.entries() == before
    assert releasing.tracker.aliases == {"production": 1}


def test_a_worse_candidate_is_refused_and_production_stays(releasing, shas):
    put_live(releasing, shas, 1)
    propose(releasing, shas, 3)
    with pytest.raises(CheckRefused, match=r"Version 3 is refused\. .*accuracy against production: asked .* measured"):
        release(releasing)
    standing = stand(releasing.ledger.entries())
    assert (standing.live, standing.states[3], standing.candidate) == (1, "refused", None)


def test_an_override_is_recorded_as_such_beside_the_refusal(releasing, shas):
    put_live(releasing, shas, 1)
    propose(releasing, shas, 3)
    entry = release(releasing, why="demo", override="the boss wants it")
    assert entry.why == "override: the boss wants it (demo)"
    assert entry.previous == 1
    assert actions(releasing)[-2:] == [("refused", 3), ("released", 3)]


def test_a_gate_held_a_moment_ago_is_not_held_again(releasing):
    report = gate(releasing)
    assert releasing.tracker.aliases == {"staging": 1}
    assert release(releasing, report=report).gate == report.digest
    record(releasing.ledger, "candidate", 2, bundle="b", by="ana", why="")
    with pytest.raises(ProjectError, match="The gate's table is of version 1, not of version 2"):
        release(releasing, 2, report=report)


def test_the_same_table_held_twice_is_recorded_once(releasing):
    gate(releasing)
    gate(releasing)
    assert actions(releasing) == [("candidate", 1), ("passed", 1)]


def test_the_gate_of_the_live_version_is_shown_and_not_recorded(releasing, shas):
    put_live(releasing, shas, 1, 2)
    before = releasing.ledger.entries()
    report = gate(releasing, 2)
    assert report.version == 2
    against = next(line for line in report.lines if line.check == "accuracy against production")
    assert "on 200 rows" in against.measured  # held against version 1, which was live before
    assert releasing.ledger.entries() == before


def test_a_bundle_that_does_not_load_is_refused_by_its_gate(releasing, shas):
    damage(releasing, shas[0])
    report = gate(releasing)
    assert [(line.check, line.outcome) for line in report.lines] == [("clean load", "failed")]
    assert "its content is not what was registered" in report.lines[0].measured
    assert actions(releasing)[-1] == ("refused", 1)


def test_a_production_that_does_not_load_does_not_keep_its_successor_out(releasing, shas):
    put_live(releasing, shas, 1)
    propose(releasing, shas, 2)
    damage(releasing, shas[0])
    report = gate(releasing)
    against = next(line for line in report.lines if line.check == "accuracy against production")
    assert against.outcome == "cannot tell"
    assert against.measured.startswith("version 1 can't be loaded: ")
    assert report.passed


def test_rollback_returns_to_the_version_before(releasing, shas):
    put_live(releasing, shas, 1, 2)
    entry = rollback(releasing, why="complaints")
    assert (entry.action, entry.version, entry.previous, entry.why) == ("rolled back", 1, 2, "complaints")
    assert entry.bundle == shas[0]
    assert releasing.tracker.aliases["production"] == 1


def test_a_rollback_names_the_table_that_its_version_last_had(releasing, shas, tmp_path):
    releasing = replace(releasing, gates=tmp_path / "gates")
    tables = {}
    for version in (1, 2):
        if version == 2:
            propose(releasing, shas, 2)
        report = GateReport(
            version, (Line("skill", "some", "enough", "passed"), Line("latency", "", "", "cannot tell"))
        )
        keep_table(releasing.gates, report.to_json())
        for action in ("passed", "released"):
            sha = shas[version - 1]
            record(releasing.ledger, action, version, bundle=sha, by="ana", why="", gate=report.digest)
        tables[version] = report
    back = rollback(releasing, 1)
    assert back.gate == tables[1].digest
    assert kept_report(releasing) == tables[1]
    forward = rollback(releasing, 2, why="it was not the model")
    assert (forward.action, forward.previous, forward.gate) == ("rolled forward", 1, tables[2].digest)
    assert kept_report(releasing) == tables[2]
    assert verify(releasing.ledger.entries()).ok
    assert rollback(releasing).action == "rolled back"


def test_a_project_that_keeps_no_tables_has_none_to_show(releasing, shas):
    put_live(releasing, shas, 1)
    assert kept_report(releasing) is None


def test_rollback_to_a_version_by_name(releasing, shas):
    put_live(releasing, shas, 1, 2, 3)
    assert rollback(releasing, 1).previous == 3


def test_rollback_to_a_broken_version_changes_nothing(releasing, shas):
    put_live(releasing, shas, 1, 2)
    before = releasing.ledger.entries()
    damage(releasing, shas[0])
    with pytest.raises(BundleError, match="its content is not what was registered"):
        rollback(releasing)
    assert releasing.ledger.entries() == before


@pytest.mark.parametrize(
    ("live", "to", "message"),
    [
        ([], None, r"Nothing is live, so nothing can be rolled back\. Release a version first"),
        ([1], None, "No version that was live before version 1"),
        ([1], 7, r"There is no version 7\. Known: 1\."),
        ([1], 1, r"Version 1 is live \(watched\), so it can't be returned to"),
    ],
)
def test_a_rollback_to_nothing_is_refused(releasing, shas, live, to, message):
    put_live(releasing, shas, *live)
    with pytest.raises(ProjectError, match=message):
        rollback(releasing, to)


def test_no_candidate_waits(releasing, shas):
    put_live(releasing, shas, 1)
    with pytest.raises(ProjectError, match=r"No candidate waits\. `slipway run` makes one"):
        release(releasing)
    with pytest.raises(ProjectError, match=r"There is no version 9\. Known: 1\."):
        gate(releasing, 9)


def test_a_tracker_that_is_away_is_a_warning_and_its_names_are_repaired_later(releasing, shas):
    put_live(releasing, shas, 1, 2)
    releasing.tracker.is_away = True
    assert rollback(releasing).version == 1
    (warning,) = point_names(releasing)
    assert warning.startswith("`production` could not be pointed at version 1, the next release does it: the tracking")
    releasing.tracker.is_away = False
    assert point_names(releasing) == ()
    assert releasing.tracker.aliases == {"production": 1}


def test_a_watch_ends_once(releasing, shas):
    put_live(releasing, shas, 1)
    assert settle(releasing, 1, why="no worse").action == "settled"
    assert not stand(releasing.ledger.entries()).is_watched
    with pytest.raises(ProjectError, match="A watch ends once"):
        settle(releasing, 1, why="again")


def test_two_versions_answer_side_by_side(releasing, shas):
    one, other = (load_scorer(releasing.store.open(sha256)) for sha256 in shas[:2])
    row = one.bundle.examples()[0][:1]
    assert (
        one.score(one.bundle.schema.table(row)).errors == other.score(other.bundle.schema.table(row)).errors == [None]
    )
