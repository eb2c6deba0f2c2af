"""Hold a candidate against the project, production and the last requests: a table that passes it, or says why not."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from slipway.gate.against import against_production
from slipway.gate.cleanroom import CleanRoom
from slipway.gate.evidence import digest_of
from slipway.gate.latency import CHECK as LATENCY
from slipway.gate.latency import latency
from slipway.gate.lines import Line
from slipway.gate.moved import CHECK as TRAINING_DATA
from slipway.gate.moved import moved
from slipway.gate.quality import quality_of, thresholds
from slipway.gate.replay import CHECK as REPLAY
from slipway.gate.replay import Replayed, replay
from slipway.gate.schemas import same_requests
from slipway.gate.single import batch_is_single
from slipway.gate.skill import CHECK as SKILL
from slipway.gate.skill import skill
from slipway.model.score import Scorer
from slipway.project import Model
from slipway.records import Prediction

_MENDED = "the error mended"


@dataclass(frozen=True, slots=True, repr=False)
class GateReport:
    """The gate's table of one version."""

    version: int
    lines: tuple[Line, ...]
    wants_to_be_told: bool = False
    """Whether a line that counts and can't be told refuses: where production exists and the project says so."""
    training: Mapping[str, Any] = field(default_factory=dict)
    """How the data that it learnt from differ from production's; JSON values."""

    @property
    def refusing(self) -> tuple[Line, ...]:
        """The lines that keep the version out."""
        return tuple(line for line in self.lines if self._refuses(line))

    @property
    def passed(self) -> bool:
        return not self.refusing

    @property
    def digest(self) -> str:
        """SHA-256 of the table, for the ledger."""
        return digest_of(self.to_json())

    def __repr__(self) -> str:
        return f"<GateReport: version {self.version} {'passes' if self.passed else 'is refused'}; {self.sentence()}>"

    def sentence(self) -> str:
        """The outcome in words, with every line that refuses."""
        if not self.passed:
            return "; ".join(_refusal(line) for line in self.refusing)
        untold = [line.check for line in self.lines if line.outcome == "cannot tell"]
        passed = f"{len(self.lines) - len(untold)} lines passed"
        return f"{passed}; cannot tell: {', '.join(untold)}" if untold else passed

    def to_json(self) -> dict[str, Any]:
        """What `slipway gate --json` prints."""
        return {
            "version": self.version,
            "passed": self.passed,
            "lines": [{**line.to_json(), "refuses": self._refuses(line)} for line in self.lines],
            "training": dict(self.training),
        }

    @classmethod
    def from_json(cls, table: Mapping[str, Any]) -> "GateReport":
        """The report of a table that was kept; lines of an older Slipway lack what it did not know."""
        lines = tuple(Line.from_json(line) for line in table["lines"])
        untold = [(told, line) for told, line in zip(table["lines"], lines, strict=True) if line.is_untold]
        wants_to_be_told = any(told.get("refuses", False) for told, _ in untold)
        return cls(table["version"], lines, wants_to_be_told, table.get("training", {}))

    def _refuses(self, line: Line) -> bool:
        return line.outcome == "failed" or (line.is_untold and self.wants_to_be_told)


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
    training: Mapping[str, Any] = {}
    try:
        lines = _quality_lines(candidate, production, model, absent)
        lines.append(same_requests(candidate.bundle.schema, production.bundle.schema if production else None, absent))
        lines += _told("batch and single rows", lambda: [batch_is_single(candidate)])
        lines += _replay_lines(candidate, production, model, requests, absent)
        if production is not None:
            training = _shown_beside(lines, candidate, production)
        lines += room.lines()
    finally:
        room.close()
    wants_to_be_told = model.cannot_tell == "refuse" and production is not None
    return GateReport(version, tuple(lines), wants_to_be_told, training)


def _quality_lines(candidate: Scorer, production: Scorer | None, model: Model, absent: str) -> list[Line]:
    try:
        quality = quality_of(candidate, model.kind)
    except Exception as error:  # the edge of what was trained elsewhere: damaged test rows are a line, not a crash
        return [
            Line(
                "quality",
                "metrics on the test rows",
                _reason(error),
                "failed",
                "",
                "test rows that can be read: run again",
            )
        ]
    lines = [line for name, threshold in model.gate.items() for line in thresholds(name, threshold, quality)]
    lines += _told(SKILL, lambda: [skill(model, quality)])
    compare = partial(against_production, model, quality, candidate, production, absent)
    return lines + _told("against production", compare)


def _replay_lines(
    candidate: Scorer, production: Scorer | None, model: Model, requests: Sequence[Prediction], absent: str
) -> list[Line]:
    replayed = Replayed([], [])

    def asked_again() -> list[Line]:
        nonlocal replayed
        replayed = replay(candidate, production, model, requests)
        return replayed.lines

    def timed() -> list[Line]:
        rows = replayed.rows or candidate.bundle.examples()[0]
        return [latency(candidate, production, rows, model.replay, absent)]

    return _told(REPLAY, asked_again) + _told(LATENCY, timed)


def _shown_beside(lines: list[Line], candidate: Scorer, production: Scorer) -> Mapping[str, Any]:
    try:
        found = moved(candidate, production)
    except Exception as error:  # a profile that can't be read is damage that the clean load tells of
        lines.append(
            Line(TRAINING_DATA, "shown beside production's", _reason(error), "cannot tell", "", _MENDED, counts=False)
        )
        return {}
    lines.append(found.line())
    return found.to_json()


def _told(check: str, measured: Callable[[], list[Line]]) -> list[Line]:
    try:
        return measured()
    except Exception as error:  # the edge of the user's and the libraries' code: a gate that crashes decides nothing
        return [Line(check, "to be measured", _reason(error), "cannot tell", "", _MENDED)]


def _refusal(line: Line) -> str:
    unsure = f" ({line.uncertainty})" if line.uncertainty else ""
    said = f"{line.check}: asked {line.asked}, measured {line.measured}{unsure}"
    return f"{said}: cannot tell ({line.would_change})" if line.outcome == "cannot tell" else said


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
