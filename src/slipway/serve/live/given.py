"""The version in use and its answers in, the frozen facts that a project's own functions are given out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from slipway.records import Label, Prediction
from slipway.serve.live.version import Live


@dataclass(frozen=True, slots=True)
class Answer:
    """One prediction as a project's `response` function is given it."""

    id: str | None
    """None for a row that was not scored."""
    prediction: Label | None
    probabilities: dict[str, float] | None
    error: str | None


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """The model as a project's own functions are given it."""

    name: str
    version: int
    classes: tuple[Label, ...]
    """Empty for regression."""
    kind: str
    target: str
    estimator: str
    """The class of the estimator, of a pipeline that of its last step, such as "LinearRegression"."""
    features: tuple[str, ...]
    """The fields of a request's row."""
    metrics: Mapping[str, float]
    """As the project's own metrics stage reported them."""
    released_at: str
    """ISO 8601 in UTC."""


def model_facts(name: str, live: Live) -> ModelFacts:
    """The version in use of the project of this name."""
    manifest = live.scorer.bundle.manifest
    return ModelFacts(
        name=name,
        version=live.version,
        classes=manifest.classes,
        kind=manifest.kind,
        target=manifest.target,
        estimator=live.scorer.estimator_name,
        features=manifest.schema.names,
        metrics=manifest.reported,
        released_at=live.released.at,
    )


def answers(count: int, wrong: Mapping[int, str], predictions: Sequence[Prediction]) -> list[Answer]:
    """An answer for each of `count` rows: what was wrong with it, or the next of the predictions."""
    scored = iter(predictions)
    return [
        Answer(None, None, None, wrong[position]) if position in wrong else _answer(next(scored))
        for position in range(count)
    ]


def _answer(prediction: Prediction) -> Answer:
    shares = dict(prediction.probabilities) if prediction.probabilities else None
    return Answer(prediction.id, prediction.prediction, shares, prediction.error)
