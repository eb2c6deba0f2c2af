"""One line of the gate's table: what is asked, what was measured and how surely, and whether that is enough."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

from slipway.rounding import rounded

TO_COMPARE = "a live version to compare with: the next candidate has this one"
"""What would change a line that waits for production."""

Outcome = Literal["passed", "failed", "cannot tell"]


@dataclass(frozen=True, slots=True)
class Line:
    """A check of the gate."""

    check: str
    asked: str
    measured: str
    outcome: Outcome
    uncertainty: str = ""
    """How far chance reaches; empty for what has none."""
    would_change: str = ""
    """What would make the outcome another."""
    counts: bool = True
    """Whether a project that wants to be told is refused where this can't be."""
    varies: bool = False
    """Whether the figures are another each time, as those of a clock are: a table's digest leaves them out."""

    @property
    def is_untold(self) -> bool:
        """Whether it can't be told, and a project that wants to be told is refused for it."""
        return self.outcome == "cannot tell" and self.counts

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Line":
        """A line as `to_json` gave it, or an older Slipway with fewer keys."""
        return cls(**{each.name: values[each.name] for each in fields(cls) if each.name in values})

    def to_json(self) -> dict[str, Any]:
        return {
            "check": self.check,
            "asked": self.asked,
            "measured": self.measured,
            "uncertainty": self.uncertainty,
            "outcome": self.outcome,
            "would_change": self.would_change,
            "counts": self.counts,
            "varies": self.varies,
        }


def between(low: float, high: float) -> str:
    """An interval as the table shows it."""
    return f"{rounded(low, digits=3)} to {rounded(high, digits=3)} (90 %)"


def p_words(p: float) -> str:
    """A one-sided p as the table shows it."""
    return f"p = {p:.2g}" if p >= 0.001 else "p < 0.001"


def drops_between(low: float, high: float) -> str:
    """An interval of drops as the table shows it, in words: of an error, a drop is a rise."""
    if low < 0 < high:
        return f"{rounded(-low, digits=3)} better to {rounded(high, digits=3)} worse (90 %)"
    if low < 0:
        return f"{rounded(-high, digits=3)} to {rounded(-low, digits=3)} better (90 %)"
    return f"{rounded(low, digits=3)} to {rounded(high, digits=3)} worse (90 %)"
