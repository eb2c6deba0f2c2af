"""Hold a candidate against the best answer that knows nothing of a row: one without skill fails."""

import math
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from statistics import NormalDist

from slipway.gate.compare import ALPHA, MIN_CLASS_ROWS, RANKED, Answers, Z, few_of_a_class, paired
from slipway.gate.constant import (
    best_constant,
    expected_average_precision,
    guessed_macro_f1,
    random_average_precision,
)
from slipway.gate.lines import Line, between, p_words
from slipway.gate.measure import CannotMeasure, Measured, class_name, metric
from slipway.gate.quality import MIN_ROWS, Quality
from slipway.gate.slices import holm
from slipway.project import Model
from slipway.project.facts import LOWER_IS_BETTER, METRICS, ModelKind
from slipway.records import Label
from slipway.rounding import rounded

CHECK = "skill"

_ALWAYS: dict[ModelKind, tuple[str, ...]] = {
    "classification": ("macro_f1", "log_loss"),
    "regression": ("rmse", "mae"),
}
"""What is looked at beside the metrics that the project names: a model has skill if it has by one of them."""
_LEAST = 1e-9
_PLAIN = 5.0
"""So many standard errors ahead, nobody has to draw resamples."""


@dataclass(frozen=True, slots=True)
class _Lead:
    """How far a candidate is ahead of the constant answer by one metric."""

    metric: str
    candidate: float
    constant: float
    lead: float
    p: float
    """One-sided, of a lead of 0 or less."""
    bounds: tuple[float, float]

    @property
    def is_plain(self) -> bool:
        """Whether it is so many standard errors that no better test would say anything else."""
        return 2 * self.lead > _PLAIN * (self.bounds[1] - self.bounds[0]) / Z

    def words(self) -> str:
        return f"{self.metric} {rounded(self.candidate)} vs {rounded(self.constant)}"


def skill(model: Model, quality: Quality) -> Line:
    """Say whether the candidate is better than an answer that knows nothing of the row.

    It passes where it is shown to be (one-sided p < 0.05, by Holm over the metrics). It fails where no metric measures
    any lead, and where its probabilities are shown to be worse than the classes' shares and no more of its answers are
    right than of the commonest class alone. Between the two, and on few rows, it can't be told, which refuses nobody.
    """
    names = _names(model)
    by = " or ".join([", ".join(names[:-1]), names[-1]])
    asked = f"better than the best answer that knows nothing of the row, by {by}"
    if quality.failure is not None:
        return Line(CHECK, asked, quality.failure, "failed", would_change="every test row answered")
    if len(set(quality.truths)) < 2:
        same = f"`{class_name(quality.truths[0])}`" if quality.truths else "missing"
        change = "test rows with different targets"
        return Line(CHECK, asked, f"the target of every test row is {same}", "cannot tell", "", change, counts=False)
    assert quality.answers is not None
    leads = _leads(names, quality.truths, quality.answers)
    corrected = list(zip(leads, holm([lead.p for lead in leads]), strict=True))
    ahead = [(lead, p) for lead, p in corrected if lead.lead > _LEAST]
    best, p = min(ahead or corrected, key=lambda each: (each[1], -each[0].lead))
    rows, constant = len(quality.truths), _constant_words(model.kind, quality.truths)
    said = f"{best.words()} of {constant}, on {rows:,} test rows, {p_words(p)}"
    unsure = f"lead {between(*best.bounds)}"
    if ahead and p < ALPHA and len(quality.truths) >= MIN_ROWS:  # fewer rows keep to no law of large numbers
        return Line(CHECK, asked, said, "passed", unsure, "a model without a lead fails", counts=False)
    if (few := _few(model.kind, quality.truths)) is not None:
        return Line(CHECK, asked, said, "cannot tell", unsure, few, counts=False)
    if ahead and not _is_shown_worse(leads, quality.truths, quality.answers):
        error = (best.bounds[1] - best.bounds[0]) / (2 * Z)
        needed = math.ceil(rows * (Z * error / best.lead) ** 2)
        change = f"about {max(needed, rows + 1):,} test rows would show it, if the lead stays"
        return Line(CHECK, asked, said, "cannot tell", unsure, change, counts=False)
    shown = "not shown to be better" if ahead else "no better"
    said = f"{shown} than {constant} on {rows:,} test rows: {', '.join(lead.words() for lead in leads)}"
    change = "a model that learns something of the target"
    if model.kind == "classification" and not RANKED & {*names}:
        change += "; where its ranking is what is used, auc or average_precision in [model] gate"
    return Line(CHECK, asked, said, "failed", unsure, change)


def _is_shown_worse(leads: Sequence[_Lead], truths: Sequence[Label], candidate: Answers) -> bool:
    loss = next((lead for lead in leads if lead.metric == "log_loss"), None)
    if loss is None or loss.bounds[1] >= 0:
        return False
    right, constant = (
        metric("accuracy", truths, a.predictions).value for a in (candidate, best_constant("accuracy", truths))
    )
    return right <= constant


def _names(model: Model) -> list[str]:
    named = [name for name in model.gate if name in METRICS[model.kind]]
    names = list(dict.fromkeys([*named, *_ALWAYS[model.kind]]))
    return [name for name in names if name != "r2"]  # which says of the mean what rmse says


def _leads(names: Sequence[str], truths: Sequence[Label], candidate: Answers) -> list[_Lead]:
    found = []
    for name in names:
        with suppress(CannotMeasure):
            found.append(_lead(name, truths, candidate))
    return found


def _lead(name: str, truths: Sequence[Label], candidate: Answers) -> _Lead:
    constant = best_constant(name, truths)
    ours, theirs = (metric(name, truths, a.predictions, a.probabilities) for a in (candidate, constant))
    if name == "macro_f1":
        guess = guessed_macro_f1(truths, candidate.predictions)
        return _by_normal_law(name, ours, max(guess, theirs, key=lambda each: each.value))
    if name == "average_precision":
        return _by_random_rankings(name, truths, ours, theirs)
    plain = _by_normal_law(name, ours, theirs)
    if len(truths) >= MIN_ROWS and plain.is_plain:
        return plain
    found = paired(name, truths, constant, candidate)
    return _Lead(name, ours.value, theirs.value, found.drop, found.chance(0.0), found.bounds)


def _by_normal_law(name: str, ours: Measured, theirs: Measured) -> _Lead:
    sign = -1.0 if name in LOWER_IS_BETTER else 1.0
    lead, influence = sign * (ours.value - theirs.value), ours.influence - theirs.influence
    error = math.sqrt(float(influence @ influence)) / influence.size
    p = NormalDist().cdf(-lead / error) if error > _LEAST else 0.0 if lead > _LEAST else 1.0
    return _Lead(name, ours.value, theirs.value, lead, p, (lead - Z * error, lead + Z * error))


def _by_random_rankings(name: str, truths: Sequence[Label], ours: Measured, theirs: Measured) -> _Lead:
    if (few := few_of_a_class(name, truths)) is not None:
        raise CannotMeasure(few)
    found = _by_normal_law(name, ours, Measured(expected_average_precision(truths), theirs.influence))
    if found.is_plain:
        return found
    drawn = random_average_precision(truths)
    return replace(found, p=(1 + int((drawn >= ours.value).sum())) / (1 + drawn.size))


def _few(kind: ModelKind, truths: Sequence[Label]) -> str | None:
    """What is missing before anything can be told; None where there is enough."""
    if len(truths) < MIN_ROWS:
        return f"{MIN_ROWS} test rows"
    others = len(truths) - Counter(truths).most_common(1)[0][1]
    if kind == "classification" and others < MIN_CLASS_ROWS:
        label = class_name(Counter(truths).most_common(1)[0][0])
        return f"{MIN_CLASS_ROWS} test rows that are not `{label}`; there {'is' if others == 1 else 'are'} {others}"
    return None


def _constant_words(kind: ModelKind, truths: Sequence[Label]) -> str:
    if kind == "regression":
        return "always the mean or the median"
    return f"always `{class_name(Counter(truths).most_common(1)[0][0])}`, the classes' shares, or a guess"
