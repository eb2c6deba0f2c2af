"""The retraining lease under random holders: who was stopped, or could not reach the store, has lost it for good."""

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from slipway.errors import OutsideError
from slipway.release.lease import Holding, LostLease
from world import World, examples

SECONDS = 10.0
holders = st.sampled_from(["ana", "bo", "cy"])


class Store:
    """A lease's store, which can be away from one holder."""

    def __init__(self, lease) -> None:
        self.lease = lease
        self.is_away = False

    def renew(self, *arguments):
        if self.is_away:
            raise OutsideError("the database is away")
        return self.lease.renew(*arguments)


class Leases(RuleBasedStateMachine):
    def __init__(self, backend, clock):
        super().__init__()
        self.world = World(backend, has_own_clock=True)
        self.clock = clock
        self.lease = self.world.storage.lease
        self.holdings: dict[str, tuple[Holding, Store]] = {}
        self.generation = 0
        self.taken: dict[str, int] = {}

    @rule(name=holders)
    def take(self, name):
        if name in self.holdings:
            return
        at = self.clock.now
        if self.lease.acquire("retrain", name, SECONDS):
            store = Store(self.lease)
            self.holdings[name] = (
                Holding(store, "retrain", name, SECONDS, taken_at=at, clock=self.clock.monotonic),
                store,
            )
            self.generation += 1
            self.taken[name] = self.generation

    @rule(name=holders)
    def beat(self, name):
        if name in self.holdings:
            before = self.holdings[name][0].state
            after = self.holdings[name][0].beat()
            assert not (before == "lost" and after == "held"), "what was lost stays lost"

    @rule(name=holders)
    def promote(self, name):
        """What may be done under the lease alone is done only by the one who took it last."""
        if name not in self.holdings:
            return
        try:
            self.holdings[name][0].require()
        except LostLease:
            return
        assert self.taken[name] == self.generation
        assert self.holdings[name][1].is_away or self.lease.holder("retrain") == name

    @rule(name=holders)
    def give_back(self, name):
        if name in self.holdings:
            self.lease.release("retrain", name)
            del self.holdings[name]

    @rule(name=holders, is_away=st.booleans())
    def the_store_is_away_from_one(self, name, is_away):
        if name in self.holdings:
            self.holdings[name][1].is_away = is_away

    @rule(seconds=st.sampled_from([0.5, 3.0, 9.9, 10.0, 30.0]))
    def time_passes(self, seconds):
        self.clock.now += seconds

    @invariant()
    def one_has_it_at_most(self):
        sure = [name for name, (holding, _) in self.holdings.items() if holding.state == "held"]
        assert len(sure) <= 1
        if sure:
            assert self.lease.holder("retrain") == sure[0]

    def teardown(self):
        self.world.close()


def test_a_lease_under_any_holders(backend, clock):
    run_state_machine_as_test(
        lambda: Leases(backend, clock),
        settings=settings(
            max_examples=examples(80, backend),
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
