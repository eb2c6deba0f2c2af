"""Judge a comparison by what a project allows: passed, failed or cannot tell, and what would change that."""

from dataclasses import dataclass

from slipway.gate.compare import ALPHA, Paired
from slipway.gate.lines import Outcome, drops_between, p_words
from slipway.project import Threshold
from slipway.rounding import rounded

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


def outcome_of(found: Paired, limit: Allowed, *, p: float | None = None) -> Outcome:
    """Hold a measured drop against what is allowed, both ways, as a non-inferiority trial does (Schuirmann, 1987).

    It fails where a drop beyond `limit.drop` is shown (one-sided p < 0.05), and passes where the drop measures no more
    than that and one beyond `limit.drop + limit.doubt` is ruled out (at 95 %). Between the two it can't be told.

    Args:
        p: the one-sided p where this is one of many comparisons; by default this comparison's own.
    """
    p = found.chance(limit.drop) if p is None else p
    is_within = found.drop <= limit.drop + _LEAST
    if not is_within and p < ALPHA:
        return "failed"
    is_passed = found.rules_out(limit.drop) or (is_within and found.rules_out(limit.drop + limit.doubt))
    return "passed" if is_passed else "cannot tell"


def judge(found: Paired, limit: Allowed, *, p: float | None = None) -> Verdict:
    """Say what a comparison means in words and figures; `outcome_of` decides."""
    p = found.chance(limit.drop) if p is None else p
    outcome = outcome_of(found, limit, p=p)
    worst = limit.drop + limit.doubt
    said = f"{rounded(found.candidate)} vs {rounded(found.production)} on {found.rows:,} rows, {p_words(p)}"
    unsure = drops_between(*found.bounds)
    told_from = f"{limit.drop + found.tells:.2g}"
    if outcome == "failed":
        return Verdict(outcome, said, unsure, f"a drop of {rounded(limit.drop)} or less passes", p)
    if outcome == "passed":
        if found.error > _LEAST:
            unsure += f", can't tell one below {told_from}"
        return Verdict(outcome, said, unsure, f"a drop shown to be beyond {rounded(limit.drop)} fails", p)
    untold = f"can't tell drops below {told_from} on these {found.rows:,} rows"
    if found.drop <= limit.drop + _LEAST:
        more = found.rows_to_rule_out(worst - found.drop) if worst > found.drop else 0
        needed = f"about {more:,} would rule out one of {worst:.2g}" if more else "a doubt above 0 would pass it"
    else:
        more = found.rows_to_rule_out(found.drop - limit.drop)
        needed = f"about {more:,} would, if the drop stays" if more < _MANY else "the two are all but equal"
    return Verdict(outcome, said, unsure, f"{untold}; {needed}", p)
