import polars as pl
import pytest

from slipway.gate.compare import Answers
from slipway.gate.measure import metric
from slipway.gate.quality import Quality, quality_of, thresholds
from slipway.project import Threshold


@pytest.mark.parametrize(
    ("gate", "said", "outcome"),
    [
        ({"accuracy": Threshold(minimum=0.7)}, "on 300 test rows", "passed"),  # measured, not the 0.1 reported
        ({"accuracy": Threshold(minimum=0.99)}, "on 300 test rows", "failed"),
        ({"log_loss": Threshold(maximum=0.6)}, "on 300 test rows", "passed"),
        ({"log_loss": Threshold(maximum=0.01)}, "on 300 test rows", "failed"),
        ({"kappa": Threshold(minimum=0.5)}, "0.6, reported by the project", "passed"),
        ({"kappa": Threshold(minimum=0.7)}, "0.6, reported by the project", "failed"),
        ({"kapa": Threshold(minimum=0.1)}, "no `kapa` in the project's metrics", "failed"),
        ({"kapa": Threshold(minimum=0.1)}, "it can't be recomputed. Did you mean `kappa`?", "failed"),
    ],
)
def test_thresholds_are_held_against_what_we_measure_else_what_the_project_says(good, gate, said, outcome):
    ((name, threshold),) = gate.items()
    (told,) = thresholds(name, threshold, quality_of(good, "classification"))
    assert said in told.measured
    assert (told.check, told.outcome) == (name, outcome)


def few(right, wrong, **reported):
    truths, given = ["yes"] * (right + wrong), ["yes"] * right + ["no"] * wrong
    rows = pl.DataFrame({"kind": truths})
    return Quality(rows, truths, Answers(given, None), {"accuracy": metric("accuracy", truths, given)}, reported, None)


@pytest.mark.parametrize(
    ("right", "wrong", "outcome"),
    [
        (18, 2, "cannot tell"),  # 0.9 of 20 rows may be 0.73
        (20, 0, "passed"),
        (10, 10, "failed"),  # what measures less than was asked is not let in for want of rows
        (90, 10, "passed"),  # so would 0.9 of 100 rows be
    ],
)
def test_a_limit_that_chance_reaches_is_not_told_on_few_rows(right, wrong, outcome):
    (told,) = thresholds("accuracy", Threshold(minimum=0.85), few(right, wrong))
    assert told.outcome == outcome


def test_a_figure_says_between_what_it_lies_and_what_would_change_the_answer():
    (told,) = thresholds("accuracy", Threshold(minimum=0.85), few(90, 10))
    assert (told.measured, told.uncertainty, told.would_change) == (
        "0.9 on 100 test rows", "0.84 to 0.939 (90 %)", "below 0.85 it fails",
    )  # fmt: skip
    (told,) = thresholds("accuracy", Threshold(minimum=0.95), few(90, 10))
    assert told.would_change == "0.95 or more passes"
    (told,) = thresholds("accuracy", Threshold(minimum=0.85), few(18, 2))
    assert told.would_change == "30 test rows: on 20 chance alone reaches beyond 0.85"


def test_the_projects_own_figure_has_no_interval_that_anybody_knows():
    (told,) = thresholds("kappa", Threshold(minimum=0.5), few(9, 1, kappa=0.6))
    assert told.uncertainty == "not known: it is the project's own figure"
