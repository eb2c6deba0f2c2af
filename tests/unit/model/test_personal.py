import datetime
import json

import polars as pl
import pytest

from slipway.errors import ProjectError
from slipway.gate.expected import check_examples
from slipway.model.personal import measured, without_personal
from slipway.model.schema import Schema
from slipway.model.score import load_scorer

from .conftest import TOML, loans

MARKED = TOML + '\n[api]\npersonal = ["town", "income"]\n'


def test_a_bundle_shows_nothing_that_is_personal_and_answers_as_before(project):
    table = loans().with_columns(income=pl.concat_str(pl.col("income"), pl.lit(" c/o Ada Lovelace")))
    project.write(table, toml=MARKED.replace('[api.types]\nincome = "text | number"', "")).run()
    bundle = project.build()
    shown = json.dumps([bundle.examples()[0], bundle.sample(), bundle.profile.to_json()])
    assert not any(secret in shown for secret in ("Lovelace", "Ulm", "Bonn", "Kiel"))
    assert {row["town"] for row in bundle.sample()} == {"personal"}
    assert set(bundle.profile.columns) == {"job", "children", "is_member", "rate"}
    # Still rows that the service takes, and that the model was seen to answer.
    assert not bundle.schema.problems([{n: row[n] for n in bundle.schema.names} for row in bundle.sample()])
    assert check_examples(load_scorer(bundle)) == len(bundle.examples()[0]) > 5
    # The gate compares versions on the real rows, which nothing shows.
    assert set(bundle.test_rows()["town"].drop_nulls()) == {"Ulm", "Bonn", "Kiel"}


def test_learning_from_a_journal_that_lacks_what_the_model_takes_is_warned_of(project, caplog):
    toml = TOML + '\n[api]\njournal = ["town", "job", "children", "is_member"]\n'
    project.write(loans(), toml=toml.replace('[api.types]\nincome = "text | number"', "")).run()
    project.build()
    (said,) = caplog.messages
    assert "retrain_into = 'raw' learns from journalled rows, and [api] keeps `income` out of the journal" in said


def test_every_type_has_a_value_that_is_nobodys():
    table = pl.DataFrame(
        {
            "text": ["Ada"],
            "whole": [36],
            "number": [1.5],
            "flag": [True],
            "day": [datetime.date(1815, 12, 10)],
            "moment": [datetime.datetime(1815, 12, 10, 9)],
            "kept": ["x"],
            "target": ["yes"],
        }
    )
    schema = Schema.infer(table.drop("target"))
    hidden = without_personal(table, schema, ("text", "whole", "number", "flag", "day", "moment", "absent"))
    assert hidden.schema == table.schema
    assert hidden.row(0) == (
        "personal", 0, 0.0, False, datetime.date(2000, 1, 1), datetime.datetime(2000, 1, 1), "x", "yes",
    )  # fmt: skip


def test_a_model_of_personal_columns_alone_can_not_be_monitored():
    features = pl.DataFrame({"a": [1], "b": [2]})
    assert measured(features, ("a",)).columns == ["b"]
    with pytest.raises(ProjectError, match="names every column that the model takes"):
        measured(features, ("a", "b"))
