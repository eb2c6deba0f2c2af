"""How a classifier comes from probabilities to a label, where it does so at a threshold of its own."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

_FIXED = "sklearn.model_selection._classification_threshold.FixedThresholdClassifier"


@dataclass(frozen=True, slots=True)
class ThresholdDecision:
    """A binary classifier that says one class from a probability on, and else the other."""

    classifier: Any
    """Gives the probabilities, which the decision leaves as they are."""
    classes: NDArray[Any]
    positive: int
    """Which of the two classes the threshold is of, by its place."""
    threshold: float

    def predict_proba(self, given: Any) -> Any:
        return self.classifier.predict_proba(given)

    def predict(self, given: Any) -> NDArray[Any]:
        labels: NDArray[Any] = self.classes[self.places(np.asarray(self.predict_proba(given), dtype=np.float64))]
        return labels

    def places(self, shares: NDArray[np.float64]) -> NDArray[np.int64]:
        """The place of each row's class; `shares` has shape (rows, 2)."""
        is_positive = shares[:, self.positive] >= self.threshold
        return np.where(is_positive, self.positive, 1 - self.positive)

    def by(self, classifier: Any) -> "ThresholdDecision":
        """The same decision on another classifier's probabilities."""
        return replace(self, classifier=classifier)


def threshold_decision(estimator: Any) -> ThresholdDecision | None:
    """The decision of scikit-learn's FixedThresholdClassifier on probabilities; None of anything else."""
    if isinstance(estimator, ThresholdDecision):
        return estimator
    kind = type(estimator)
    if f"{kind.__module__}.{kind.__qualname__}" != _FIXED or estimator.response_method == "decision_function":
        return None
    classifier = getattr(estimator, "estimator_", None)
    classes = getattr(classifier, "classes_", None)
    if classes is None or len(classes) != 2 or not hasattr(classifier, "predict_proba"):
        return None
    known = np.asarray(classes).tolist()
    positive = 1 if estimator.pos_label is None else known.index(estimator.pos_label)
    threshold = 0.5 if estimator.threshold == "auto" else float(estimator.threshold)
    return ThresholdDecision(classifier, np.asarray(classes), positive, threshold)
