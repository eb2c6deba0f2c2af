"""A project's own routes, tried before a version is released."""

import pytest

from slipway.gate.cleanroom import CleanRoom
from slipway.gate.routes import routes_line, try_routes
from slipway.model.score import load_scorer

TOML = """
name = "fruit"
[sources]
raw = "data/raw/fruit.csv"
[model]
kind = "classification"
target = "kind"
[api.routes."/out"]
{route}
"""
FUNCTIONS = """

def asked(body):
    import numpy as np
    return [{"weight": np.float32(each["w"]), "colour": np.str_("red"), "age": np.nan} for each in body["fruit"]]

def given(rows, predictions, model):
    import numpy as np
    return {"kinds": np.array([p.prediction for p in predictions]), "rows": np.int64(len(rows)), "of": model.classes}

def told(model, health):
    return {"ready": health["dependencies"]["journal"]["ok"], "version": model.version}

def refusing(body):
    from slipway import BadRequest
    raise BadRequest("never enough")

def misspelt(rows, predictions, model):
    return {"kind": predictions[0].predicted}

def infinite(rows, predictions, model):
    return {"share": [1.0, float("inf")]}
"""


@pytest.fixture(scope="module")
def trials(make_bundle, rows, pipeline):
    def tried(route):
        toml, code = TOML.format(route=route), pipeline + FUNCTIONS
        return load_scorer(make_bundle(rows(60), rows(30, seed=2), pipeline=code, toml=toml))

    return tried


def test_functions_that_take_their_example_pass(trials):
    scorer = trials('request = "asked"\nresponse = "given"\nget = "told"\nexample = { fruit = [{ w = 3.5 }] }')
    line = routes_line(try_routes(scorer))
    assert (line.check, line.measured, line.outcome) == ("routes", "all 3 functions did", "passed")


@pytest.mark.parametrize(
    ("route", "said"),
    [
        ('response = "misspelt"', "`misspelt` raised AttributeError: 'Answer' object has no attribute 'predicted' ("),
        ('response = "infinite"', "`infinite` raised NoJson: ['share'][1] is inf"),
        ('request = "refusing"\nexample = {}', "`refusing` refuses its example: never enough"),
        ('request = "asked"\nexample = { fruit = [] }', "`asked` made no rows of its example"),
        ('request = "asked"\nexample = { fruit = [{}] }', "`asked` raised KeyError: 'w' (bundle/stages.py:"),
    ],
)  # fmt: skip
def test_a_route_that_fails_on_its_example_fails_the_gate_and_says_where(trials, route, said):
    line = routes_line(try_routes(trials(route)))
    assert line.outcome == "failed"
    assert said in line.measured


def test_a_request_function_without_an_example_is_named_as_untried(trials):
    line = routes_line(try_routes(trials('request = "asked"')))
    assert (line.outcome, line.counts) == ("cannot tell", False)
    assert "an `example` of the body that `asked` of /out takes" in line.would_change


def test_the_fresh_process_tells_of_routes(trials):
    told = CleanRoom(trials('response = "misspelt"').bundle.folder).lines()
    assert [(line.check, line.outcome) for line in told] == [("clean load", "passed"), ("routes", "failed")]
