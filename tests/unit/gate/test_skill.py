import numpy as np
import polars as pl
import pytest

from slipway.gate.compare import Answers
from slipway.gate.constant import (
    best_constant,
    expected_average_precision,
    guessed_macro_f1,
    random_average_precision,
)
from slipway.gate.measure import metric
from slipway.gate.quality import Quality
from slipway.gate.skill import skill
from slipway.project import Model, Threshold
from slipway.project.facts import METRICS


def held(truths, predictions, probabilities=None, *, kind="classification", gate=("accuracy",)):
    rows = pl.DataFrame({"y": truths})
    answers = Answers(list(predictions), probabilities)
    model = Model(kind, "y", gate={name: Threshold(minimum=0.0) for name in gate})
    return skill(model, Quality(rows, list(truths), answers, {}, {}, None))


def ranked(rng, truths, rare, gain):
    """Probabilities that are as the classes' shares are, told apart by so much on the scale of log-odds."""
    share = np.mean([t == rare for t in truths])
    raised = np.array([gain * (t == rare) for t in truths]) + rng.normal(0, 1, len(truths))
    odds = np.exp(np.log(share / (1 - share)) + raised - gain * share - 0.5)
    return [{rare: p, "no": 1 - p} for p in (odds / (1 + odds)).tolist()]


def rare_truths(n, positives):
    return ["yes"] * positives + ["no"] * (n - positives)


@pytest.mark.parametrize("positives", [12, 17, 53, 240])
def test_a_model_that_always_says_no_fails_however_rare_a_yes_is(positives):
    truths = rare_truths(2_400, positives)
    share = positives / 2_400
    told = held(truths, ["no"] * 2_400, [{"yes": share, "no": 1 - share}] * 2_400)
    assert told.outcome == "failed"
    assert told.measured.startswith("no better than always `no`, the classes' shares, or a guess on 2,400 test rows")
    assert "average_precision in [model] gate" in told.would_change


def test_a_model_whose_probabilities_went_astray_and_finds_nobody_fails():
    """What boosted trees do that diverge on a rare class: they rank a little, and are certain of what is wrong."""
    rng = np.random.default_rng(4)
    truths = rare_truths(2_400, 17)
    shares = [{"yes": p, "no": 1 - p} for p in np.where(rng.random(2_400) < 0.01, 0.4, 1e-6).tolist()]
    told = held(truths, ["no"] * 2_400, shares, gate=("macro_f1",))
    assert told.outcome == "failed"
    assert "log_loss" in told.measured


def test_a_model_that_ranks_a_rare_class_has_skill_where_that_is_asked():
    truths = rare_truths(4_000, 40)
    shares = ranked(np.random.default_rng(1), truths, "yes", 2.5)
    told = held(truths, ["no"] * 4_000, shares, gate=("average_precision",))
    assert told.outcome == "passed"
    assert (
        told.asked
        == "better than the best answer that knows nothing of the row, by average_precision, macro_f1 or log_loss"
    )


def test_finding_a_rare_class_is_skill_though_fewer_answers_are_right():
    truths = rare_truths(600, 30)
    found = ["yes"] * 20 + ["no"] * 10 + ["yes"] * 60 + ["no"] * 510  # 70 are wrong, always saying no is in 30
    told = held(truths, found)
    assert (told.outcome, told.measured.split()[0]) == ("passed", "macro_f1")


def test_a_guess_is_expected_to_have_the_macro_f1_that_shuffled_answers_have():
    rng = np.random.default_rng(9)
    truths, given = ([("a", "b", "c")[i] for i in rng.choice(3, 500, p=[0.6, 0.3, 0.1])] for _ in range(2))
    shuffled = [metric("macro_f1", truths, rng.permutation(given).tolist()).value for _ in range(400)]
    found = guessed_macro_f1(truths, given)
    assert found.value == pytest.approx(np.mean(shuffled), abs=0.004)
    weight = np.ones(500)
    weight[3] += 1e-6
    p, q = (np.array([weight @ [x == c for x in side] for c in "abc"]) / weight.sum() for side in (truths, given))
    assert found.influence[3] / 500 == pytest.approx((np.mean(2 * p * q / (p + q)) - found.value) / 1e-6, abs=1e-4)


def test_random_rankings_have_the_mean_average_precision_that_is_known():
    truths = rare_truths(2_400, 17)
    drawn = random_average_precision(truths, draws=4_000)
    assert expected_average_precision(truths) == pytest.approx(drawn.mean(), rel=0.05)
    assert expected_average_precision(truths) > 1.3 * 17 / 2_400


SHARES = {"three classes": (0.5, 0.3, 0.2), "a rare class": (0.96, 0.04), "even classes": (0.5, 0.5)}


@pytest.mark.parametrize("shares", SHARES.values(), ids=SHARES)
@pytest.mark.parametrize("gate", ["accuracy", "average_precision", "auc"])
def test_models_that_know_nothing_are_said_to_have_skill_in_one_of_twenty_at_most(shares, gate):
    """Guesses are better than any constant by macro-F1, and random rankings than the class's share by precision."""
    rng, labels = np.random.default_rng(8), np.array(["no", "yes", "other"])
    passed = 0
    for _ in range(100):
        truths, guessed = (labels[rng.choice(len(shares), 400, p=shares)].tolist() for _ in range(2))
        table = rng.dirichlet(np.array(shares) * 50, 400)
        given = [dict(zip(labels.tolist(), row, strict=False)) for row in table.tolist()]
        passed += held(truths, guessed, given, gate=(gate,)).outcome == "passed"
    assert passed <= 11  # 5 are the most that is expected, and three standard deviations are 6.5


@pytest.mark.parametrize("rows", [5, 10, 20])
@pytest.mark.parametrize("kind", ["classification", "regression"])
def test_a_handful_of_rows_shows_nobodys_skill(rows, kind):
    """On so few the tests err more than they say: of 5 numbers with a heavy tail 16 of a hundred guesses passed."""
    rng = np.random.default_rng(6)
    outcomes = set()
    for _ in range(30):
        if kind == "regression":
            truths = rng.lognormal(size=rows)
            told = held(truths, truths.mean() + rng.normal(0, 0.05, rows), kind=kind, gate=("rmse",))
        else:
            truths, guessed = (rng.integers(0, 12, rows).tolist() for _ in range(2))
            told = held(truths, guessed)
        outcomes.add((told.outcome, told.counts))
    assert outcomes <= {("cannot tell", False)}


def test_a_model_that_guesses_on_many_rows_fails_or_cannot_be_told():
    rng = np.random.default_rng(2)
    truths, guessed = ([("a", "b", "c")[i] for i in rng.choice(3, 900, p=[0.5, 0.3, 0.2])] for _ in range(2))
    certain = [{c: float(c == g) for c in "abc"} for g in guessed]
    assert held(truths, guessed, certain).outcome != "passed"
    assert held(truths, ["a"] * 900).outcome == "failed"


@pytest.mark.parametrize(
    ("gate", "words"), [(("rmse",), "rmse, mae"), (("mae",), "mae, rmse"), (("r2",), "rmse or mae")]
)
def test_a_regression_that_is_the_mean_or_the_median_fails(gate, words):
    rng = np.random.default_rng(3)
    truths = rng.lognormal(size=300)
    for constant in (truths.mean(), np.median(truths), 1.0):
        told = held(truths, [constant] * 300, kind="regression", gate=gate)
        assert told.outcome == "failed", told
    noisy = truths.mean() + rng.normal(0, 0.2, 300)
    assert held(truths, noisy, kind="regression", gate=gate).outcome == "failed"
    good = held(truths, truths + rng.normal(0, 0.3, 300), kind="regression", gate=gate)
    assert good.outcome == "passed"


def test_guesses_of_uneven_classes_fail_though_one_metric_may_be_ahead_by_chance():
    rng = np.random.default_rng(11)
    for _ in range(10):
        truths, guessed = (["yes" if u < 0.05 else "no" for u in rng.random(800)] for _ in range(2))
        certain = [{c: float(c == g) for c in ("yes", "no")} for g in guessed]
        assert held(truths, guessed, certain, gate=("average_precision",)).outcome == "failed"


def test_a_tree_that_is_certain_of_everything_is_not_failed_for_that_where_more_of_it_is_right():
    truths = ["a", "b"] * 20
    given = ["a", "b"] * 14 + ["b", "a"] * 6
    certain = [{c: float(c == g) for c in "ab"} for g in given]
    assert held(truths, given, certain).outcome != "failed"


def test_on_few_rows_nothing_is_told_and_nobody_refused():
    told = held(["a", "b"] * 10, ["b"] * 20)
    assert (told.outcome, told.counts, told.would_change) == ("cannot tell", False, "30 test rows")
    told = held(rare_truths(1_000, 6), ["no"] * 1_000)
    assert told.would_change == "10 test rows that are not `no`; there are 6"
    told = held(["no"] * 50, ["no"] * 50)
    assert (told.outcome, told.measured) == ("cannot tell", "the target of every test row is `no`")
    assert held([], []).outcome == "cannot tell"


def test_a_lead_that_chance_may_have_made_is_not_told_and_says_how_many_rows_would_tell():
    rng = np.random.default_rng(5)
    x = rng.normal(size=60)
    truths = 10 + 0.2 * x + rng.normal(size=60)
    told = held(truths, 10 + 0.2 * x, kind="regression", gate=("rmse",))
    assert told.outcome == "cannot tell"
    assert "test rows would show it, if the lead stays" in told.would_change


def test_the_constant_is_the_best_of_all_constants():
    rng = np.random.default_rng(6)
    numbers = rng.lognormal(size=101).tolist()
    for name in ("rmse", "mae"):
        best = metric(name, numbers, best_constant(name, numbers).predictions).value
        assert all(metric(name, numbers, [c] * 101).value >= best - 1e-12 for c in np.linspace(0, 6, 200))
    labels = [("a", "b", "c")[i] for i in rng.choice(3, 90, p=[0.2, 0.5, 0.3])]
    for name in METRICS["classification"]:
        answers = best_constant(name, labels)
        best = metric(name, labels, answers.predictions, answers.probabilities).value
        for p in rng.dirichlet([1, 1, 1], 60):
            shares = [dict(zip("abc", p.tolist(), strict=True))] * 90
            value = metric(name, labels, ["abc"[int(p.argmax())]] * 90, shares).value
            assert value >= best - 1e-9 if name == "log_loss" else value <= best + 1e-9
