"""An estimator that was fitted on a table by names answers the same of columns by place, without a table library."""

import math
import warnings
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier, VotingClassifier
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from slipway.gate.expected import TOLERANCE
from slipway.model.block import Block, NoBlock, block, require_blocks
from slipway.model.dtypes import column_type
from slipway.model.placed import placed
from slipway.model.schema import Schema

ROWS = 120
TABLE = pl.DataFrame(
    {
        "town": ["a", "b", "001", None] * (ROWS // 4),
        "area": [50.0 + n % 37 for n in range(ROWS)],
        "rooms": [None if n % 7 == 0 else n % 5 for n in range(ROWS)],
        "floor": [n % 3 for n in range(ROWS)],
        "says": ["near the sea", "a quiet street", "with a garden", "near the park"] * (ROWS // 4),
    }
)
LABELS = np.array(["dear" if n % 37 > 18 else "cheap" for n in range(ROWS)])

texts = OneHotEncoder(handle_unknown="ignore")
numbers = make_pipeline(SimpleImputer(), StandardScaler())


def before(*parts, **options):
    return make_column_transformer(*parts, **options)


def line():
    return LogisticRegression(max_iter=200)


BY_TYPE = "columns by type"
ESTIMATORS = {
    "columns by name": make_pipeline(before((texts, ["town"]), (numbers, ["area", "rooms"])), line()),
    "a slice of names": make_pipeline(before((texts, ["town"]), (numbers, slice("area", "rooms"))), line()),
    "places": make_pipeline(before((texts, [0]), (numbers, [1, 2])), line()),
    "truths": make_pipeline(before((texts, [True, False, False, False, False])), line()),
    "what is left": make_pipeline(before((texts, ["town"]), ("drop", ["says"]), remainder=numbers), line()),
    "a column as a list": make_pipeline(before((CountVectorizer(), "says"), (numbers, ["area"])), line()),
    BY_TYPE: make_pipeline(before((numbers, make_column_selector(dtype_include="number"))), line()),
    "whole numbers as categories": make_pipeline(before((texts, ["floor", "town"])), line()),
    "a table of texts and numbers": make_pipeline(before((OrdinalEncoder(), ["floor", "says"])), line()),
    "a search": GridSearchCV(
        make_pipeline(before((texts, ["town"]), (numbers, ["area"])), line()), {"logisticregression__C": [0.1, 1]}
    ),
    "several models": VotingClassifier(
        [("line", make_pipeline(before((numbers, ["area"])), line())), ("near", make_pipeline(
            before((numbers, ["rooms", "area"])), KNeighborsClassifier()))], voting="soft"
    ),
    "calibrated": CalibratedClassifierCV(make_pipeline(before((numbers, ["area", "rooms"])), line())),
    "one for each class": OneVsRestClassifier(make_pipeline(before((numbers, ["area", "rooms"])), line())),
    "a union": make_pipeline(make_union(before((texts, ["town"])), before((numbers, ["area"]))), line()),
}  # fmt: skip


# scikit-learn chooses columns by type of pandas tables alone.
FITTED = [(name, kind) for name in ESTIMATORS for kind in ("polars", "pandas") if (name, kind) != (BY_TYPE, "polars")]


@pytest.mark.parametrize(("name", "kind"), FITTED)
def test_a_pipeline_fitted_by_names_answers_the_same_by_place(name, kind):
    table = TABLE if kind == "polars" else TABLE.to_pandas()
    estimator = ESTIMATORS[name].fit(table, LABELS)
    expected = estimator.predict_proba(table)
    by_place = placed(estimator, TABLE.columns)
    rows = replace(Block.of(TABLE), missing=None if kind == "polars" else math.nan)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert by_place.predict_proba(rows) == pytest.approx(expected, abs=1e-12)
        assert by_place.predict(rows[:1]).tolist() == estimator.predict(table[:1]).tolist()
    assert estimator.predict_proba(table) == pytest.approx(expected, abs=0), "the given one is as it was"


@pytest.mark.parametrize("estimator", [RandomForestClassifier(5, random_state=1), KNeighborsClassifier(), line()])
def test_so_does_one_that_takes_numbers_alone(estimator):
    """Within what the product holds answers to: BLAS adds the two layouts of memory in orders of its own."""
    table = TABLE.select("area", "floor")
    estimator.fit(table, LABELS)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = placed(estimator, table.columns).predict_proba(Block.of(table))
    assert found == pytest.approx(estimator.predict_proba(table), rel=TOLERANCE, abs=TOLERANCE)
    if isinstance(estimator, RandomForestClassifier):  # neither BLAS nor threads lie between
        assert np.array_equal(found, estimator.predict_proba(table))


def test_a_target_that_training_left_among_the_columns_is_passed_over():
    table = TABLE.select("town", "area").insert_column(0, pl.Series("price", np.arange(ROWS)))
    before = ColumnTransformer([("texts", texts, ["town"]), ("numbers", "passthrough", [2])])
    model = make_pipeline(before, LinearRegression()).fit(table, table["price"])
    asked = table.drop("price")
    assert placed(model, asked.columns).predict(Block.of(asked)) == pytest.approx(model.predict(asked))


def test_what_knows_no_names_stays_the_object_that_it_is():
    model = make_pipeline(StandardScaler(), RandomForestClassifier(3)).fit(TABLE.select("area").to_numpy(), LABELS)
    assert placed(model, ["area"]) is model


def test_categories_that_a_type_of_column_says_are_known_by_then():
    table = TABLE.select("area", pl.col("town").cast(pl.Categorical))
    model = HistGradientBoostingClassifier(categorical_features="from_dtype", max_iter=5).fit(table, LABELS)
    assert np.array_equal(placed(model, table.columns).predict_proba(Block.of(table)), model.predict_proba(table))


@pytest.mark.parametrize(
    "columns",
    [
        ["area", "floor"],
        ["rooms"],
        ["floor"],
        ["town", "area", "rooms"],
        ["is_new"],
        ["is_known"],
        ["is_known", "area"],
    ],
)
def test_as_an_array_it_is_what_the_table_is(columns):
    table = TABLE.with_columns(is_new=pl.col("floor") > 0, is_known=pl.when(pl.col("floor") > 0).then(True)).select(
        columns
    )
    found, expected = np.asarray(Block.of(table)), table.to_numpy()
    assert found.dtype == expected.dtype
    assert [[None if value != value else value for value in row] for row in found.tolist()] == [
        [None if value != value else value for value in row] for row in expected.tolist()
    ]


def test_rows_and_columns_are_taken_as_of_an_array():
    rows, array = Block.of(TABLE.select("area", "floor")), TABLE.select("area", "floor").to_numpy()
    assert np.array_equal(np.asarray(rows[[3, 1]]), array[[3, 1]])
    assert np.array_equal(np.asarray(rows[2:5, ...]), array[2:5])
    assert np.array_equal(np.asarray(rows[:, [1]]), array[:, [1]])
    assert rows[:, 1].tolist() == array[:, 1].tolist()
    assert rows[:, np.array([True, False])].names == ("area",)


def test_a_number_of_single_precision_is_rounded_as_a_table_does():
    schema = Schema.infer(pl.DataFrame({"x": [0.1]}, schema={"x": pl.Float32}))
    assert block(schema, [{"x": 0.1}, {"x": 3}], ["x"]).lists == [schema.table([{"x": 0.1}, {"x": 3}])["x"].to_list()]


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"x": "Date"}, "`x` is of type Date"),
        ({"x": "Float64"}, "`x` comes as Int64 and is cast to Float64"),
        ({"y": "Float64"}, "`y` comes as None"),
    ],
)
def test_what_a_block_does_not_hold_as_training_did_is_said(wanted, said):
    with pytest.raises(NoBlock, match=said):
        require_blocks(Schema.infer(pl.DataFrame({"x": [1]})), wanted)
    assert column_type("Int64").kind == "integer"
