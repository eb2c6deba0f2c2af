from dataclasses import replace

import numpy as np
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
    truths = [("yes", "no")[i % 2] for i in range(right + wrong)]
    given = [truths[i] if i < right else ("no", "yes")[i % 2] for i in range(right + wrong)]
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


def test_a_limit_that_a_constant_answer_keeps_is_said_to_ask_nothing():
    truths = ["no"] * 95 + ["yes"] * 5
    for name, limit, reached in (("accuracy", 0.9, "0.95"), ("macro_f1", 0.45, "0.4872")):
        given = Answers(truths, None)
        measured = {name: metric(name, truths, truths)}
        quality = Quality(pl.DataFrame({"kind": truths}), truths, given, measured, {}, None)
        (told,) = thresholds(name, Threshold(minimum=limit), quality)
        assert told.outcome == "passed"
        assert told.measured.endswith(f"; a constant answer has {reached}, so that this limit asks nothing")
        (told,) = thresholds(name, Threshold(minimum=0.97), quality)
        assert "constant" not in told.measured


def test_a_metric_without_a_value_on_these_rows_cannot_be_told_and_says_why(good):
    quality = quality_of(good, "classification")
    reasons = {"auc": "auc needs test rows of two classes"}
    alone = replace(quality, measured={}, reported={"auc": 0.9}, unmeasured=reasons)
    (told,) = thresholds("auc", Threshold(minimum=0.5), alone)
    assert (told.outcome, told.measured) == ("cannot tell", "auc needs test rows of two classes")


def test_few_rows_of_a_class_do_not_tell_how_well_it_is_ranked():
    truths = ["yes"] * 4 + ["no"] * 200
    shares = [{"yes": p, "no": 1 - p} for p in (0.3, 0.25, 0.01, 0.02, *np.linspace(0, 0.29, 200))]
    given = Answers(["no"] * 204, shares)
    measured = {"average_precision": metric("average_precision", truths, ["no"] * 204, shares)}
    quality = Quality(pl.DataFrame({"kind": truths}), truths, given, measured, {}, None)
    (told,) = thresholds("average_precision", Threshold(minimum=0.25), quality)
    assert (told.outcome, told.would_change) == ("cannot tell", "4 test rows are `yes`, 10 are needed")
