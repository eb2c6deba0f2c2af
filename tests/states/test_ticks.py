"""Ticks beside each other, killed between any two effects: one drift is learnt once, and a later tick ends it."""

from types import SimpleNamespace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from effects import Crash
from slipway.errors import SlipwayError
from slipway.gate.hold import GateReport
from slipway.gate.lines import Line
from slipway.loop import LEASE_SECONDS, Learned, Tick, Watched
from slipway.project.facts import Model, Monitor
from slipway.records import Waiting
from slipway.release.ledger import holding, verify
from slipway.release.pending import register_pending
from slipway.release.states import LIVE, stand
from slipway.release.switch import note_outcome, point_names, release, rollback, settle
from world import World, examples

DRIFTED = 1
"""The version that the world has moved away from; what is learnt from it is right again."""


class Steps:
    """The loop's steps over a ledger, without the hours that training and measuring take."""

    def __init__(self, opened, folders, *, passes, watch):
        self.opened, self.folders, self.passes, self.verdict = opened, folders, passes, watch
        self.project = SimpleNamespace(monitor=Monitor(cool_down_minutes=0.0), model=Model("classification", "price"))
        self.decisions, self.lease = opened.storage.decisions, opened.storage.lease

    def standing(self):
        return stand(holding(self.opened.storage.ledger))

    def live(self):
        return self.standing().live

    def check(self):
        decision = "retrain" if self.live() == DRIFTED else "none"
        return SimpleNamespace(decision=decision, sentence=lambda: decision, to_json=dict)

    def learn(self):
        if self.standing().candidate is None:
            known = self.standing().bundles.values()
            for folder in self.folders:
                sha256 = self.opened.registering.store.put(folder)
                if sha256 not in known:
                    self.opened.storage.pending.add(Waiting(sha256, "2026", "tester", {}, {}, {}))
                    break
        register_pending(self.opened.registering)
        return Learned(self.standing().candidate, 10, {})

    def report(self, version):
        return GateReport(version, (Line("accuracy", "0.7", "0.9", "passed" if self.passes else "failed"),))

    def hold(self, version):
        note_outcome(self.opened.releasing, holding(self.opened.storage.ledger), self.report(version))
        return self.passes, self.report(version).to_json()

    def promote(self, version, why, fence):
        release(self.opened.releasing, version, why=why, report=self.report(version), fence=fence)

    def watch(self):
        standing = self.standing()
        if not standing.is_watched:
            return None
        return Watched(standing.live, standing.previous, self.verdict, "as drawn", {})

    def settle(self, version, why):
        settle(self.opened.releasing, version, why=why)

    def put_back(self, version, why):
        return rollback(self.opened.releasing, why=why, instead_of=version).version


ticks = st.tuples(st.one_of(st.none(), st.integers(1, 45)), st.booleans(), st.sampled_from(["waiting", "settled"]))


def test_one_drift_is_learnt_once_whoever_ticks_and_dies(backend, bundles, clock):
    folders = bundles[:-1]

    def ticking(passes=True, watch="waiting"):
        return lambda opened: Tick(Steps(opened, folders, passes=passes, watch=watch)).run()

    @given(
        rounds=st.lists(st.lists(ticks, min_size=1, max_size=2), min_size=1, max_size=3),
        turns=st.lists(st.integers(0, 1), min_size=80, max_size=80),
    )
    @settings(max_examples=examples(100, backend), deadline=None, suppress_health_check=list(HealthCheck))
    def drive(rounds, turns):
        world, order = World(backend, has_own_clock=True), iter(turns)
        try:
            first = world.do(lambda opened: first_release(opened, folders[0]))
            assert not isinstance(first, BaseException), first
            for both in rounds:
                commands = [(ticking(passes, watch), dies) for dies, passes, watch in both]
                outcomes = world.race(commands, lambda count: next(order, 0) % count)
                for outcome in outcomes:
                    assert not isinstance(outcome, SlipwayError), "a tick that is overtaken decides so, and ends well"
                entries = world.storage.ledger.entries()
                assert verify(entries).ok
                standing = stand(entries)
                assert [v for v, state in standing.states.items() if state in LIVE] == [standing.live]
                learnt = [e for e in entries if e.action == "released" and e.why == "drift: retrained"]
                assert len(learnt) <= 1
                if any(isinstance(outcome, Crash) for outcome in outcomes):
                    clock.now += LEASE_SECONDS + 1
            is_there_more = len(stand(world.storage.ledger.entries()).states) < len(folders)
            world.do(ticking())
            live = stand(world.storage.ledger.entries()).live
            assert live not in (None, DRIFTED) or not is_there_more, "a later tick ends what was begun"
            assert world.storage.lease.holder("retrain") is None
        finally:
            world.close()

    drive()


def first_release(opened, folder):
    sha256 = opened.registering.store.put(folder)
    opened.storage.pending.add(Waiting(sha256, "2026", "tester", {}, {}, {}))
    (version,) = register_pending(opened.registering)
    table = GateReport(version, (Line("accuracy", "0.7", "0.9", "passed"),))
    note_outcome(opened.releasing, holding(opened.storage.ledger), table)
    release(opened.releasing, version, report=table)
    settle(opened.releasing, version, why="")
    return point_names(opened.releasing)
