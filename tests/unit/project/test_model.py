import math

import pytest

from slipway.errors import ProjectError
from slipway.project import Replay, Threshold, read_project


@pytest.fixture
def model(write, toml):
    """What `[model]` says with these lines in it."""

    def read(lines, kind="classification"):
        return read_project(write(toml.replace("classification", kind).replace("[model]", f"[model]\n{lines}"))).model

    return read


def test_what_the_gate_does_unless_told(model):
    found = model("")
    assert found.slices is None
    assert found.cannot_tell == "refuse"
    assert found.replay == Replay(200, 2.0, 5.0, None)


def test_how_the_gate_judges_is_the_projects_choice(model):
    found = model(
        """
        gate = { accuracy = { max_drop = 0.01, doubt = 0.02 }, log_loss = { max_drop = "2 %", doubt = "5%" } }
        slices = ["colour"]
        cannot_tell = "pass"
        replay = { requests = 50, latency_factor = 3, latency_floor_ms = 20, max_flipped = 0.2 }
        """
    )
    assert found.gate == {
        "accuracy": Threshold(max_drop=0.01, doubt=0.02),
        "log_loss": Threshold(max_drop=0.02, doubt=0.05, is_share=True),
    }
    assert (found.slices, found.cannot_tell) == (("colour",), "pass")
    assert found.replay == Replay(50, 3.0, 20.0, 0.2)


def test_no_slices_and_no_limit_of_latency_can_be_asked_for(model):
    found = model("slices = []\nreplay = { latency_factor = false }")
    assert (found.slices, found.replay.latency_factor) == ((), math.inf)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("gate = { accuracy = { max_drop = '2' } }", "max_drop = '2': expected a number in the metric's own unit"),
        ("gate = { accuracy = { max_drop = 'two %' } }", 'a share of production\'s value such as "2 %"'),
        ("gate = { accuracy = { max_drop = '-2 %' } }", 'a share of production\'s value such as "2 %"'),
        ("gate = { accuracy = { min = 0.5, doubt = 0.1 } }", "expected a max_drop beside the doubt"),
        ("gate = { accuracy = { max_drop = '2 %', doubt = 0.1 } }", "expected the unit of max_drop: both"),
        ("cannot_tell = 'refused'", "cannot_tell = 'refused': expected one of refuse, pass. Did you mean `refuse`?"),
        ("slices = 'colour'", "slices = 'colour': expected a list of texts"),
        ("replay = { latency_factor = 0.5 }", "latency_factor = 0.5: expected a number, at least 1"),
        ("replay = { request = 5 }", "[model.replay] request is not a key that Slipway knows. Did you mean"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(model, lines, said):
    with pytest.raises(ProjectError) as refused:
        model(lines)
    assert said in str(refused.value)


def test_the_gate_knows_what_is_personal_and_slices_by_none_of_it(write, toml):
    marked = toml + '\n[api]\npersonal = ["street"]\n' if "[api]" not in toml else toml
    assert read_project(write(marked)).model.personal == ("street",)
    with pytest.raises(ProjectError, match=r"\[model\] slices names `street`, as \[api\] personal does"):
        read_project(write(marked.replace("[model]", "[model]\nslices = ['street']")))


def test_numbers_do_not_flip(model):
    with pytest.raises(ProjectError, match=r"max_flipped = 0.1: expected no such key: numbers move"):
        model("replay = { max_flipped = 0.1 }", kind="regression")
