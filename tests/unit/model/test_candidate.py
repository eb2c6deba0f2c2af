import numpy as np
import polars as pl
import pytest

from slipway.errors import ProjectError
from slipway.model.examples import UNSEEN
from slipway.model.score import load_scorer
from slipway.model.trace import trace

from .conftest import PIPELINE, TOML, loans


def test_a_request_has_the_columns_that_are_used_and_those_alone(bundle):
    assert bundle.schema.names == ("town", "job", "income", "children", "is_member")
    assert set(bundle.schema.unused) == {"id", "repaid"}


def test_the_schema_has_trainings_nulls_and_the_projects_wider_types(bundle):
    columns = {column.name: column for column in bundle.schema.columns}
    found = {name: column.is_found_nullable for name, column in columns.items() if column.nullable}
    # The model imputes incomes and takes any job, none too: training had them in each row.
    assert found == {"town": False, "job": True, "income": True, "children": False, "is_member": False}
    assert columns["income"].types == ("text", "number")


def test_every_row_is_traced_back_to_the_request_that_it_would_have_been(bundle):
    assert bundle.manifest.untraced == {"train": 0, "test": 0}
    rows = loans().select(*bundle.schema.names, "repaid")
    hashes = bundle.hashes(rows)
    is_trained, is_tested = (
        np.isin(hashes, known) for known in (bundle.trained_rows(), bundle.hashes(bundle.test_rows()))
    )
    assert (is_trained ^ is_tested).all()
    assert bundle.test_rows().columns == rows.columns


def test_examples_hold_nulls_unseen_categories_and_codes_and_their_answers(bundle):
    rows, answers = bundle.examples()
    assert not bundle.schema.problems(rows)
    assert any(row["town"] is None and row["children"] is None for row in rows)
    assert any(row["town"] == UNSEEN and row["job"] == UNSEEN for row in rows)
    assert any(row["town"] == "001" for row in rows)
    scores = load_scorer(bundle).score(bundle.schema.table(rows))
    assert scores.predictions == [answer["prediction"] for answer in answers]


def test_the_manifest_says_what_it_rests_on(bundle):
    assert bundle.manifest.classes == (0, 1)
    assert {"polars", "sklearn"} <= set(bundle.manifest.libraries)
    assert bundle.manifest.reported == {"rows": 1.0}
    source = (bundle.folder / "stages.py").read_text()
    assert "def euros" in source
    assert "LogisticRegression" not in source
    assert "def model" not in source


def test_without_online_stages_a_request_is_what_the_model_takes(project):
    pipeline = """
from slipway import split_rows, stage
import polars as pl
from sklearn.linear_model import LinearRegression

@stage(outputs=("train", "test"))
def split(raw: pl.DataFrame):
    return split_rows(raw.select("id", "income", "children", "repaid").with_columns(
        pl.col("income").str.extract("([0-9]+)").cast(pl.Float64), pl.col("children").fill_null(0)))

@stage
def model(train: pl.DataFrame):
    return LinearRegression().fit(train.select("income", "children").to_pandas(), train["repaid"].to_numpy())

@stage
def metrics(model, test: pl.DataFrame) -> dict[str, float]:
    return {"rows": 1.0}
"""
    toml = TOML.replace("classification", "regression").split("[api.types]")[0]
    project.write(loans(), pipeline=pipeline, toml=toml).run()
    bundle = project.build()
    assert bundle.schema.names == ("income", "children")
    assert bundle.manifest.stages == ()
    assert bundle.test_rows().columns == ["income", "children", "repaid"]
    answer = load_scorer(bundle).score(bundle.schema.table([{"income": 3000, "children": 1}]))
    assert type(answer.predictions[0]) is float
    assert answer.probabilities is None


def test_rows_that_a_stage_changed_cannot_be_traced_and_that_is_said(project):
    changed = PIPELINE.replace("split_rows(loans, test", "split_rows(loans.with_columns(pl.col('income') + 0.5), test")
    project.write(loans(), pipeline=changed).run()
    bundle = project.build()
    assert bundle.manifest.untraced["train"] + bundle.manifest.untraced["test"] == 400
    assert bundle.test_rows().height == 0
    assert bundle.profile.rows == 400


def test_a_model_that_takes_what_no_request_has_is_refused_with_the_remedy(project):
    clever = PIPELINE.replace(
        'x = train.drop(columns=["repaid"]) if hasattr(train, "iloc") else train.drop("repaid")',
        'x = train.drop("repaid").with_columns(children2=pl.col("children") * 2)',
    )
    project.write(loans(), pipeline=clever).run()
    with pytest.raises(ProjectError, match=r"stage `model`: the model takes 7 columns, and `train` has 6"):
        project.build()


def test_a_widened_column_that_no_request_has_is_refused(project):
    project.write(loans(), toml=TOML.replace("income =", "incomes =")).run()
    with pytest.raises(
        ProjectError, match=r"\[api.types\] incomes: a request has no such column\. Did you mean `income`"
    ):
        project.build()


def test_rows_of_the_same_content_are_traced_one_to_one_or_to_all():
    end = pl.DataFrame({"x": [1, 2, 2, 3], "further": [0, 0, 0, 0]})
    part = pl.DataFrame({"x": [2, 9, 2, 1]})
    one_to_one = trace(end, part, every=False)
    assert (one_to_one.part.tolist(), one_to_one.start.tolist(), one_to_one.untraced) == ([0, 2, 3], [1, 2, 0], 1)
    to_all = trace(end, part[:1], every=True)
    assert (to_all.part.tolist(), to_all.start.tolist()) == ([0, 0], [1, 2])


def test_tables_without_a_column_in_common_trace_nothing():
    traced = trace(pl.DataFrame({"a": [1]}), pl.DataFrame({"b": [1]}), every=True)
    assert (traced.start.size, traced.untraced) == (0, 1)


WITHOUT_TARGET = 'x = train.drop(columns=["repaid"]) if hasattr(train, "iloc") else train.drop("repaid")'


def test_a_pipeline_that_drops_the_target_itself_may_be_fitted_on_the_whole_table(project):
    project.write(loans(), pipeline=PIPELINE.replace(WITHOUT_TARGET, "x = train")).run()
    bundle = project.build()
    rows, answers = bundle.examples()
    assert "repaid" not in bundle.schema.names
    given = load_scorer(bundle).score(bundle.schema.table(rows)).predictions
    assert given == [answer["prediction"] for answer in answers]


def test_a_model_that_learnt_from_the_target_is_refused(project):
    leaking = PIPELINE.replace(WITHOUT_TARGET, "x = train").replace('"rate"]),', '"rate", "repaid"]),')
    project.write(loans().with_columns(pl.col("repaid").cast(pl.Int64)), pipeline=leaking).run()
    with pytest.raises(ProjectError, match="with the target `repaid` among its columns"):
        project.build()
