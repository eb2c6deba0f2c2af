import numpy as np
import pytest

from slipway.gate.lines import Line
from slipway.monitor.rules import FALSE_ALARMS
from slipway.profile.drift import Measure, Moments, mean_shift, standard_errors, total_variation
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
    drifted = Side(slow.predictions, {}, prediction_drift=Measure(0.4, 0.1))
    steady = Side(quick.predictions, {}, prediction_drift=Measure(0.01, 0.1))
    assert judged(drifted, steady, ask_in_turn=in_turn(outcome)).why.startswith("prediction drift 0.400")


@pytest.mark.parametrize(("before", "is_worse"), [(0.05, True), (0.3, False), (None, False)])
def test_answers_that_moved_count_unless_they_moved_before_too(before, is_worse):
    moved = Side(predictions(["yes"] * 50), {}, prediction_drift=Measure(-0.4, 0.1))
    drift = None if before is None else Measure(before, 0.1)
    assert judged(moved, Side(predictions(["yes"] * 50, version=1), {}, prediction_drift=drift)).is_worse is is_worse


@pytest.mark.parametrize(("classes", "rows"), [(12, 100), (25, 200), (40, 400)])
def test_answers_of_many_classes_that_moved_by_chance_alone_send_no_version_back(classes, rows):
    """Beyond the threshold are 14 to 22 of a hundred such windows."""
    rng, share = np.random.default_rng(3), np.full(classes, 1 / classes)
    z = standard_errors(FALSE_ALARMS / 20)
    beyond = worse = 0
    for _ in range(200):
        learnt = rng.multinomial(2_000, share)
        now, then = (total_variation(learnt, rng.multinomial(rows, share), z=z) for _ in range(2))
        sides = (Side(predictions(["a"]), {}, prediction_drift=drift) for drift in (now, then))
        beyond += now.value > 0.15 >= then.value
        worse += judged(*sides).is_worse
    assert beyond > 3
    assert worse <= 1


def test_numbers_that_moved_by_chance_alone_send_no_version_back_and_those_that_moved_do():
    rng, learnt, z = np.random.default_rng(3), Moments(2_000, 0.0, 1.0), standard_errors(FALSE_ALARMS / 20)
    near = mean_shift(learnt, Moments(200, 0.0, 1.0), z=z)

    def worse(mean):
        drifts = (mean_shift(learnt, Moments(200, m, 1.0), z=z) for m in rng.normal(mean, 200**-0.5, 200))
        before = Side([], {}, prediction_drift=near)
        return sum(judged(Side([], {}, prediction_drift=drift), before).is_worse for drift in drifts)

    assert worse(0.0) <= 1  # 7 of 200 are beyond the threshold
    assert worse(0.6) == 200


SHOP, OTHER, ADA = "token:shop", "token:other", "user:ada"


def told(*parts, version=2):
    """A version's predictions with truths of several sources: (source, right, wrong) each."""
    made = predictions(["yes"] * sum(right + wrong for _, right, wrong in parts), version=version)
    values = [(source, "yes") for source, right, _ in parts for _ in range(right)]
    values += [(source, "no") for source, _, wrong in parts for _ in range(wrong)]
    truths = {p.id: value for p, (_, value) in zip(made, values, strict=True)}
    return Side(made, truths, sources={p.id: source for p, (source, _) in zip(made, values, strict=True)})


BEFORE = told((SHOP, 150, 0), version=1)


@pytest.mark.parametrize("false", [5, 30, 100])
@pytest.mark.parametrize("by", [OTHER, "api"])
def test_one_caller_beside_others_does_not_decide_alone(false, by):
    found = judged(told((SHOP, 100, 0), (by, 0, false)), BEFORE)
    assert not found.is_worse
    assert found.why.endswith(f"; by the truths of {by} alone it would be, which others do not confirm")
    assert found.figures["one_source"]["source"] == by


@pytest.mark.parametrize(
    ("promoted", "before"),
    [
        (told((SHOP, 8, 0), (OTHER, 0, 60)), BEFORE),  # however few the others are
        (told((ADA, 60, 0), (OTHER, 0, 5)), told((ADA, 60, 0), version=1)),
        (told((SHOP, 60, 0), (ADA, 40, 0), (OTHER, 0, 9)), BEFORE),
        # A predecessor that was made to look better than it was.
        (told((SHOP, 80, 20)), told((SHOP, 80, 20), (OTHER, 100, 0), version=1)),
        # Alone with the promoted version: what came before is of others.
        (told((OTHER, 0, 40)), BEFORE),
    ],
)
def test_nor_in_any_of_these_ways(promoted, before):
    assert not judged(promoted, before).is_worse


@pytest.mark.parametrize(
    ("promoted", "before"),
    [
        (told((SHOP, 60, 40)), BEFORE),
        (told(("api", 60, 40)), told(("api", 90, 10), version=1)),
        (told((ADA, 60, 40)), BEFORE),
        (told((ADA, 60, 40), (SHOP, 40, 20)), BEFORE),
        (told((SHOP, 60, 40), (OTHER, 12, 8)), BEFORE),  # who has labelled nothing before confirms it too
        (told((SHOP, 60, 40), (OTHER, 30, 20), ("api", 30, 10)), told((SHOP, 80, 0), (OTHER, 60, 2), version=1)),
    ],
)
def test_a_source_that_is_alone_decides_and_so_do_several_that_agree(promoted, before):
    assert judged(promoted, before).is_worse


def test_who_is_at_the_machine_decides_though_others_say_otherwise():
    assert judged(told((ADA, 20, 60), (SHOP, 20, 0)), told((ADA, 80, 0), version=1)).is_worse


def test_numbers_are_held_to_it_too():
    def far(distance, source, many, start):
        made = [Prediction(f"{start}-{n}", float(n), start, {}, 10.0, None, 5.0) for n in range(many)]
        return (
            made,
            {p.id: 10.0 + distance + n % 3 for n, p in enumerate(made)},
            dict.fromkeys((p.id for p in made), source),
        )

    def side(*parts):
        return Side(
            [p for made, _, _ in parts for p in made],
            {k: v for _, truths, _ in parts for k, v in truths.items()},
            sources={k: v for _, _, sources in parts for k, v in sources.items()},
        )

    before = side(far(0.0, SHOP, 60, 1))
    assert not judged(side(far(0.0, SHOP, 60, 2), far(500.0, OTHER, 9, 3)), before, "regression").is_worse
    assert judged(side(far(5.0, SHOP, 60, 2), far(5.0, OTHER, 9, 3)), before, "regression").is_worse
    assert not judged(side(far(5.0, SHOP, 60, 2), far(5.0, OTHER, 1, 3)), before, "regression").is_worse
