"""A spool under random writers and shippers: killed between any two effects, on a full disk, with the journal away."""

import os
import resource
from contextlib import contextmanager

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from effects import Caller, Crash, Watching, interleave
from slipway.errors import OutsideError
from slipway.journal import segment
from slipway.journal.ship import Shipper
from slipway.journal.spool import SpoolWriter, read_spool
from slipway.records import Prediction, Truth
from world import World, examples

deaths = st.one_of(st.none(), st.integers(1, 12))
turns = st.lists(st.integers(0, 2), min_size=10, max_size=10)
SEGMENT_BYTES = 600


class Away:
    """A journal that does not answer."""

    def append(self, records):
        raise OutsideError("the database is away")


@contextmanager
def a_full_disk(folder, room):
    """No file may grow beyond what the largest has, and a little: the system then writes a part, or nothing."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    largest = max((path.stat().st_size for path in folder.glob("*.segment")), default=0)
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest + room, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


class Segments(RuleBasedStateMachine):
    def __init__(self, backend):
        super().__init__()
        self.world = World(backend)
        self.spool = self.world.root / "spool"
        self.writers = [None, None]
        self.made = 0
        self.acknowledged, self.untold, self.refused = set(), set(), set()

    def records(self, count):
        """Predictions and truths that nobody has seen before."""
        self.made += count
        made = range(self.made - count, self.made)
        return [
            Truth(f"{n}", "0", 1.0, "low", "ada") if n % 5 == 4 else Prediction(f"{n}", 1.0, 1, {"x": "y" * 40}, "low")
            for n in made
        ]

    def writing(self, number, records, dies_before=None):
        """A writer's own way to keep records, and to remember what it was told."""
        if self.writers[number] is None:
            self.writers[number] = SpoolWriter(self.spool, segment_bytes=SEGMENT_BYTES)
        writer, ids = self.writers[number], {record.id for record in records}
        caller = Caller(self.spool, dies_before=dies_before)

        def command():
            self.untold.update(ids)
            try:
                writer.write(records)
            except OutsideError:
                self.refused.update(ids)
            else:
                self.acknowledged.update(ids)
            self.untold.difference_update(ids)

        return caller, command

    def shipping(self, dies_before=None, journal=None):
        caller = Caller(self.spool, dies_before=dies_before)
        journal = journal or Watching(self.world.storage.journal, caller)
        return caller, lambda: Shipper(self.spool, journal).ship()

    def end(self, number):
        """A writer's process ends, or was killed: the system closes its file."""
        if self.writers[number] is not None:
            self.writers[number].close()
        self.writers[number] = None

    def run(self, caller, command):
        try:
            return caller.run(command)
        except (Crash, OutsideError) as error:
            return error

    @rule(number=st.integers(0, 1), count=st.integers(1, 4), dies=deaths)
    def write(self, number, count, dies):
        if isinstance(self.run(*self.writing(number, self.records(count), dies)), Crash):
            self.end(number)

    @rule(number=st.integers(0, 1), count=st.integers(1, 3), room=st.integers(0, 300))
    def write_on_a_full_disk(self, number, count, room):
        self.spool.mkdir(exist_ok=True)
        refused = len(self.refused)
        with a_full_disk(self.spool, room):
            self.run(*self.writing(number, self.records(count)))
            if len(self.refused) == refused:
                assert self.writers[number].check() is None
        assert self.writers[number].check() is None, "there is room again"

    @rule(number=st.integers(0, 1), cut=st.integers(1, 60))
    def die_within_a_write(self, number, cut):
        self.run(*self.writing(number, self.records(1)))
        written = [path for path in segment.segments(self.spool) if segment.is_written(path)]
        self.end(number)
        ended = [path for path in written if not segment.is_written(path)]
        with ended[0].open("ab") as file:
            file.write(segment.frame(self.records(1))[:-cut])
        assert segment.state(ended[0]) == "torn"

    @rule(number=st.integers(0, 1))
    def stop(self, number):
        self.end(number)

    @rule(dies=deaths)
    def ship(self, dies):
        self.run(*self.shipping(dies))

    @rule()
    def ship_while_the_journal_is_away(self):
        before = read_spool(self.spool)
        self.run(*self.shipping(journal=Away()))
        assert read_spool(self.spool) == before

    @rule(turns=turns, count=st.integers(1, 6), dies=deaths, other_dies=deaths)
    def ship_and_write_and_ship_at_once(self, turns, count, dies, other_dies):
        order = iter(turns)
        callers = [self.shipping(dies), self.writing(0, self.records(count)), self.shipping(other_dies)]
        for outcome in interleave(callers, lambda n: next(order, 0) % n):
            assert not isinstance(outcome, BaseException) or isinstance(outcome, (Crash, OutsideError)), outcome

    @invariant()
    def what_was_acknowledged_is_in_the_spool_or_in_the_journal(self):
        waiting = {record.id for record in read_spool(self.spool)}
        kept = self.journalled()
        assert len(kept) == len(set(kept)), "kept twice"
        assert self.acknowledged <= waiting | set(kept)
        assert not self.refused & (waiting | set(kept)), "kept, and said that it was not"
        assert set(kept) <= self.acknowledged | self.untold

    @invariant()
    def a_segment_is_where_a_segment_can_be(self):
        for path in segment.segments(self.spool):
            state = segment.state(path)
            assert state in ("being written", "torn", "closed", "shipped")
            assert segment.shipped(path) <= path.stat().st_size

    def journalled(self):
        journal = self.world.storage.journal
        return [p.id for p in journal.last(10**6)] + [t.id for t in journal.truths()]

    def teardown(self):
        try:
            for number in range(len(self.writers)):
                self.end(number)
            if self.spool.is_dir():
                Shipper(self.spool, self.world.storage.journal).ship()
                assert segment.segments(self.spool) == []
                assert {path.suffix for path in self.spool.iterdir()} <= {
                    ".lock",
                    ".new",
                    ".offset",
                    ".offset-new",
                }, "nothing but what gc takes"
            assert self.acknowledged <= set(self.journalled()) <= self.acknowledged | self.untold
        finally:
            self.world.close()


def test_a_spool_under_any_writers_shippers_and_crashes(backend):
    assert os.name == "posix"
    run_state_machine_as_test(
        lambda: Segments(backend),
        settings=settings(
            max_examples=examples(100, backend),
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
