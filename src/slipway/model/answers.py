"""An estimator and its features in, answers of plain Python types out."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slipway.errors import StageError
from slipway.model.decision import threshold_decision
from slipway.model.trees import BoostedTrees
from slipway.records import Label


@dataclass(frozen=True, slots=True)
class Scores:
    """Answers in the order of the rows."""

    predictions: list[Label | None]
    probabilities: list[dict[str, float] | None] | None
    """By class label; None for a regression, or a classifier that gives none. None for a row without an answer."""
    errors: list[str | None]
    lost: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    """By row, the fields with a value that an online stage could not read: of a row with an error they are why."""

    def take(self, rows: Sequence[int]) -> "Scores":
        """The scores of some of the rows, by position."""
        shares = [self.probabilities[i] for i in rows] if self.probabilities is not None else None
        lost = {place: self.lost[i] for place, i in enumerate(rows) if i in self.lost}
        return Scores([self.predictions[i] for i in rows], shares, [self.errors[i] for i in rows], lost)

    @classmethod
    def merged(
        cls, rows: int, parts: "Sequence[tuple[Sequence[int], Scores]]", errors: Mapping[int, str] | None = None
    ) -> "Scores":
        """The scores of so many rows from those of parts of them, by place; the other rows have these errors."""
        predictions: list[Label | None] = [None] * rows
        reasons = [(errors or {}).get(row) for row in range(rows)]
        shares: list[dict[str, float] | None] = [None] * rows
        for places, part in parts:
            for k, row in enumerate(places):
                predictions[row], reasons[row] = part.predictions[k], part.errors[k]
                shares[row] = part.probabilities[k] if part.probabilities is not None else None
        has_any = any(part.probabilities is not None for _, part in parts)
        lost = {places[k]: names for places, part in parts for k, names in part.lost.items()}
        return cls(predictions, shares if has_any else None, reasons, lost)

    @classmethod
    def joined(cls, parts: "Sequence[Scores]") -> "Scores":
        """The scores of several tables as of one."""
        places, start = [], 0
        for part in parts:
            places.append((range(start, start + len(part.errors)), part))
            start += len(part.errors)
        return cls.merged(start, places)


_LIKELIEST = frozenset(
    {
        "sklearn.ensemble._forest.ExtraTreesClassifier",
        "sklearn.ensemble._forest.RandomForestClassifier",
        "sklearn.ensemble._hist_gradient_boosting.gradient_boosting.HistGradientBoostingClassifier",
    }
)
"""Classifiers whose predict is the likeliest class: asked for both, they would go through all their trees twice."""


def predict(estimator: Any, features: Any, rows: int, kind: str) -> Scores:
    """Ask the estimator for these rows.

    Raises:
        StageError: it gives another number of answers, or several a row.
    """
    return predict_last(estimator, *_transformed(estimator, features), rows, kind)


def predict_last(estimator: Any, final: Any, given: Any, rows: int, kind: str) -> Scores:
    """The same of what the estimator's last step takes, or of what stands for that step and what it takes."""
    if kind == "regression":
        return _numbers(_flat(final.predict(given), rows))
    decision = threshold_decision(final)
    shares = _shares(estimator, decision or final, given, rows)
    # Of anything else that holds a classifier, such as a decision of a user's own, nobody knows what its predict does.
    named = type(final.estimator if isinstance(final, BoostedTrees) else final)
    is_likeliest = f"{named.__module__}.{named.__qualname__}" in _LIKELIEST
    if shares is not None and (decision is not None or is_likeliest):
        labels = classes_of(estimator)
        places = shares.argmax(axis=1) if decision is None else decision.places(shares)
        answers: list[Label | None] = [labels[i] for i in places.tolist()]
    else:
        answers = [_plain(answer) for answer in _flat(final.predict(given), rows)]
    return Scores(answers, _probabilities(estimator, shares), [None] * rows)


def classes_of(estimator: Any) -> tuple[Label, ...]:
    """The labels that a classifier knows, in the order of its probabilities; empty where it does not say."""
    classes = getattr(estimator, "classes_", None)
    return () if classes is None else tuple(_plain(label) for label in np.asarray(classes).tolist())


def label_text(label: Label) -> str:
    """A label as the key of its probability; truths in JSON's own words, as the prediction beside them has them."""
    return str(label).lower() if isinstance(label, bool) else str(label)


def _transformed(estimator: Any, features: Any) -> tuple[Any, Any]:
    """A pipeline's last step and what it takes: its transformations are most of the work, and predict and
    predict_proba would each do them."""
    from sklearn.pipeline import Pipeline

    if type(estimator) is not Pipeline:
        return estimator, features
    for name, step in estimator.steps[:-1]:
        if step is not None and step != "passthrough":
            features = estimator.named_steps[name].transform(features)
    return estimator.steps[-1][1], features


def _flat(answers: Any, rows: int) -> list[Any]:
    values = np.asarray(answers)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1 or values.shape[0] != rows:
        raise StageError(f"the model's predict gave an array of shape {values.shape} for {rows} rows: one each is due.")
    return list(values.tolist())


def _numbers(answers: list[Any]) -> Scores:
    predictions: list[Label | None] = []
    errors: list[str | None] = []
    for answer in answers:
        number = float(answer)
        is_finite = math.isfinite(number)
        predictions.append(number if is_finite else None)
        errors.append(None if is_finite else f"the model gave {number}, which is no answer")
    return Scores(predictions, None, errors)


def _shares(estimator: Any, final: Any, given: Any, rows: int) -> NDArray[np.float64] | None:
    """Probabilities of shape (rows, classes); None where the estimator gives none."""
    if not hasattr(final, "predict_proba") or not hasattr(estimator, "classes_"):
        return None
    table: NDArray[np.float64] = np.asarray(final.predict_proba(given), dtype=np.float64)
    if table.shape != (rows, len(classes_of(estimator))):
        return None
    if not np.isfinite(table).all():
        raise StageError("the model's predict_proba gave a probability that is no finite number")
    return table


def _probabilities(estimator: Any, shares: NDArray[np.float64] | None) -> list[dict[str, float] | None] | None:
    if shares is None:
        return None
    labels = [label_text(label) for label in classes_of(estimator)]
    return [dict(zip(labels, values, strict=True)) for values in shares.tolist()]


def _plain(label: Any) -> Label:
    # tolist() gives Python's own types, except from arrays of objects, where NumPy scalars survive.
    value = label.item() if isinstance(label, np.generic) else label
    if not isinstance(value, str | int | float | bool):
        raise StageError(f"the model gave {value!r} as a label: text, numbers and booleans can be answered.")
    return value
