"""Answers to a questionnaire about eating and moving → which of seven weight classes each person is in."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

import numpy as np
import polars as pl
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import confusion_matrix
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OrdinalEncoder

from cleaning import CATEGORIES, CLASSES, NOTHING, RANGES, TARGET, body_mass, in_range, labelled, rows_in, spelt
from measures import dropped, moved, scores
from slipway import BadRequest, split_rows, stage

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Samples(TypedDict):
    """Several people, each with the sixteen answers."""

    samples: list[dict[str, Any]]


class Prediction(TypedDict):
    """The class of one person, how likely it is, and what it was told from."""

    prediction: str | None
    confidence: float | None
    features_received: dict[str, Any]
    model_name: str
    model_version: int
    error: NotRequired[str]


class Batch(TypedDict):
    """An entry for each sample, in their order."""

    predictions: list[Prediction]
    total_samples: int
    successful: int
    failed: int


class Health(TypedDict):
    status: str
    model_loaded: bool
    version: int
    timestamp: str


@stage(online=True)
def eda(raw: pl.DataFrame) -> pl.DataFrame:
    """The answers cleaned: known spellings, numbers that can be, nothing where there is none; and the body mass."""
    return raw.select(
        *(spelt(name, known) for name, known in CATEGORIES.items()),
        *(in_range(name, low, high) for name, (low, high) in RANGES.items()),
    ).with_columns(body_mass())


@stage(outputs=("training", "test"))
def preprocess(
    eda: pl.DataFrame, *, rows: int = 2_153, test_share: float = 0.2, seed: int = 42
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The first `rows`, the file's, by a random split with each class in its share; what comes after them by content.

    Rows without a class are left out. So are rows to learn from that are answered word for word like one of the test.
    """
    first, everything = labelled(eda.head(rows)), labelled(eda)
    training, test = train_test_split(first, test_size=test_share, random_state=seed, stratify=first[TARGET].to_numpy())
    more = everything.slice(first.height)
    # A row that production labelled keeps its side as more of them come.
    _, aside = split_rows(everything, test_share=test_share, seed=seed)
    test = pl.concat([test, rows_in(more, aside, "semi")])
    return rows_in(pl.concat([training, more]), test, "anti"), test


@stage(outputs=("model",))
def train(training: pl.DataFrame, *, iterations: int = 100, leaves: int = 15, seed: int = 7) -> Pipeline:
    """Boosted trees, to which a missing answer is an answer too."""
    encoder = OrdinalEncoder(
        handle_unknown="use_encoded_value", unknown_value=np.nan, encoded_missing_value=np.nan, max_categories=250
    )
    boosting = HistGradientBoostingClassifier(
        max_iter=iterations, max_leaf_nodes=leaves, l2_regularization=1.0, random_state=seed
    )
    numbers = [name for name in training.columns if name not in (*CATEGORIES, TARGET)]
    columns = make_column_transformer((encoder, list(CATEGORIES)), ("passthrough", numbers))
    return make_pipeline(columns, boosting).fit(training.drop(TARGET), training[TARGET].to_numpy())


@stage(outputs=("metrics", "evaluation"))
def evaluate(model: Pipeline, training: pl.DataFrame, test: pl.DataFrame) -> tuple[dict[str, float], dict[str, Any]]:
    """How often the class is right, which are taken for which, and how much better the rows learnt from are known."""
    figures = scores(model, test)
    learnt = scores(model, training)["accuracy"]
    table = confusion_matrix(test[TARGET], model.predict(test.drop(TARGET)), labels=CLASSES)
    return figures, {
        "rows": {"training": training.height, "test": test.height},
        "training_accuracy": learnt,
        "gap": learnt - figures["accuracy"],
        "classes": list(CLASSES),
        "confusion": table,
    }


@stage(outputs=("classes", "answers", "numbers", "correlations"))
def visualize(eda: pl.DataFrame) -> "tuple[Figure, Figure, Figure, Figure]":
    """The classes and their body mass, the answers ticked, the numbers, and how these go together."""
    from figures import draw_answers, draw_classes, draw_correlations, draw_numbers

    table = labelled(eda)
    return (
        draw_classes(table, TARGET, CLASSES),
        draw_answers(table, tuple(CATEGORIES)),
        draw_numbers(table, tuple(RANGES)),
        draw_correlations(table, (*RANGES, "body_mass_index")),
    )


@stage
def simulate_drift(
    eda: pl.DataFrame,
    *,
    age: float = 0.10,
    weight: float = 0.15,
    height: float = 0.05,
    noise: float = 0.03,
    seed: int = 42,
) -> pl.DataFrame:
    """People older, heavier and taller by these shares of the mean, each by a tenth more or less; noise elsewhere.

    Drawn from one generator in this order. What is null stays null.
    """
    rng = np.random.RandomState(seed)
    drawn = {}
    for name, share in (("Age", age), ("Weight", weight), ("Height", height)):
        shift = share * float(eda[name].mean())
        drawn[name] = eda[name] + rng.normal(shift, 0.1 * shift, eda.height)
    for name in [name for name in RANGES if name not in drawn]:
        values = eda[name]
        noisy = values + rng.normal(0, noise * float(values.std()), eda.height)
        drawn[name] = noisy.clip(values.min(), values.max())
    return eda.with_columns(**drawn).with_columns(body_mass())


@stage
def detect_drift(
    eda: pl.DataFrame,
    simulate_drift: pl.DataFrame,
    model: Pipeline,
    test: pl.DataFrame,
    *,
    alert: float = 0.2,
    critical: float = 0.5,
    drop_alert: float = 0.05,
    drop_critical: float = 0.10,
) -> dict[str, Any]:
    """How far each number has moved, and what it does to the model on people whom it has not learnt from.

    The distance of the two distributions (Kolmogorov and Smirnov) is shown and raises nothing: with two thousand rows
    its p-value is small for any difference.
    """
    columns = {
        name: moved(eda[name].drop_nulls(), simulate_drift[name].drop_nulls(), alert, critical) for name in RANGES
    }
    numbered = labelled(eda.with_row_index("row"))
    kept_back = rows_in(numbered, test, "semi")["row"]
    before = scores(model, labelled(eda[kept_back]))
    after = scores(model, labelled(simulate_drift[kept_back]))
    quality = {
        name: dropped(before[name], after[name], drop_alert, drop_critical)
        for name in ("accuracy", "precision", "recall", "f1")
    }
    found = {**columns, **quality}
    return {
        "rows": {"reference": eda.height, "drifted": simulate_drift.height, "scored": kept_back.len()},
        "alerts": [name for name, one in found.items() if one["level"] != "none"],
        "critical": [name for name, one in found.items() if one["level"] == "critical"],
        "thresholds": {"psi": [alert, critical], "drop": [drop_alert, drop_critical]},
        "columns": columns,
        "quality": quality,
    }


@stage(outputs=("drift_indices", "drift_numbers"))
def visualize_drift(
    eda: pl.DataFrame, simulate_drift: pl.DataFrame, detect_drift: dict[str, Any]
) -> "tuple[Figure, Figure]":
    """The indices against their thresholds, and the numbers before and after."""
    from figures import draw_indices, draw_numbers

    return draw_indices(detect_drift), draw_numbers(eda, tuple(RANGES), after=simulate_drift)


@stage
def compare(raw: pl.DataFrame, eda: pl.DataFrame) -> dict[str, Any]:
    """What cleaning did to each column: how many answers were missing, respelt, or taken away as impossible."""
    columns = {}
    for name in (*CATEGORIES, *RANGES):
        given = raw[name].cast(pl.String)
        is_given = given.is_not_null() & ~given.str.strip_chars().str.to_lowercase().is_in(NOTHING)
        kept = eda[name].is_not_null()
        columns[name] = {
            "missing": int((~is_given).sum()),
            "taken_away": int((is_given & ~kept).sum()),
            "respelt": int((kept & (given.str.strip_chars() != given)).sum()),
            "distinct": eda[name].drop_nulls().n_unique(),
        }
    known = labelled(eda)
    return {
        "rows": {"raw": raw.height, "with_class": known.height, "duplicates": known.height - known.n_unique()},
        "left_out": [name for name in raw.columns if name not in eda.columns],
        "columns": columns,
    }


def prediction(rows: list[dict[str, Any]], predictions: list[Any], model: Any) -> Prediction | list[Prediction]:
    """The answer for one person; for several, a list."""
    told = [_one(row, answer, model) for row, answer in zip(rows, predictions, strict=True)]
    return told[0] if len(told) == 1 else told


def from_samples(body: Samples) -> list[dict[str, Any]]:
    """`{"samples": [{…}, {…}]}` → one row a sample."""
    samples = body.get("samples") if isinstance(body, dict) else None
    if not isinstance(samples, list) or not samples:
        raise BadRequest('`samples` is missing, empty or no list: send {"samples": [{"Gender": "Female", …}]}.')
    return samples


def batch(rows: list[dict[str, Any]], predictions: list[Any], model: Any) -> Batch:
    """What could be told, and how many samples could not: a wrong one fails alone."""
    told = [_one(row, answer, model) for row, answer in zip(rows, predictions, strict=True)]
    failed = sum(answer.error is not None for answer in predictions)
    return {"predictions": told, "total_samples": len(told), "successful": len(told) - failed, "failed": failed}


def health(model: Any, health: dict[str, Any]) -> Health:
    """Whether the service can answer."""
    return {
        "status": "healthy" if health["ready"] else "unhealthy",
        "model_loaded": health["ready"],
        "version": model.version,
        "timestamp": _now(),
    }


def status(model: Any, health: dict[str, Any]) -> dict[str, Any]:
    """The model, and everything that the service depends on."""
    return {
        "api_status": "online" if health["ready"] else "offline",
        "model_loaded": health["ready"],
        "model_name": model.estimator,
        "model_version": model.version,
        "features_required": len(model.features),
        "timestamp": _now(),
        "health": health,
    }


def _one(row: dict[str, Any], answer: Any, model: Any) -> Prediction:
    shares = answer.probabilities
    told: Prediction = {
        "prediction": answer.prediction,
        "confidence": max(shares.values()) if shares else None,
        "features_received": row,
        "model_name": model.estimator,
        "model_version": model.version,
    }
    return told if answer.error is None else {**told, "error": answer.error}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
