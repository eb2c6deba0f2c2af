from collections import Counter
from math import sqrt
from statistics import NormalDist

import numpy as np
import pytest

from slipway.gate.compare import Answers, Paired, paired
from slipway.gate.judge import Allowed, allowed, judge, outcome_of
from slipway.project import Threshold


def measured(drop, error, rows=431):
    low, high = drop - 1.645 * error, drop + 1.645 * error

    def chance(limit):
        return NormalDist(drop, error).cdf(limit) if error else float(drop <= limit)

    return Paired(rows, 0.8 - drop, 0.8, drop, chance, lambda d: high <= d + 1e-12, lambda: (low, high))


LIMIT = Allowed(0.01, 0.05)


@pytest.mark.parametrize(
    ("drop", "error", "outcome"),
    [
        (0.05, 0.01, "failed"),  # 0.034 at the least
        (0.02, 0.01, "cannot tell"),  # more than is allowed, and chance may have made it
        (0.01, 0.01, "passed"),
        (-0.05, 0.03, "passed"),  # shown to be no worse, however few the rows
        (0.0, 0.05, "cannot tell"),  # no worse as measured, and a drop of 8 points is not ruled out
        (0.0, 0.0, "passed"),
    ],
)
def test_what_is_shown_fails_or_passes_and_the_rest_cannot_be_told(drop, error, outcome):
    assert judge(measured(drop, error), LIMIT).outcome == outcome


def test_the_smallest_drop_that_the_rows_tell_and_how_many_would_tell_more():
    told = judge(measured(0.02, 0.01), LIMIT)
    # 0.01 + (1.645 + 0.842) * 0.01; and (1.645 * 0.01 / 0.01)^2 * 431 rows put its lower bound at 0.01.
    assert told.would_change == ("can't tell drops below 0.035 on these 431 rows; about 1,167 would, if the drop stays")
    assert told.measured == "0.78 vs 0.8 on 431 rows, p = 0.16"
    assert told.uncertainty == "0.00355 to 0.0364 worse (90 %)"
    wide = judge(measured(0.0, 0.05, rows=60), LIMIT)
    # (1.645 * 0.05 / 0.06)^2 * 60 rows rule out a drop of 0.06.
    assert wide.would_change == "can't tell drops below 0.13 on these 60 rows; about 113 would rule out one of 0.06"


def test_as_many_rows_as_are_said_to_be_needed_do_tell():
    needed = measured(0.02, 0.01).rows_to_rule_out(0.01)
    assert judge(measured(0.02, 0.01 * sqrt(431 / needed), rows=needed), LIMIT).outcome == "failed"
    needed = measured(0.0, 0.05, rows=60).rows_to_rule_out(0.06)
    assert judge(measured(0.0, 0.05 * sqrt(60 / needed), rows=needed), LIMIT).outcome == "passed"


def test_one_of_many_comparisons_is_held_to_its_corrected_p():
    assert judge(measured(0.05, 0.01), LIMIT, p=0.2).outcome == "cannot tell"


def test_a_margin_is_in_the_metrics_unit_or_a_share_of_productions():
    assert allowed("accuracy", Threshold(max_drop=0.01), 0.8) == Allowed(0.01, 0.05)
    assert allowed("rmse", Threshold(max_drop=3.0), 200.0) == Allowed(3.0, 20.0)
    assert allowed("rmse", Threshold(max_drop=0.02, is_share=True), 200.0) == Allowed(4.0, 20.0)
    assert allowed("rmse", Threshold(max_drop=0.02, doubt=0.05, is_share=True), 200.0) == Allowed(4.0, 10.0)
    assert allowed("accuracy", Threshold(max_drop=0.01, doubt=0.02), 0.8) == Allowed(0.01, 0.02)


def test_the_same_answers_pass_even_where_nothing_may_be_lost():
    same = Answers(["a", "b"] * 20, None)
    for name in ("accuracy", "macro_f1"):
        told = judge(paired(name, ["a", "a"] * 20, same, same), Allowed(0.0, 0.0))
        assert (told.outcome, told.uncertainty) == ("passed", "0 to 0 worse (90 %)")
    # As often right, on 40 rows, is another thing.
    other = Answers(["a", "c"] * 20, None)
    assert judge(paired("accuracy", ["a", "a"] * 20, other, same), Allowed(0.0, 0.0)).outcome == "cannot tell"


def outcomes(rows, candidate, *, both=0.75, limit=LIMIT, trials=200, seed=1):
    """How often a candidate that is right so often is passed, failed or not told, beside production at 0.85.

    Args:
        both: on which share of the rows the two are right together, as two models of the same data mostly are.
    """
    rng = np.random.default_rng(seed)
    truths = ["yes"] * rows
    shares = [both, candidate - both, 0.85 - both, 1 - candidate - 0.85 + both]
    found = Counter()
    for _ in range(trials):
        cell = rng.choice(4, rows, p=shares)
        new = ["yes" if c in (0, 1) else "no" for c in cell]
        old = ["yes" if c in (0, 2) else "no" for c in cell]
        pair = paired("accuracy", truths, Answers(new, None), Answers(old, None))
        found[outcome_of(pair, limit)] += 1
    return found


def test_an_equal_model_is_hardly_ever_failed_and_with_enough_rows_hardly_ever_refused():
    few, many = outcomes(100, 0.85, both=0.82), outcomes(4_000, 0.85, both=0.82)
    assert few["failed"] <= 10  # at most 0.05 of 200; in fact fewer, since 0.01 is allowed
    assert many["passed"] >= 194  # 4,000 rows tell 0.01 apart: not to pass takes 2.6 standard errors


def test_a_model_that_is_worse_by_just_what_is_allowed_fails_once_in_twenty():
    found = outcomes(2_000, 0.84, both=0.8, trials=400)
    assert found["failed"] <= 33  # 20 are expected, three standard deviations are 13


def test_a_truly_worse_model_fails_where_there_are_rows_enough():
    assert outcomes(2_000, 0.80)["failed"] >= 190
    # The smallest drop that 2,000 rows tell is found four times in five: 0.01 + 2.49 * sqrt(0.15 / 2,000).
    found = outcomes(2_000, 0.85 - 0.0316, both=0.76)["failed"]
    assert 140 <= found <= 185


def test_a_worse_model_on_few_rows_is_not_passed_but_not_told():
    found = outcomes(60, 0.75, both=0.7)
    assert found["cannot tell"] + found["failed"] >= 185
    assert found["cannot tell"] >= 60
