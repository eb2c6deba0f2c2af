"""The right to retrain alone in, a block that runs while it is held out; its heart beats, and a missed beat is seen.

| from | by | to |
|---|---|---|
| free | `acquire` | held |
| held | `renew` in time | held |
| held | `release` | free |
| held | no `renew` in time (its holder was stopped, or could not reach the store) | lost; for everybody else, free |

A lease is one holder's at a time. One that was lost is never held again by the same holder, even if nobody took it:
whoever was stopped can't know what happened meanwhile. A holder calls `require` just before it changes what is live;
what happens after that instant is refused by the ledger, which accepts a number once.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Lock, Thread
from typing import Literal

from slipway.errors import BusyError, OutsideError
from slipway.storage.seams import Lease

State = Literal["held", "lost"]

log = logging.getLogger(__name__)


class LostLease(BusyError):
    """The lease was lost by a missed heartbeat: what it allowed may not be done any more."""


class Holding:
    """A lease that was taken, as its holder sees it.

    Args:
        seconds: how long it lasts without a beat.
        taken_at: by the clock, before it was asked for.
        clock: seconds that go on while a process is stopped.
    """

    def __init__(
        self,
        lease: Lease,
        name: str,
        holder: str,
        seconds: float,
        *,
        taken_at: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lease = lease
        self._name = name
        self._holder = holder
        self._seconds = seconds
        self._clock = clock
        self._renewed_at = taken_at
        self._is_lost = False
        self._beating = Lock()

    @property
    def state(self) -> State:
        """Whether it may still be relied on: lost, too, when no beat has reached the store for its length."""
        return "lost" if self._is_lost or self._clock() - self._renewed_at >= self._seconds else "held"

    def beat(self) -> State:
        """Lengthen it. A store that is away is another chance, until its length has passed."""
        with self._beating:
            asked_at = self._clock()
            if self.state == "lost":
                self._is_lost = True
                return "lost"
            try:
                if self._lease.renew(self._name, self._holder, self._seconds):
                    self._renewed_at = asked_at
                else:
                    self._is_lost = True
            except OutsideError as error:
                log.warning("the lease on %s could not be lengthened, it is tried again: %s", self._name, error)
            return self.state

    def require(self) -> None:
        """Pass where the lease is held, asked of the store now.

        Raises:
            LostLease: it is not.
        """
        if self.beat() == "lost":
            raise LostLease(
                f"The lease on {self._name} was lost: this process was stopped, or could not reach the store, for "
                f"{self._seconds:g} s. Somebody else may have it, so nothing is put live. The next tick looks anew."
            )


@contextmanager
def held(lease: Lease, name: str, holder: str, seconds: float) -> Iterator[Holding | None]:
    """The lease, its heart beating while the block runs; None where somebody else has it.

    Args:
        holder: a name that nobody had before; one that lost a lease does not take it again.
    """
    before = time.monotonic()
    if not lease.acquire(name, holder, seconds):
        yield None
        return
    holding = Holding(lease, name, holder, seconds, taken_at=before)
    done = Event()

    def keep_beating() -> None:
        while not done.wait(seconds / 4) and holding.beat() == "held":
            pass

    heart = Thread(target=keep_beating, name="lease", daemon=True)
    heart.start()
    try:
        yield holding
    finally:
        done.set()
        heart.join()
        try:
            lease.release(name, holder)
        except OutsideError as error:
            log.warning("the lease on %s could not be given back, it lapses: %s", name, error)
