"""The stages as plain functions, on a few answers. Run with `pytest` in the project's folder."""

import sys
from pathlib import Path
from types import SimpleNamespace

import polars as pl
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

import generate
import pipeline

from cleaning import CATEGORIES, CLASSES, RANGES, TARGET, labelled
from slipway import BadRequest

TIDY = {
    "Gender": "Male",
    "Age": "25.0",
    "Height": "1.8",
    "Weight": "81.0",
    "family_history_with_overweight": "yes",
    "FAVC": "no",
    "FCVC": "2.0",
    "NCP": "3.0",
    "CAEC": "Sometimes",
    "SMOKE": "no",
    "CH2O": "2.5",
    "SCC": "no",
    "FAF": "1.5",
    "TUE": "1.0",
    "CALC": "no",
    "MTRANS": "Public_Transportation",
}
MODEL = SimpleNamespace(name="obesity", version=3, estimator="Trees", features=tuple(TIDY))


@pytest.fixture(scope="module")
def cleaned():
    raw = generate.untidy(generate.answers(people=600, twice=30))
    return pipeline.eda(raw.drop(TARGET)).with_columns(raw[TARGET])


@pytest.fixture(scope="module")
def learnt(cleaned):
    training, test = pipeline.preprocess(cleaned)
    return SimpleNamespace(training=training, test=test, model=pipeline.train(training, iterations=15))


def clean(**answers):
    return pipeline.eda(pl.DataFrame([TIDY | answers])).row(0, named=True)


def test_a_tidy_row_keeps_its_answers_and_gets_its_body_mass():
    row = clean()
    assert {name: str(row[name]) for name in TIDY} == TIDY
    assert row["body_mass_index"] == pytest.approx(25.0)


@pytest.mark.parametrize(
    ("column", "given", "kept"),
    [
        ("CAEC", " sOMETIMES ", "Sometimes"),
        ("MTRANS", " pUBLIC_tRANSPORTATION ", "Public_Transportation"),
        ("MTRANS", " Tram", "Tram"),
        ("CALC", " NAN ", None),
        ("SMOKE", None, None),
        ("Age", " 22.5 ", 22.5),
        ("Age", "706.0", None),
        ("Height", "57.0", None),
        ("Height", "180", None),
        ("Weight", "?", None),
        ("NCP", "nan", None),
        ("FAF", "0.0", 0.0),
    ],
)
def test_what_is_untidy_is_cleaned(column, given, kept):
    assert clean(**{column: given})[column] == kept


def test_numbers_are_taken_as_numbers_too():
    assert clean(Age=25.0, Height=1.8, Weight=81)["body_mass_index"] == pytest.approx(25.0)


def test_without_a_height_there_is_no_body_mass():
    assert clean(Height=None)["body_mass_index"] is None


def test_a_row_alone_gives_what_it_gives_in_a_table(cleaned):
    raw = generate.untidy(generate.answers(people=600, twice=30)).drop(TARGET)
    assert all(pipeline.eda(raw[place]).equals(cleaned.drop(TARGET)[place]) for place in range(5))


def test_nobody_is_learnt_from_who_is_in_the_test(learnt):
    assert learnt.training.join(learnt.test, on=learnt.test.columns, how="semi", nulls_equal=True).is_empty()
    assert set(learnt.training[TARGET]) == set(learnt.test[TARGET]) == set(CLASSES)


def test_a_row_keeps_its_side_when_labelled_rows_come(cleaned, learnt):
    file, more = cleaned.head(400), labelled(cleaned.tail(100))
    training, test = pipeline.preprocess(file, rows=400)
    for rows in (1, 40, 100):
        grown = pipeline.preprocess(pl.concat([file, more.head(rows)]), rows=400)
        assert grown[1].head(test.height).equals(test)
        assert set(training.rows()) - set(grown[1].rows()) <= set(grown[0].rows())


def test_the_model_answers_for_gaps_and_for_what_it_has_not_seen(learnt):
    rows = pl.concat(
        [pipeline.eda(pl.DataFrame([TIDY | change])) for change in ({}, {"MTRANS": "Tram"}, {"Age": None})]
    )
    assert set(learnt.model.predict(rows)) <= set(CLASSES)


def test_the_evaluation_counts_every_row_of_the_test(learnt):
    figures, evaluation = pipeline.evaluate(learnt.model, learnt.training, learnt.test)
    assert figures["accuracy"] > 0.8
    assert evaluation["confusion"].sum() == learnt.test.height
    assert evaluation["confusion"].trace() == round(figures["accuracy"] * learnt.test.height)
    assert evaluation["gap"] == pytest.approx(evaluation["training_accuracy"] - figures["accuracy"])


def test_drift_moves_what_it_says_and_is_found(cleaned, learnt):
    drifted = pipeline.simulate_drift(cleaned)
    assert drifted.columns == cleaned.columns
    assert drifted["Weight"].mean() == pytest.approx(1.15 * cleaned["Weight"].mean(), rel=0.01)
    assert drifted["FAF"].max() == cleaned["FAF"].max()
    assert drifted.null_count().equals(cleaned.null_count())
    report = pipeline.detect_drift(cleaned, drifted, learnt.model, learnt.test)
    assert {"Height", "Weight", "accuracy"} <= set(report["critical"])
    assert report["columns"]["FAF"]["level"] == "none"


def test_nothing_drifts_from_itself(cleaned, learnt):
    report = pipeline.detect_drift(cleaned, cleaned, learnt.model, learnt.test)
    assert report["alerts"] == []
    assert all(column["psi"] == 0 for column in report["columns"].values())


def test_the_comparison_says_what_cleaning_did(cleaned):
    raw = generate.untidy(generate.answers(people=600, twice=30))
    found = pipeline.compare(raw, cleaned)
    assert found["left_out"] == ["mixed_type_col"]
    assert found["rows"]["raw"] == 630
    assert 0 < found["rows"]["duplicates"] <= 30
    assert set(found["columns"]) == {*CATEGORIES, *RANGES}
    # Twenty values of each column of numbers are impossible, but for those that became a gap.
    assert 15 <= found["columns"]["Age"]["taken_away"] <= 20


def test_figures_are_drawn(cleaned, learnt):
    pytest.importorskip("matplotlib", reason="pip install 'slipway[figures]'")
    drifted = pipeline.simulate_drift(cleaned)
    report = pipeline.detect_drift(cleaned, drifted, learnt.model, learnt.test)
    figures = (*pipeline.visualize(cleaned), *pipeline.visualize_drift(cleaned, drifted, report))
    assert [len(figure.axes) for figure in figures] == [2, 8, 8, 2, 2, 8]


def test_an_answer_has_the_five_fields():
    answer = SimpleNamespace(prediction="Normal_Weight", probabilities={"Normal_Weight": 0.9, "x": 0.1}, error=None)
    assert pipeline.prediction([TIDY], [answer], MODEL) == {
        "prediction": "Normal_Weight",
        "confidence": 0.9,
        "features_received": TIDY,
        "model_name": "Trees",
        "model_version": 3,
    }


def test_a_sample_that_is_wrong_fails_alone():
    right = SimpleNamespace(prediction="Normal_Weight", probabilities={"Normal_Weight": 1.0}, error=None)
    wrong = SimpleNamespace(prediction=None, probabilities=None, error="`Age`: expected a number")
    told = pipeline.batch([TIDY, {}], [right, wrong], MODEL)
    assert (told["total_samples"], told["successful"], told["failed"]) == (2, 1, 1)
    assert [one.get("error") for one in told["predictions"]] == [None, "`Age`: expected a number"]


@pytest.mark.parametrize("body", [{}, [], {"samples": []}, {"samples": {"Age": 5}}, None])
def test_a_batch_without_samples_is_refused(body):
    with pytest.raises(BadRequest, match="samples"):
        pipeline.from_samples(body)


@pytest.mark.parametrize(("is_ready", "said"), [(True, "healthy"), (False, "unhealthy")])
def test_health_has_the_four_fields(is_ready, said):
    told = pipeline.health(MODEL, {"ready": is_ready})
    assert told.pop("timestamp").endswith("+00:00")
    assert told == {"status": said, "model_loaded": is_ready, "version": 3}
    assert pipeline.status(MODEL, {"ready": is_ready})["features_required"] == 16
