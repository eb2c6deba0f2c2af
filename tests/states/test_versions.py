"""Versions under random commands: killed between any two effects, beside others, with the tracker away or not."""

from datetime import UTC, datetime

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from effects import Crash
from slipway.errors import SlipwayError
from slipway.gate.hold import GateReport
from slipway.gate.lines import Line
from slipway.records import Waiting
from slipway.release.anchor import check_anchors, compare, head_of
from slipway.release.collect import collect
from slipway.release.ledger import holding, verify
from slipway.release.pending import register_pending, withdraw
from slipway.release.states import LIVE, broken, stand
from slipway.release.switch import note_outcome, point_names, release, rollback, settle
from slipway.settings import read_settings
from world import World, examples

picks = st.integers(0, 7)
deaths = st.one_of(st.none(), st.none(), st.integers(1, 14))
often = ("propose", "release", "release", "release as judged", "back", "judge")
kinds = (*often, "settle", "take up", "withdraw", "names")
commands = st.tuples(st.sampled_from((*often, *kinds)), picks, st.booleans(), deaths)
"""What to do, to which version, how, and before which effect its process is killed."""


def propose(folder):
    """What a run does once it has built a bundle; `release/candidate.py` builds it, and then does this."""

    def command(opened):
        sha256 = opened.registering.store.put(folder)
        if sha256 not in stand(holding(opened.storage.ledger)).bundles.values():
            at = datetime.now(UTC).isoformat()
            opened.storage.pending.add(Waiting(sha256, at, "tester", {}, {"accuracy": 0.9}, {}))
        return register_pending(opened.registering)

    return command


def report(version, passed):
    return GateReport(version, (Line("accuracy", "0.7", "0.9", "passed" if passed else "failed"),))


def judge(version, passed):
    return lambda opened: note_outcome(opened.releasing, holding(opened.storage.ledger), report(version, passed))


def release_as_judged(version):
    return lambda opened: release(opened.releasing, version, report=report(version, True))


def gate_and_release(version, passed, override):
    def command(opened):
        table = report(version, passed)
        if stand(holding(opened.storage.ledger)).live != version:
            note_outcome(opened.releasing, holding(opened.storage.ledger), table)
        return release(opened.releasing, version, override=override, report=table)

    return command


class Versions(RuleBasedStateMachine):
    def __init__(self, backend, bundles):
        super().__init__()
        self.world = World(backend)
        self.bundles = bundles
        self.before = []

    @initialize(count=st.integers(1, 4), goes_live=st.booleans())
    def some_runs(self, count, goes_live):
        for folder in self.bundles[:count]:
            self.world.do(propose(folder))
        if goes_live:
            self.world.do(gate_and_release(1, True, None))

    def standing(self):
        return stand(self.world.storage.ledger.entries())

    def version(self, pick):
        """A version; now and then one that was never made."""
        known = sorted(self.standing().states)
        return known[pick % len(known)] if known and pick < 7 else len(known) + 1

    def command(self, kind, pick, flag):
        version = self.version(pick)
        is_known = version in self.standing().states
        match kind:
            case "propose":
                return propose(self.bundles[pick % len(self.bundles)])
            case "release" if is_known:
                return gate_and_release(version, flag or pick % 2 == 0, "somebody" if pick % 4 == 0 else None)
            case "release as judged" if is_known:
                return release_as_judged(version)
            case "back":
                return lambda opened: rollback(opened.releasing, None if flag else version)
            case "settle":
                return lambda opened: settle(opened.releasing, version, why="")
            case "judge" if is_known:
                return judge(version, flag)
            case "take up":
                return lambda opened: register_pending(opened.registering)
            case "withdraw":
                return lambda opened: withdraw(opened.registering)
        return lambda opened: point_names(opened.releasing)

    def collecting(self, opened):
        waiting = [each.bundle for each in opened.storage.pending.all()]
        return collect(read_settings(self.world.root, {}), opened.storage.ledger.entries(), waiting)

    @rule(pick=picks, is_by_hand=st.booleans(), dies=deaths)
    def release(self, pick, is_by_hand, dies):
        version = self.version(pick)
        if version in self.standing().states:
            outcome = self.world.do(gate_and_release(version, not is_by_hand, "ada" if is_by_hand else None), dies)
            self.is_said(version, outcome)

    @precondition(lambda self: len(self.standing().was_live) > 1)
    @rule(pick=picks, dies=deaths)
    def roll_back(self, pick, dies):
        to = None if pick > 4 else self.version(pick)
        outcome = self.world.do(lambda opened: rollback(opened.releasing, to), dies)
        self.is_said(getattr(outcome, "version", 0), outcome)

    @precondition(lambda self: self.standing().is_watched)
    @rule(dies=deaths)
    def settle(self, dies):
        live = self.standing().live
        outcome = self.world.do(lambda opened: settle(opened.releasing, live, why=""), dies)
        self.is_said(live, outcome)

    @rule(dies=deaths)
    def gc(self, dies):
        self.world.do(self.collecting, dies)

    @rule(kind=st.sampled_from(kinds), pick=picks, flag=st.booleans(), dies=deaths)
    def any_other(self, kind, pick, flag, dies):
        self.world.do(self.command(kind, pick, flag), dies)

    @rule(first=commands, second=commands, turns=st.lists(st.booleans(), min_size=20, max_size=20))
    def two_at_once(self, first, second, turns):
        order = iter(turns)
        both = [(self.command(*each[:3]), each[3]) for each in (first, second)]
        self.world.race(both, lambda count: next(order, 0) % count)

    @rule(picks=st.tuples(picks, picks), is_away=st.booleans(), turns=st.lists(st.booleans(), min_size=10, max_size=10))
    def two_releases_at_once_of_what_was_judged(self, picks, is_away, turns):
        versions = [version for pick in picks if (version := self.version(pick)) in self.standing().states]
        for version in versions:
            self.world.do(judge(version, True))
        order = iter(turns)
        self.world.registry.is_away = is_away
        self.world.race([(release_as_judged(v), None) for v in versions], lambda count: next(order, 0) % count)

    @rule(pick=picks, collects=st.booleans(), dies=deaths)
    def propose_while_the_tracker_is_away(self, pick, collects, dies):
        self.world.registry.is_away = True
        self.world.do(propose(self.bundles[-1 - pick % len(self.bundles)]), dies)
        if collects:
            self.world.do(self.collecting)

    @rule()
    def the_tracker_comes_back(self):
        self.world.registry.is_away = False

    def is_said(self, version, outcome):
        """What succeeded is so, and the tracker knows, if it is there."""
        if isinstance(outcome, BaseException):
            return
        entries = self.world.storage.ledger.entries()
        assert stand(entries).live == version
        if not self.world.registry.is_away:
            assert self.world.registry.aliases["production"] == version
            assert self.world.registry.heads[version] == head_of(entries)

    @invariant()
    def nothing_that_was_recorded_is_lost_or_changed(self):
        entries = self.world.storage.ledger.entries()
        assert entries[: len(self.before)] == self.before
        assert verify(entries).ok
        self.before = entries

    @invariant()
    def one_version_is_live_after_the_first_release(self):
        standing = stand(self.before)
        assert broken(standing) is None
        lives = [version for version, state in standing.states.items() if state in LIVE]
        has_released = any(entry.action == "released" for entry in self.before)
        assert len(lives) == (1 if has_released else 0)

    @invariant()
    def what_went_live_rested_on_what_was_live(self):
        for at, entry in enumerate(self.before):
            if entry.action not in ("released", "rolled back", "rolled forward"):
                continue
            earlier = self.before[:at]
            assert entry.previous == stand(earlier).live
            assert entry.by
            if entry.action == "released" and not entry.why.startswith("override"):
                judged = [e.seq for e in earlier if e.version == entry.version and e.action == "passed"]
                changed = [e.seq for e in earlier if e.action in ("released", "rolled back", "rolled forward")]
                assert judged[-1] > max(changed, default=0), "judged beside another than what was live"

    @invariant()
    def a_bundle_has_one_version_and_is_kept(self):
        standing = stand(self.before)
        assert len(set(standing.bundles.values())) == len(standing.bundles)
        waiting = [each.bundle for each in self.world.storage.pending.all()]
        for bundle in {*standing.bundles.values(), *waiting}:
            assert (self.world.store.path(bundle) / "bundle.json").is_file()

    @invariant()
    def what_the_tracker_keeps_is_of_the_chain(self):
        assert compare(self.before, self.world.registry.heads).problem is None
        assert self.world.registry.aliases.get("production", 0) in {0, *stand(self.before).was_live}

    def teardown(self):
        try:
            self.world.registry.is_away = False
            done = self.world.do(lambda opened: (register_pending(opened.registering), point_names(opened.releasing)))
            assert not isinstance(done, (SlipwayError, Crash)), done
            assert self.world.storage.pending.all() == []
            entries = self.world.storage.ledger.entries()
            live = stand(entries).live
            assert self.world.registry.aliases.get("production") == live
            if live is not None:
                assert check_anchors(self.world.registry, "flats", entries).seq == len(entries)
        finally:
            self.world.close()


def test_versions_under_any_commands_crashes_and_callers(backend, bundles):
    run_state_machine_as_test(
        lambda: Versions(backend, bundles),
        settings=settings(
            max_examples=examples(100, backend),
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
