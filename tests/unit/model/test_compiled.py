"""The short way is taken where it gives the estimator's own answers, and nowhere else."""

import numpy as np
import polars as pl
import pytest
from sklearn.compose import ColumnTransformer, make_column_transformer
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, PolynomialFeatures, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from slipway.model.block import Block
from slipway.model.compiled import compiled
from slipway.model.encode import NotKnown
from slipway.model.placed import placed
from slipway.model.trees import FEW_ROWS, BoostedTrees

ROWS = 400


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(5)
    area = rng.normal(100, 30, ROWS)
    return pl.DataFrame(
        {
            "town": rng.choice(["a", "b", "001", "ü"], ROWS),
            "heating": [None if n % 11 == 0 else f"h{n % 30}" for n in range(ROWS)],
            "area": area,
            "rooms": [None if n % 7 == 0 else n % 5 for n in range(ROWS)],
        }
    )


@pytest.fixture(scope="module")
def labels(table):
    return np.where(table["area"] > 110, "dear", np.where(table["area"] > 90, "fair", "cheap"))


def ordinal(**options):
    return OrdinalEncoder(
        handle_unknown="use_encoded_value", unknown_value=np.nan, encoded_missing_value=np.nan, **options
    )


def boosting(kind=HistGradientBoostingClassifier, **options):
    return kind(max_iter=12, min_samples_leaf=5, early_stopping=False, random_state=1, **options)


TEXTS, NUMBERS = ["town", "heating"], ["area", "rooms"]
BEFORE_TREES = [
    (make_column_transformer((ordinal(), TEXTS), ("passthrough", NUMBERS)), {"categorical_features": [0, 1]}),
    (make_column_transformer((ordinal(max_categories=6), TEXTS), remainder="passthrough"), {}),
    (make_column_transformer(("passthrough", NUMBERS), (ordinal(), TEXTS)), {"categorical_features": [3]}),
    (make_column_transformer((OneHotEncoder(handle_unknown="ignore", sparse_output=False), TEXTS),
                             (SimpleImputer(), NUMBERS)), {}),
]  # fmt: skip


def as_table(table):
    """Gives rows as the table that they are of."""

    def given(rows):
        schema = {name: table.schema[name] for name in rows.names}
        return pl.DataFrame(dict(zip(rows.names, rows.lists, strict=True)), schema=schema)

    return given


def ways(estimator, table):
    """The short way as it is made of tables, and as a service without tables makes it."""
    rows = Block.of(table)
    return (
        compiled(estimator, rows, as_table(table)),
        compiled(placed(estimator, table.columns), rows, lambda given: given),
    )


def rare(table):
    """Rows that a request may hold and training had not."""
    return table.head(6).with_columns(
        town=pl.Series(["", "not seen", None, "1", "001", "ü"]),
        area=pl.Series([float("nan"), -1e300, 1e300, None, 0.0, 100.0]),
    )


@pytest.mark.parametrize(("before", "options"), BEFORE_TREES)
def test_boosted_trees_give_the_same_bits(table, labels, before, options):
    pipeline = make_pipeline(before, boosting(**options)).fit(table, labels)
    for way in ways(pipeline, table):
        assert isinstance(way.final, BoostedTrees)
        for rows in (table.head(1), table.head(FEW_ROWS), table, rare(table)):
            matrix = way.matrix(Block.of(rows))
            assert np.array_equal(way.final.predict_proba(matrix), pipeline.predict_proba(rows))
            assert np.array_equal(way.final.predict(matrix), pipeline.predict(rows))


@pytest.mark.parametrize("target", ["two classes", "a number"])
def test_two_classes_and_numbers_too(table, labels, target):
    before, options = BEFORE_TREES[0]
    is_number = target == "a number"
    kind = HistGradientBoostingRegressor if is_number else HistGradientBoostingClassifier
    truth = np.asarray(table["area"]) ** 2 if is_number else labels == "dear"
    pipeline = make_pipeline(before, boosting(kind, **options)).fit(table, truth)
    for way in ways(pipeline, table):
        for rows in (table.head(3), table, rare(table)):
            assert np.array_equal(way.final.predict(way.matrix(Block.of(rows))), pipeline.predict(rows))


def test_linear_models_behind_imputed_scaled_and_wide_columns(table, labels):
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    wide = make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="infrequent_if_exist"))
    before = make_column_transformer(
        (numbers, NUMBERS), (wide, ["heating"]), (OneHotEncoder(handle_unknown="ignore"), ["town"])
    )
    pipeline = make_pipeline(before, LogisticRegression(max_iter=500)).fit(table, labels)
    rows = table.with_columns(town=pl.lit("not seen"))
    for way in ways(pipeline, table):
        found = way.final.predict_proba(way.matrix(Block.of(rows)))
        assert found == pytest.approx(pipeline.predict_proba(rows), abs=1e-12)


def test_a_bare_line_over_numbers(table):
    numbers = table.select("area")
    line = LinearRegression().fit(numbers.to_numpy(), table["area"] * 2 + 1)
    way = compiled(line, Block.of(numbers), np.asarray)
    assert way.final.predict(way.matrix(Block.of(numbers))) == pytest.approx(line.predict(numbers.to_numpy()), abs=1e-9)
    by_name = LinearRegression().fit(numbers, table["area"])
    by_table, by_place = ways(by_name, numbers)
    assert by_table is None
    assert by_place.final.predict(by_place.matrix(Block.of(numbers))) == pytest.approx(by_name.predict(numbers))


def test_what_is_not_allowed_goes_to_the_estimator_itself(table, labels):
    before = ColumnTransformer([("texts", OrdinalEncoder(), ["town"]), ("numbers", "passthrough", ["area"])])
    pipeline = make_pipeline(before, boosting()).fit(table, labels)
    for way in ways(pipeline, table):
        for odd in ({"town": pl.lit("not seen")}, {"town": pl.lit(None, dtype=pl.String)}, {"area": pl.lit(np.inf)}):
            with pytest.raises(NotKnown):
                way.matrix(Block.of(table.head(2).with_columns(**odd)))


@pytest.mark.parametrize("step", [PolynomialFeatures(2), SimpleImputer(add_indicator=True)])
def test_a_step_without_a_rule_is_left_to_the_library(table, labels, step):
    before = make_column_transformer((make_pipeline(SimpleImputer(), step), NUMBERS))
    pipeline = make_pipeline(before, DecisionTreeClassifier(max_depth=3)).fit(table, labels)
    assert ways(pipeline, table) == (None, None)


def test_other_answers_are_found_out(table, labels):
    class Careless(DummyClassifier):
        """Answers by the type of what it is given."""

        def predict_proba(self, given):
            return np.full((len(given), 3), 0.3 if isinstance(given, np.ndarray) else 1 / 3)

    numbers = table.select(NUMBERS)
    assert ways(Careless().fit(table, labels), numbers) == (None, None)
    assert ways(boosting().fit(numbers, labels), numbers.clear()) == (None, None)
