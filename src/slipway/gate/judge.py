"""A comparison and what a project allows in; passed, failed or can't be told, and what would change that, out. Pure."""

from dataclasses import dataclass

from slipway.gate.compare import ALPHA, Paired
from slipway.gate.lines import Outcome, drops_between, number
from slipway.project import Threshold

_DOUBT = {"accuracy": 0.05, "macro_f1": 0.05, "auc": 0.05, "r2": 0.05}
"""How far beyond `max_drop` chance may reach, of metrics whose best is 1."""
_DOUBT_SHARE = 0.1
"""The same of the others, as a share of production's."""
_MANY = 10_000_000
"""So many rows nobody gathers for a difference that small."""
_LEAST = 1e-12
"""A drop of exactly what is allowed is allowed, whatever the last bit of the subtraction."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """What one metric may lose against production, in its own unit."""

    drop: float
    doubt: float
    """How far beyond `drop` chance may reach, for a candidate to pass that measures no worse than it may."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a comparison says of a candidate."""

    outcome: Outcome
    measured: str
    uncertainty: str
    would_change: str
    p: float
    """One-sided, of the drop being beyond what is allowed."""


def allowed(name: str, threshold: Threshold, production: float) -> Allowed:
    """A threshold in the metric's own unit, beside the value that production has."""
    assert threshold.max_drop is not None
    unit = abs(production) if threshold.is_share else 1.0
    given = threshold.doubt
    doubt = given * unit if given is not None else _DOUBT.get(name, _DOUBT_SHARE * abs(production))
    return Allowed(threshold.max_drop * unit, doubt)


def judge(found: Paired, limit: Allowed, *, p: float | None = None) -> Verdict:
    """Hold a measured drop against what is allowed, both ways, as a non-inferiority trial does (Schuirmann, 1987).

    It fails where a drop beyond `limit.drop` is shown (one-sided p < 0.05), and passes where the drop measures no more
    than that and one beyond `limit.drop + limit.doubt` is ruled out (at 95 %). Between the two it can't be told.

    Args:
        p: the one-sided p where this is one of many comparisons; by default this comparison's own.
    """
    p = found.chance(limit.drop) if p is None else p
    worst = limit.drop + limit.doubt
    is_within = found.drop <= limit.drop + _LEAST
    said = f"{number(found.candidate)} vs {number(found.production)} on {found.rows:,} rows, {_words(p)}"
    unsure = drops_between(found.low, found.high)
    told_from = f"{limit.drop + found.tells:.2g}"
    untold = f"can't tell drops below {told_from} on these {found.rows:,} rows"
    if not is_within and p < ALPHA:
        return Verdict("failed", said, unsure, f"a drop of {number(limit.drop)} or less passes", p)
    if found.high <= limit.drop + _LEAST or (is_within and found.high <= worst + _LEAST):
        if found.error > _LEAST:
            unsure += f", can't tell one below {told_from}"
        return Verdict("passed", said, unsure, f"a drop shown to be beyond {number(limit.drop)} fails", p)
    if is_within:
        more = found.rows_to_rule_out(worst - found.drop) if worst > found.drop else 0
        needed = f"about {more:,} would rule out one of {worst:.2g}" if more else "a doubt above 0 would pass it"
        return Verdict("cannot tell", said, unsure, f"{untold}; {needed}", p)
    more = found.rows_to_rule_out(found.drop - limit.drop)
    needed = f"about {more:,} would, if the drop stays" if more < _MANY else "the two are all but equal"
    return Verdict("cannot tell", said, unsure, f"{untold}; {needed}", p)


def _words(p: float) -> str:
    return f"p = {p:.2g}" if p >= 0.001 else "p < 0.001"
