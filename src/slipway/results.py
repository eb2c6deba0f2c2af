"""What the workspace's verbs give back, as frozen facts: for a terminal, a notebook or a scheduler to show."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from slipway.pipeline.run import RunReport, Stale
from slipway.records import DamagedRecord, Decision, LedgerEntry
from slipway.rounding import rounded

if TYPE_CHECKING:
    from slipway.gate.hold import GateReport
    from slipway.journal.shares import Share
    from slipway.pipeline.snapshots import SourceState
    from slipway.release.anchor import Anchored
    from slipway.release.ledger import Verified


@dataclass(frozen=True, slots=True, repr=False)
class Ran:
    """What a run did, the candidate that it registered, and the project's own metrics."""

    report: RunReport
    candidate: int | None
    metrics: Mapping[str, float]

    def __repr__(self) -> str:
        ran = sum(stage.outcome == "ran" for stage in self.report.stages)
        said = [f"{ran} of {len(self.report.stages)} stages ran"]
        if self.report.error is not None:
            said.append(f"failed: {str(self.report.error).partition(chr(10))[0]}")
        elif self.candidate is not None:
            said.append(f"version {self.candidate} is a candidate")
        figures = ", ".join(f"{name} {rounded(value)}" for name, value in self.metrics.items())
        return f"<Ran: {'; '.join([*said, figures] if figures else said)}>"

    def to_json(self) -> dict[str, Any]:
        """What `run --json` prints."""
        stages = [
            {"name": s.name, "outcome": s.outcome, "seconds": round(s.seconds, 4), "why": list(s.why)}
            for s in self.report.stages
        ]
        return {"stages": stages, "candidate": self.candidate, "metrics": dict(self.metrics)}


@dataclass(frozen=True, slots=True, repr=False)
class Status:
    """What is stale and why, what is live, which candidate waits."""

    stale: Sequence[Stale]
    live: int | None
    candidate: int | None
    pending: Sequence[str]
    """SHA-256 of bundles that wait for the tracker to give them a version."""
    sources: "Sequence[SourceState]" = ()
    """Queries and fetched sources, with what is known of their snapshots."""
    ledger_problem: str | None = None
    """Why the ledger is not followed, so that nothing is known of what is live."""

    def __repr__(self) -> str:
        stale = ", ".join(each.name for each in self.stale)
        standing = f"live: {_version(self.live)}; candidate: {_version(self.candidate)}"
        return f"<Status: {standing}; {f'stale: {stale}' if stale else 'every stage is up to date'}>"


@dataclass(frozen=True, slots=True, repr=False)
class StoodUp:
    """How a version came to be live: released now, live already, or kept since the candidate was refused."""

    live: int
    entry: LedgerEntry | None
    gate: "GateReport | None"

    def __repr__(self) -> str:
        how = "released now" if self.entry is not None else "it stays" if self.gate is not None else "it was already"
        return f"<StoodUp: version {self.live} is live; {how}>"


@dataclass(frozen=True, slots=True, repr=False)
class LedgerView:
    """The ledger's entries, oldest first, and whether their chain holds."""

    entries: Sequence[LedgerEntry]
    verified: "Verified"
    anchored: "Anchored | None"
    """What the heads in the tracker say of it, where that was asked for."""

    @property
    def ok(self) -> bool:
        """Whether the chain holds, and is the one that was written."""
        return self.verified.ok and (self.anchored is None or self.anchored.problem is None)

    def __repr__(self) -> str:
        said = "the chain holds" if self.ok else "the chain does not hold"
        return f"<LedgerView: {len(self.entries)} entries; {said}>"


@dataclass(frozen=True, slots=True, repr=False)
class JournalState:
    """What is journalled, and what waits in the spool."""

    predictions: int
    truths: int
    waiting: int
    labels: "tuple[Share, ...]" = ()
    """The newest truth of each prediction by who gave it, and how many of each a retraining would learn from."""
    place: str = ""
    """Where it is kept, for a person to read."""
    damaged: int = 0
    """Records that can't be read: they are set aside, and nothing else is held up by them."""
    damaged_records: tuple[DamagedRecord, ...] = ()
    """Some of them."""

    def __repr__(self) -> str:
        counted = f"{self.predictions:,} predictions, {self.truths:,} truths"
        return f"<JournalState: {counted}; {self.waiting:,} records wait in the spool>"

    def to_json(self) -> dict[str, Any]:
        """What `journal --json` prints."""
        counted = {"predictions": self.predictions, "truths": self.truths, "waiting": self.waiting}
        named = [each.to_json() for each in self.damaged_records]
        damage = {"damaged": self.damaged, "damaged_records": named} if self.damaged else {}
        return {**counted, "labels": [share.to_json() for share in self.labels], **damage}


@dataclass(frozen=True, slots=True, repr=False)
class Looped:
    """The decisions of one tick, and what is live after it."""

    decisions: Sequence[Decision]
    live: int | None

    def __repr__(self) -> str:
        return f"<Looped: {self.sentence()} Live: {_version(self.live)}>"

    def sentence(self) -> str:
        """How far it came and why no further, in one line."""
        if not self.decisions:
            return "Nothing was decided."
        last = self.decisions[-1]
        return f"{last.step}: {last.outcome}. {last.why}"


def _version(version: int | None) -> str:
    return "none" if version is None else f"version {version}"
