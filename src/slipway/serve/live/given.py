"""The version in use and its answers as a project's own functions are given them."""

from collections.abc import Mapping, Sequence

from slipway.model.route_functions import Answer, ModelFacts, facts_of
from slipway.records import PartialPrediction, Prediction
from slipway.serve.live.version import Live


def model_facts(name: str, live: Live) -> ModelFacts:
    """Tell the facts of the version in use of the project of this name."""
    scorer = live.scorer
    return facts_of(
        scorer.bundle,
        name=name,
        version=live.version,
        estimator=scorer.estimator_name,
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
    unread = prediction.unread if isinstance(prediction, PartialPrediction) else ()
    return Answer(prediction.id, prediction.prediction, shares, prediction.error, unread)
