"""Drift → retrain → gate → promote → watch → roll back: the one place that names this order.

It decides and records; what a step means stands in the workspace's verb of that name.
"""

import re
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from slipway.errors import BusyError, CheckRefused, NothingLive, OutsideError, ProjectError, SlipwayError
from slipway.journal.shares import Share, in_words
from slipway.project import Project
from slipway.records import Decision, Step, new_id
from slipway.release.lease import LostLease, held
from slipway.release.pending import RegistrationPending
from slipway.storage.clock import latest_moment_iso
from slipway.storage.seams import Decisions, Lease

LEASE = "retrain"
LEASE_SECONDS = 60.0


class Checked(Protocol):
    """What a check found: `monitor/check.py` gives it."""

    @property
    def decision(self) -> str: ...

    def sentence(self) -> str: ...

    def to_json(self) -> dict[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Learned:
    """What a retraining gave."""

    candidate: int | None
    labelled_rows: int
    """Rows that production's truths have added in all."""
    metrics: Mapping[str, float]
    sources: tuple[Share, ...] = ()
    """Who gave the labels, and how many of each were learnt from."""
    left_out: int = 0
    """Labelled predictions whose journalled rows do not have every column that the model takes."""

    def labels(self) -> str:
        """Who gave them, in a sentence; empty where nobody did."""
        said = f" By source: {in_words(self.sources)}." if self.sources else ""
        beyond = sum(share.left_out for share in self.sources)
        said += f" {beyond:,} are left out: one caller's share is capped by [model] max_source_share." if beyond else ""
        if self.left_out:
            said += f" {self.left_out:,} more are left out: the journal has their rows without columns of today's."
        return said


@dataclass(frozen=True, slots=True)
class Watched:
    """How a promoted version did in its first window, beside its predecessor."""

    version: int
    previous: int | None
    verdict: str
    """`waiting`, `worse`, or `settled`."""
    why: str
    figures: Mapping[str, Any]


class Verbs(Protocol):
    """What the loop needs done; the workspace does it."""

    project: Project

    @property
    def decisions(self) -> Decisions: ...
    @property
    def lease(self) -> Lease: ...
    def live(self) -> int | None: ...
    def check(self) -> Checked: ...
    def learn(self) -> Learned: ...
    def hold(self, version: int) -> tuple[bool, dict[str, Any]]: ...
    def promote(self, version: int, why: str, fence: Callable[[], None]) -> None: ...
    def watch(self) -> Watched | None: ...
    def settle(self, version: int, why: str) -> None: ...
    def put_back(self, version: int, why: str) -> int: ...


Report = Callable[[Decision], None]


class Tick:
    """One pass of the loop: an open watch is judged first, then check, decide, retrain, gate, promote."""

    def __init__(
        self,
        verbs: Verbs,
        *,
        is_dry: bool = False,
        report: Report = lambda decision: None,
        lease_seconds: float = LEASE_SECONDS,
    ) -> None:
        self._verbs = verbs
        self._lease_seconds = lease_seconds
        self._is_dry = is_dry
        self._report = report
        self._tick = new_id()
        self._last_learned_at = None if is_dry else _last_retraining(verbs.decisions)
        self.decisions: list[Decision] = []

    def run(self) -> Sequence[Decision]:
        """The decisions of this tick, in order; each is recorded as it is made, but in a dry run.

        A candidate that the gate refuses ends the tick; so does everything that leaves nothing to do.
        """
        self._judge_watch()
        live = self._verbs.live()
        found = self._verbs.check()
        self._decide("check", found.decision, found.sentence(), found.to_json())
        if self._wants_retraining(found):
            self._retrain(live, "drift: retrained", said="Drift, but ")
        return self.decisions

    def retrain(self, by: str, why: str) -> Sequence[Decision]:
        """Retrain since a person asks for it, whatever a check would find and however short ago the last one was.

        Args:
            by: who asks.
            why: in their words; may be empty.
        """
        asked = f"Asked for by {by}" + (f": {why}" if why else ".")
        self._decide("decide", "retrain", asked, {"asked_by": by})
        self._retrain(self._verbs.live(), asked, said="Nothing was learnt: ")
        return self.decisions

    def _judge_watch(self) -> None:
        watched = self._verbs.watch()
        if watched is None:
            return
        self._decide("watch", watched.verdict, watched.why, dict(watched.figures))
        if self._is_dry or watched.verdict == "waiting":
            return
        if watched.verdict == "settled":
            try:
                self._verbs.settle(watched.version, watched.why)
            except ProjectError as error:  # another tick settled it, or another version went live
                self._decide("watch", "superseded", str(error))
            return
        try:
            back = self._verbs.put_back(watched.version, f"watch: {watched.why}")
        except CheckRefused as refusal:
            self._decide("rollback", "refused", str(refusal))
            return
        self._decide("rollback", "rolled back", f"Version {back} is live again: {watched.why}", {"live": back})

    def _wants_retraining(self, found: Checked) -> bool:
        if found.decision != "retrain":
            self._decide("decide", "nothing to do", f"The check says {found.decision}.")
            return False
        minutes = self._verbs.project.monitor.cool_down_minutes
        if self._last_learned_at is not None:
            ready = self._last_learned_at + timedelta(minutes=minutes)
            if datetime.now(UTC) < ready:
                self._decide("decide", "cooling down", f"The last retraining was less than {minutes:g} minutes ago.")
                return False
        self._decide("decide", "retrain", "Enough signals are beyond their thresholds, or one is critical.")
        return not self._is_dry

    def _retrain(self, live: int | None, reason: str, *, said: str) -> None:
        """Learn, gate and promote under the lease.

        Args:
            reason: stands in the ledger where the candidate goes live.
            said: what begins the sentence where there is nothing to learn from.
        """
        with held(self._verbs.lease, LEASE, self._tick, self._lease_seconds) as ours:
            if ours is None:
                holder = self._verbs.lease.holder(LEASE) or "somebody who has just finished"
                self._decide("retrain", "busy", f"A retraining is under way ({holder}); there is one at a time.")
                return
            if self._verbs.live() != live:
                self._decide("retrain", "superseded", f"Version {self._verbs.live()} went live since the check.")
                return
            try:
                learned = self._verbs.learn()
            except SlipwayError as error:
                outcome = "pending" if isinstance(error, RegistrationPending) else "failed"
                self._decide("retrain", outcome, str(error))
                raise
            if learned.candidate is None:
                self._decide("retrain", "nothing to learn from", _remedy(self._verbs.project, learned, said))
                return
            why = f"Version {learned.candidate} learnt from {learned.labelled_rows:,} labelled production rows as well."
            why += learned.labels()
            labels = [share.to_json() for share in learned.sources]
            detail = {"candidate": learned.candidate, "metrics": dict(learned.metrics), "labels": labels}
            self._decide("retrain", "candidate", why, detail)
            try:
                self._gate_and_promote(learned.candidate, reason, ours.require)
            except LostLease as lost:
                self._decide("promote", "lost", str(lost))
            except CheckRefused as refusal:  # another version went live meanwhile
                self._decide("promote", "refused", str(refusal))

    def _gate_and_promote(self, candidate: int, reason: str, fence: Callable[[], None]) -> None:
        passed, table = self._verbs.hold(candidate)
        if not passed:
            kept_out = [f"{line['check']} {line['outcome']}" for line in table["lines"] if line["refuses"]]
            self._decide("gate", "refused", f"Version {candidate} is refused: {'; '.join(kept_out)}.", table)
            return
        self._decide("gate", "passed", f"Version {candidate} passed every line that could be told.", table)
        self._verbs.promote(candidate, reason, fence)
        self._decide("promote", "live", f"Version {candidate} is live.", {"version": candidate})
        rows = self._verbs.project.monitor.watch_rows
        self._decide("watch", "opened", f"Version {candidate} is judged after its first {rows} predictions.")

    def _decide(self, step: Step, outcome: str, why: str, detail: Mapping[str, Any] | None = None) -> None:
        decision = Decision(self._tick, step, outcome, why, datetime.now(UTC).isoformat(), detail or {})
        self.decisions.append(decision)
        if not self._is_dry:
            self._verbs.decisions.append(decision)
        self._report(decision)


def _last_retraining(decisions: Decisions) -> datetime | None:
    """When it was learnt last; a time yet to come, noted by a clock that was ahead, counts as none."""
    found = decisions.latest("retrain", outcomes=("candidate",), until=latest_moment_iso())
    return None if found is None else datetime.fromisoformat(found.at)


def _remedy(project: Project, learned: Learned, said: str) -> str:
    source = project.model.retrain_into
    if source is None:
        return f"{said}[model] retrain_into names no source: name the one to which labelled rows are added."
    return (
        f"{said}no new truths and no change in `{source}` ({learned.labelled_rows:,} labelled rows are in it "
        "already). Send truths to POST /feedback, or `slipway feedback FILE` (id, truth), or renew the source; then "
        f"run this again.{learned.labels()}"
    )


def keep_ticking(tick: Callable[[], object], seconds: float, complain: Callable[[SlipwayError], None]) -> None:
    """Tick until SIGTERM or SIGINT, which end it at once: what a tick leaves open, the next one takes up.

    A database that is away, somebody else's run, or that no version is live may be over by the next tick: `complain`
    is told of it. Other errors end the loop, since they need a person.
    """
    # SIGINT too: a script's shell starts what runs in the background with it ignored.
    before = {number: signal.signal(number, signal.default_int_handler) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        while True:
            started = time.monotonic()
            try:
                tick()
            except (BusyError, NothingLive, OutsideError) as error:
                complain(error)
            time.sleep(max(0.0, started + seconds - time.monotonic()))
    except KeyboardInterrupt:
        return
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def tick_seconds(every: str) -> float:
    """ "30s", "15m", "2h", "1d" as seconds."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", every)
    if found is None or float(found[1]) == 0:
        raise ProjectError(f"--every {every}: expected a number with s, m, h or d, such as 15m.")
    return float(found[1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[found[2]]
