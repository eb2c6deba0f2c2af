"""A class that is answered from a threshold on is answered so by every way to a model's answers."""

import numpy as np
import polars as pl
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import FixedThresholdClassifier, TunedThresholdClassifierCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler
from threadpoolctl import threadpool_limits

from slipway.model.answers import predict, predict_last
from slipway.model.block import Block
from slipway.model.compiled import compiled
from slipway.model.decision import ThresholdDecision, threshold_decision
from slipway.model.placed import placed
from slipway.model.trees import BoostedTrees
from slipway.pipeline.estimators import read_estimator, write_estimator

ROWS = 300
RNG = np.random.default_rng(3)
TABLE = pl.DataFrame({"town": RNG.choice(["a", "b", "001"], ROWS), "area": RNG.normal(size=ROWS)})
IS_RARE = RNG.random(ROWS) < 1 / (1 + np.exp(3 - 2 * TABLE["area"].to_numpy()))
CLASSES = {"texts": ("fraud", "ok"), "the other way": ("yes", "no"), "numbers": (1, 0), "truths": (True, False)}


@pytest.fixture(autouse=True)
def one_thread():
    with threadpool_limits(1):
        yield


def boosted():
    return HistGradientBoostingClassifier(max_iter=8, min_samples_leaf=5, early_stopping=False, random_state=1)


def ordinal():
    return make_column_transformer(
        (OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan), ["town"]), ("passthrough", ["area"])
    )


def scaled():
    numbers = make_pipeline(SimpleImputer(keep_empty_features=True), StandardScaler())
    return make_column_transformer((OneHotEncoder(handle_unknown="infrequent_if_exist"), ["town"]), (numbers, ["area"]))


def as_table(rows):
    columns = dict(zip(rows.names, rows.lists, strict=True))
    return pl.DataFrame(columns, schema={name: TABLE.schema[name] for name in rows.names})


@pytest.mark.parametrize("names", CLASSES.values(), ids=CLASSES)
@pytest.mark.parametrize(("before", "classifier"), [(ordinal, boosted), (scaled, LogisticRegression)])
def test_the_same_class_whichever_way_a_row_goes(before, classifier, names, tmp_path):
    rare, usual = names
    truth = np.where(IS_RARE, rare, usual)
    decided = FixedThresholdClassifier(classifier(), threshold=0.2, pos_label=np.asarray(rare).item())
    pipeline = make_pipeline(before(), decided).fit(TABLE, truth)
    plain = make_pipeline(before(), classifier()).fit(TABLE, truth)
    expected = pipeline.predict(TABLE).tolist()
    assert expected != plain.predict(TABLE).tolist()

    scores = predict(pipeline, TABLE, ROWS, "classification")
    assert scores.predictions == expected
    assert scores.probabilities == predict(plain, TABLE, ROWS, "classification").probabilities

    write_estimator(pipeline, tmp_path / "model.skops")
    kept = read_estimator(tmp_path / "model.skops")
    assert predict(kept, TABLE, ROWS, "classification") == scores

    rows = Block.of(TABLE)
    for estimator, give in ((pipeline, as_table), (placed(pipeline, TABLE.columns), lambda given: given)):
        way = compiled(estimator, rows, give)
        assert isinstance(way.final, ThresholdDecision)
        assert isinstance(way.final.classifier, BoostedTrees) == (classifier is boosted)
        for part in (TABLE, TABLE.head(1), TABLE.head(5)):
            found = predict_last(estimator, way.final, way.matrix(Block.of(part)), part.height, "classification")
            assert found.predictions == pipeline.predict(part).tolist()
            assert way.final.predict(way.matrix(Block.of(part))).tolist() == found.predictions


class Careful(ClassifierMixin, BaseEstimator):
    """A decision of a user's own: it is sure of `yes` or says `no`."""

    def __init__(self, estimator):
        self.estimator = estimator

    def fit(self, inputs, truth):
        self.estimator.fit(inputs, truth)
        self.classes_ = self.estimator.classes_
        return self

    def predict_proba(self, inputs):
        return self.estimator.predict_proba(inputs)

    def predict(self, inputs):
        return np.where(self.predict_proba(inputs)[:, 1] > 0.9, "yes", "no")


@pytest.mark.parametrize("inner", [boosted(), RandomForestClassifier(5, random_state=1)], ids=["boosted", "forest"])
@pytest.mark.parametrize("kind", ["tuned", "a user's own", "by decision function"])
def test_what_holds_a_classifier_is_asked_itself(inner, kind):
    truth = np.where(IS_RARE, "yes", "no")
    if kind == "tuned":
        final = TunedThresholdClassifierCV(inner, scoring="f1_macro", cv=2, thresholds=20)
    elif kind == "a user's own":
        final = Careful(inner)
    else:
        final = FixedThresholdClassifier(
            LogisticRegression(), threshold=-1.0, pos_label="yes", response_method="decision_function"
        )
    pipeline = make_pipeline(ordinal(), final).fit(TABLE, truth)
    likeliest = pipeline.classes_[pipeline.predict_proba(TABLE).argmax(axis=1)]
    expected = pipeline.predict(TABLE).tolist()
    assert expected != likeliest.tolist()
    assert predict(pipeline, TABLE, ROWS, "classification").predictions == expected


def test_a_threshold_that_is_left_to_the_library_is_a_half():
    truth = IS_RARE.astype(int)
    fixed = FixedThresholdClassifier(LogisticRegression()).fit(TABLE.select("area"), truth)
    decision = threshold_decision(fixed)
    assert (decision.threshold, decision.positive) == (0.5, 1)
    assert decision.predict(TABLE.select("area")).tolist() == fixed.predict(TABLE.select("area")).tolist()
    assert threshold_decision(LogisticRegression()) is None
