import pytest

from slipway.errors import OutsideError
from slipway.release.lease import Holding, LostLease, held
from slipway.settings import read_settings
from slipway.storage import open_storage


@pytest.fixture
def lease(tmp_path):
    storage = open_storage(read_settings(tmp_path, {}))
    yield storage.lease
    storage.close()


class Away:
    """A lease whose store does not answer."""

    def renew(self, name, holder, seconds):
        raise OutsideError("the database is locked")

    def release(self, name, holder):
        raise OutsideError("the database is locked")

    def acquire(self, name, holder, seconds):
        return True


def test_it_is_held_for_the_block_and_given_back_after_it(lease):
    with held(lease, "retrain", "ana", 60) as holding:
        assert holding is not None
        holding.require()
        assert lease.holder("retrain") == "ana"
        with held(lease, "retrain", "bo", 60) as other:
            assert other is None
    assert lease.holder("retrain") is None


def test_it_is_given_back_when_the_block_raises(lease):
    with pytest.raises(RuntimeError), held(lease, "retrain", "ana", 60):
        raise RuntimeError("the training")
    assert lease.holder("retrain") is None


def test_who_lost_it_to_another_may_not_go_on(lease):
    with held(lease, "retrain", "ana", 60) as holding:
        lease.release("retrain", "ana")  # as if it had lapsed
        lease.acquire("retrain", "bo", 60)
        with pytest.raises(LostLease, match=r"The lease on retrain was lost: .*nothing is put live"):
            holding.require()
        lease.release("retrain", "bo")
        assert holding.beat() == "lost", "what was lost stays lost, though nobody has it"


def test_a_store_that_is_away_is_another_chance_until_the_length_has_passed():
    times = iter([0.0, 3.0, 3.0, 9.0, 9.0, 10.0, 10.0])
    holding = Holding(Away(), "retrain", "ana", 10.0, taken_at=0.0, clock=times.__next__)
    assert holding.state == "held"
    assert holding.beat() == "held"
    assert next(times) == 9.0
    assert holding.beat() == "lost"


def test_a_lease_that_can_not_be_given_back_lapses_and_hides_no_error(caplog):
    with pytest.raises(RuntimeError, match="the training"), held(Away(), "retrain", "ana", 60):
        raise RuntimeError("the training")
    assert "could not be given back, it lapses" in caplog.text
