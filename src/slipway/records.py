"""The frozen facts that pass from one step of the flow to the next, and the keys that name them."""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Label = str | int | float | bool
"""A prediction or a truth: a class label, or a number."""

Action = Literal["candidate", "refused", "passed", "released", "settled", "rolled back", "rolled forward"]
"""What one entry of the ledger records of its version; see `release/states.py` for what may follow what."""

LIVE_CHANGES: tuple[Action, ...] = ("released", "rolled back", "rolled forward")
"""The actions after which another version is live."""

Step = Literal["check", "decide", "retrain", "gate", "promote", "watch", "rollback", "purge"]
"""A step of the loop, or the removal of journalled predictions."""

Scope = Literal["predict", "feedback", "read", "operate"]
"""What a token allows; "operate" allows everything."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """One journalled answer, or one row that could not be answered (`error` is set, `prediction` is None)."""

    id: str
    at: float
    """Unix time in seconds."""
    version: int
    row: Mapping[str, Any]
    """The row as the first online stage took it: JSON values by column."""
    prediction: Label | None
    probabilities: Mapping[str, float] | None = None
    latency_ms: float = 0.0
    error: str | None = None


@dataclass(frozen=True, slots=True)
class PartialPrediction(Prediction):
    """A prediction of a row that has fields which an online stage could not read. They are told, and not journalled."""

    unread: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Truth:
    """What turned out to be true of one prediction. A correction is a second entry with `is_correction`."""

    id: str
    """Its own key, so that shipping it twice keeps it once."""
    prediction_id: str
    at: float
    truth: Label
    source: str
    is_correction: bool = False


@dataclass(frozen=True, slots=True)
class DamagedRecord:
    """A record of the journal that can't be read, and is set aside so that it stops nothing else."""

    id: str | None
    """The prediction's, by which it can be purged; None where that can't be read either."""
    why: str
    """What is wrong with it, without a value of it."""
    place: str
    """Where it is kept, for a person to read."""

    def sentence(self) -> str:
        """Whose it is, what is wrong with it and where it is."""
        return f"{self.id or 'of an unknown id'}: {self.why}, in {self.place}"

    def to_json(self) -> dict[str, Any]:
        """What `journal --json` prints of it."""
        return {"id": self.id, "why": self.why, "place": self.place}


@dataclass(frozen=True, slots=True, repr=False)
class LedgerEntry:
    """One transition of one version. `hash` covers every other field, so the entries are a chain."""

    seq: int
    """1 for the first; a backend accepts each number once."""
    at: str
    """ISO 8601 in UTC."""
    action: Action
    version: int
    previous: int | None
    """The version that was live before, where the action changes what is live."""
    bundle: str
    """SHA-256 of the version's bundle."""
    gate: str | None
    """SHA-256 of the gate's table that this action rests on."""
    by: str
    why: str
    previous_hash: str
    hash: str

    def __repr__(self) -> str:
        why = f": {self.why}" if self.why else ""
        return f"<LedgerEntry {self.seq}: version {self.version} {self.action} by {self.by} at {self.at[:19]}{why}>"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A candidate that has no version yet, since the tracking server has not given one: it is `pending`."""

    bundle: str
    """SHA-256 of its bundle, which is kept."""
    at: str
    """ISO 8601 in UTC: since when."""
    by: str
    params: Mapping[str, Any]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Decision:
    """What the loop decided at one step of one tick, and on what evidence."""

    tick: str
    step: Step
    outcome: str
    why: str
    at: str
    detail: Mapping[str, Any] = field(default_factory=dict)
    """Figures that the decision rests on; JSON values."""


@dataclass(frozen=True, slots=True)
class Token:
    """Who may ask the service for what. The token itself is nowhere: only its digest is kept."""

    name: str
    """The caller's; what it says by feedback is told by this name."""
    sha256: str
    scopes: tuple[Scope, ...]
    made_at: str
    """ISO 8601 in UTC."""
    expires_at: str | None = None
    """ISO 8601 in UTC; from then on it is refused. None: never."""


def new_id() -> str:
    """A key of 26 hexadecimal digits that sorts by the time it was made: 48 bits of milliseconds, 56 random."""
    return f"{time.time_ns() // 1_000_000:012x}{os.urandom(7).hex()}"
