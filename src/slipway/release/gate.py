"""A candidate, production and the last requests in; a table of lines that lets it pass, or says why not, out."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from slipway.model.score import Scorer
from slipway.project import Model
from slipway.records import Prediction
from slipway.release.cleanroom import CleanRoom
from slipway.release.lines import Line
from slipway.release.quality import MaxDrop, against_production, quality_of, thresholds
from slipway.release.replay import replay
from slipway.release.schemas import same_requests
from slipway.release.single import batch_is_single


@dataclass(frozen=True, slots=True)
class GateReport:
    """The gate's table of one version."""

    version: int
    lines: tuple[Line, ...]

    @property
    def failed(self) -> tuple[Line, ...]:
        return tuple(line for line in self.lines if line.outcome == "failed")

    @property
    def passed(self) -> bool:
        """Whether no line failed. What can't be told does not refuse; the table shows it."""
        return not self.failed

    @property
    def digest(self) -> str:
        """SHA-256 of the table, for the ledger."""
        canonical = json.dumps(self.to_json(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()

    def sentence(self) -> str:
        """The outcome in words, with every failed line."""
        if self.passed:
            untold = [line.check for line in self.lines if line.outcome == "cannot tell"]
            return f"{len(self.lines) - len(untold)} lines passed" + (
                f"; cannot tell: {', '.join(untold)}" if untold else ""
            )
        return "; ".join(f"{line.check}: asked {line.asked}, measured {line.measured}" for line in self.failed)

    def to_json(self) -> dict[str, Any]:
        """What `slipway gate --json` prints."""
        return {"version": self.version, "passed": self.passed, "lines": [asdict(line) for line in self.lines]}


def hold(
    candidate: Scorer,
    production: Scorer | None,
    version: int,
    model: Model,
    requests: Sequence[Prediction],
    *,
    absent: str = "nothing is live yet",
    room: CleanRoom | None = None,
) -> GateReport:
    """Hold a version against what the project asks of it, and against production.

    Args:
        production: what is live; None where there is nothing to compare with, for the reason that `absent` gives.
        requests: the last journalled predictions, of any version.
        room: the fresh process for this candidate, from a caller who started it before loading anything.

    Nothing that a candidate does raises: it is a line of the table.
    """
    room = room or CleanRoom(candidate.bundle.folder)
    try:
        lines = _quality_lines(candidate, production, model, absent)
        lines.append(same_requests(candidate.bundle.schema, production.bundle.schema if production else None, absent))
        lines.append(_told("batch and single rows", partial(batch_is_single, candidate)))
        lines.append(_told("replay", partial(replay, candidate, requests)))
        lines.append(room.line())
    finally:
        room.close()
    return GateReport(version, tuple(lines))


def _quality_lines(candidate: Scorer, production: Scorer | None, model: Model, absent: str) -> list[Line]:
    try:
        quality = quality_of(candidate, model.kind)
    except Exception as error:  # the edge of what was trained elsewhere: damaged test rows are a line, not a crash
        return [Line("quality", "metrics on the test rows", f"{type(error).__name__}: {error}", "failed")]
    lines = [line for name, threshold in model.gate.items() for line in thresholds(name, threshold, quality)]
    for name, threshold in model.gate.items():
        if threshold.max_drop is not None:
            limit = MaxDrop(name, threshold.max_drop)
            compare = partial(against_production, limit, quality, candidate, production, absent)
            lines.append(_told(f"{name} against production", compare))
    return lines


def _told(check: str, measured: Callable[[], Line]) -> Line:
    try:
        return measured()
    except Exception as error:  # the edge of the user's and the libraries' code: a gate that crashes decides nothing
        return Line(check, "to be measured", f"{type(error).__name__}: {error}", "cannot tell")
