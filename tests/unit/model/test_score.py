import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from slipway.errors import BundleError, StageError
from slipway.model.answers import Scores, classes_of, predict
from slipway.model.examples import UNSEEN
from slipway.model.score import load_scorer


@pytest.fixture(scope="module")
def scorer(bundle):
    return load_scorer(bundle)


def asked(scorer, count=40):
    """Real rows, and each with every null and an unseen category in turn."""
    rows = [{name: row[name] for name in scorer.bundle.schema.names} for row in scorer.bundle.sample()]
    changes = [
        {},
        {"town": None},
        {"children": None},
        {"is_member": None},
        {"town": UNSEEN, "job": UNSEEN},
        {"town": "001"},
    ]
    return [row | change for row in rows for change in changes][:count]


def test_a_batch_and_its_rows_one_by_one_get_the_same_answers(scorer):
    rows = asked(scorer)
    together = scorer.score(scorer.bundle.schema.table(rows))
    alone = Scores.joined([scorer.score(scorer.bundle.schema.table([row])) for row in rows])
    assert together.predictions == alone.predictions
    assert together.errors == alone.errors == [None] * len(rows)
    for one, other in zip(together.probabilities, alone.probabilities, strict=True):
        assert one == pytest.approx(other, abs=1e-9)


def test_features_of_one_row_are_typed_as_those_of_all(scorer):
    rows = [row | {"children": 1} for row in asked(scorer)]
    together = scorer.features(scorer.bundle.schema.table(rows))
    assert scorer.features(scorer.bundle.schema.table(rows[:1])).equals(together[:1])


def test_the_answers_are_what_the_model_gave_in_training(scorer, bundle):
    rows = bundle.test_rows()
    scores = scorer.score(bundle.schema.take(rows))
    right = np.array(scores.predictions) == rows["repaid"].to_numpy()
    assert right.mean() > 0.9
    assert {type(label) for label in scores.predictions} == {int}
    assert {*scores.probabilities[0]} == {"0", "1"}
    assert all(type(share) is float for share in scores.probabilities[0].values())


def test_a_row_that_a_stage_refuses_fails_alone(scorer):
    rows = asked(scorer, 3)
    rows[1]["job"] = "none of your business"
    scores = scorer.score(scorer.bundle.schema.table(rows))
    assert scores.errors == [None, "ValueError: that is no job", None]
    assert [prediction is None for prediction in scores.predictions] == [False, True, False]
    assert scores.probabilities[1] is None


def test_a_bundle_has_the_setting_and_the_frozen_table_that_training_had(project):
    from .conftest import loans

    project.write(loans()).run({"loans": {"unit": 1000.0}})
    (project.root / "params.yaml").write_text("loans:\n  unit: 1000.0\n")
    bundle = project.build()
    (project.root / "data/raw/rates.csv").unlink()
    row = {name: bundle.sample()[0][name] for name in bundle.schema.names} | {"town": "Bonn", "income": "2500 EUR"}
    features = load_scorer(bundle).features(bundle.schema.table([row]))
    assert features.row(0, named=True)["income"] == 2.5
    assert features.row(0, named=True)["rate"] == 2.5


def test_two_versions_of_the_stages_live_side_by_side(project):
    from .conftest import PIPELINE, loans

    project.write(loans()).run()
    first = project.build("first")
    project.write(loans(), pipeline=PIPELINE.replace('euros("income") / unit', 'euros("income") / 10')).run()
    old, new = load_scorer(first), load_scorer(project.build("second"))
    table = first.schema.table(asked(old, 1))
    assert old.features(table)["income"][0] == pytest.approx(10 * new.features(table)["income"][0])
    assert old.function("loans").__module__ != new.function("loans").__module__


def test_a_function_that_the_bundle_does_not_carry_is_refused_with_a_near_miss(scorer):
    with pytest.raises(BundleError, match=r"no function `loan`\. Did you mean `loans`\?"):
        scorer.function("loan")
    with pytest.raises(BundleError, match="no function `split`"):
        scorer.function("split")


def test_a_stage_that_loses_rows_is_an_error_of_the_row(bundle):
    scorer = load_scorer(bundle)
    losing = replace(scorer, _module=type("module", (), {"loans": staticmethod(lambda raw, rates, **_: raw[:0])}))
    with pytest.raises(StageError, match="online stage `loans` gave 0 rows for 2"):
        losing.features(bundle.schema.table(asked(scorer, 2)))
    assert "gave 0 rows for 1" in losing.score(bundle.schema.table(asked(scorer, 2))).errors[0]


def test_no_rows_have_no_answers(scorer):
    assert scorer.score(scorer.bundle.schema.table([])).predictions == []


def test_a_pipeline_taken_apart_answers_as_it_does_whole():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(50, 2))
    pipeline = make_pipeline(StandardScaler(), "passthrough", LogisticRegression()).fit(
        x, np.where(x[:, 0] > 0, "a", "b")
    )
    scores = predict(pipeline, x, 50, "classification")
    assert scores.predictions == pipeline.predict(x).tolist()
    assert [list(p.values()) for p in scores.probabilities] == pipeline.predict_proba(x).tolist()


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("model", [ExtraTreesClassifier, HistGradientBoostingClassifier, RandomForestClassifier])
def test_the_likeliest_class_is_what_trees_predict(model, classes):
    rng = np.random.default_rng(2)
    x = rng.normal(size=(400, 3))
    names = np.array(["a", "b", "c"])[:classes]
    labels = names[(x[:, 0] + rng.normal(size=400) > 0).astype(int) + (classes == 3) * (x[:, 1] > 1)]
    # Few and shallow trees: many rows are ties.
    settings = {"max_iter": 2} if model is HistGradientBoostingClassifier else {"n_estimators": 4, "max_depth": 2}
    fitted = model(random_state=1, **settings).fit(x, labels)
    with threadpool_limits(1):
        scores = predict(fitted, x, 400, "classification")
        assert scores.predictions == fitted.predict(x).tolist()
        assert [list(p.values()) for p in scores.probabilities] == fitted.predict_proba(x).tolist()


class Fixed:
    """An estimator of a project's own."""

    def __init__(self, answers):
        self.answers = answers

    def predict(self, table):
        return self.answers


@pytest.mark.parametrize(
    ("answers", "expected"),
    [(np.array([[1], [2]]), [1.0, 2.0]), ([1, 2.5], [1.0, 2.5]), (pl.Series([np.float32(0.5), 1.0]), [0.5, 1.0])],
)
def test_numbers_of_any_form_become_floats_of_python(answers, expected):
    predictions = predict(Fixed(answers), None, 2, "regression").predictions
    assert predictions == expected
    assert {type(number) for number in predictions} == {float}


def test_an_answer_that_is_no_number_is_an_error_of_its_row():
    scores = predict(Fixed([1.0, float("nan")]), None, 2, "regression")
    assert scores.predictions == [1.0, None]
    assert scores.errors == [None, "the model gave nan, which is no answer"]
    assert json.loads(json.dumps(scores.predictions)) == [1.0, None]


@pytest.mark.parametrize(
    "labels", [["a", "b"], [1, 2], [True, False], [np.int64(1), "b"], pl.Series(["a", "b"], dtype=pl.Categorical)]
)
def test_labels_are_values_of_python(labels):
    predictions = predict(Fixed(np.array(labels, dtype=object)), None, 2, "classification").predictions
    assert predictions == list(labels)
    assert all(type(label) in (str, int, bool) for label in predictions)


def test_several_answers_a_row_are_refused():
    with pytest.raises(StageError, match=r"shape \(2, 3\) for 2 rows: one each is due"):
        predict(Fixed(np.zeros((2, 3))), None, 2, "regression")
    with pytest.raises(StageError, match=r"shape \(1,\) for 2 rows"):
        predict(Fixed([1]), None, 2, "classification")


def test_classes_are_in_the_estimators_order_and_none_where_it_does_not_say():
    fitted = LogisticRegression().fit([[0], [1]], np.array([2, 1]))
    assert classes_of(fitted) == (1, 2)
    assert classes_of(Fixed([])) == ()
