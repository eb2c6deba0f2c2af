"""One line of the gate's table: what is asked, what was measured, and whether that is enough."""

from dataclasses import dataclass
from typing import Literal

Outcome = Literal["passed", "failed", "cannot tell"]


@dataclass(frozen=True, slots=True)
class Line:
    """A check of the gate. Only a failed one refuses a candidate; what cannot be told is shown."""

    check: str
    asked: str
    measured: str
    outcome: Outcome


def number(value: float) -> str:
    """A figure as the table shows it: four digits that count."""
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"
