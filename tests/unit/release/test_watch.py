import pytest

from slipway.gate.lines import Line
from slipway.records import Prediction
from slipway.release.watch import Side, compare


def predictions(answers, *, version=2, errors=0, latency_ms=5.0):
    answered = [
        Prediction(f"{version}-{i}", float(i), version, {}, answer, None, latency_ms)
        for i, answer in enumerate(answers)
    ]
    failed = [Prediction(f"{version}-e{i}", 0.0, version, {}, None, error="ValueError") for i in range(errors)]
    return answered + failed


def classes(right, wrong, version=2):
    """Predictions of which so many turned out right and so many wrong."""
    made = predictions(["yes"] * (right + wrong), version=version)
    return Side(made, {p.id: "yes" if i < right else "no" for i, p in enumerate(made)})


def in_turn(outcome):
    return lambda: Line("latency", "at most 2 times", "80.0 ms vs 5.0 ms", outcome, "14 to 17 times")


def not_asked():
    raise AssertionError("nothing calls for it")


def judged(promoted, before, kind="classification", ask_in_turn=not_asked):
    return compare(promoted, before, kind=kind, drift_threshold=0.15, ask_in_turn=ask_in_turn)


def test_fewer_right_answers_beyond_chance_are_worse():
    found = judged(classes(60, 40), classes(90, 10, version=1))
    assert found.is_worse
    assert found.why == "accuracy 0.600 on 100 truths, before 0.900 on 100 earlier ones"


def test_a_difference_that_chance_explains_is_not():
    assert not judged(classes(88, 12), classes(90, 10, version=1)).is_worse


def test_better_is_not_worse():
    assert not judged(classes(95, 5), classes(60, 40, version=1)).is_worse


def test_rows_that_fail_count_even_where_truths_are_good():
    good = classes(90, 10)
    failing = Side([*good.predictions, *predictions([], errors=20)], good.truths)
    found = judged(failing, classes(90, 10, version=1))
    assert found.is_worse
    assert found.why == "20 of 120 rows failed, before 0 of 100"


def test_numbers_are_judged_by_their_distance_from_the_truth():
    made, old = predictions([10.0] * 60), predictions([10.0] * 60, version=1)
    far = Side(made, {p.id: 10.0 + 5 + i % 3 for i, p in enumerate(made)})
    near = Side(old, {p.id: 10.0 + i % 3 for i, p in enumerate(old)})
    assert judged(far, near, "regression").is_worse
    assert not judged(near, far, "regression").is_worse


def test_answers_that_came_late_are_worse_where_the_two_asked_in_turn_say_so_too():
    slow, quick = (Side(predictions(["yes"] * 50, version=v, latency_ms=ms), {}) for v, ms in ((2, 80.0), (1, 5.0)))
    found = judged(slow, quick, ask_in_turn=in_turn("failed"))
    assert found.is_worse
    assert found.why == ("median latency 80.0 ms, before 5.0 ms; asked in turn, 80.0 ms vs 5.0 ms (14 to 17 times)")
    fast = Side(predictions(["yes"] * 50, latency_ms=15.0), {})
    assert not judged(fast, quick).is_worse


@pytest.mark.parametrize("outcome", ["passed", "cannot tell"])
def test_a_machine_that_was_busy_sends_no_version_back(outcome):
    slow, quick = (Side(predictions(["yes"] * 50, version=v, latency_ms=ms), {}) for v, ms in ((2, 80.0), (1, 5.0)))
    found = judged(slow, quick, ask_in_turn=in_turn(outcome))
    assert not found.is_worse
    assert found.why.startswith("no worse than its predecessor over 50 predictions; median latency 80.0 ms")
    assert found.figures["latency"]["outcome"] == outcome
    drifted = Side(slow.predictions, {}, prediction_drift=0.4)
    steady = Side(quick.predictions, {}, prediction_drift=0.01)
    assert judged(drifted, steady, ask_in_turn=in_turn(outcome)).why.startswith("prediction drift 0.400")


@pytest.mark.parametrize(("before", "is_worse"), [(0.05, True), (0.3, False), (None, False)])
def test_answers_that_moved_count_unless_they_moved_before_too(before, is_worse):
    moved = Side(predictions(["yes"] * 50), {}, prediction_drift=0.4)
    assert judged(moved, Side(predictions(["yes"] * 50, version=1), {}, prediction_drift=before)).is_worse is is_worse
