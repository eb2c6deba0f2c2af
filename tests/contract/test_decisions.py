from slipway.records import Decision


def test_no_decisions_at_first(storage):
    assert storage.decisions.last(5) == []


def test_the_newest_decisions_come_oldest_first_with_their_figures(storage):
    kept = [
        Decision(
            f"tick {i}", "check", "alarm", "psi of area 0.4 > 0.25", f"2026-01-0{i}T00:00:00", {"psi": 0.4, "n": [i]}
        )
        for i in range(1, 4)
    ]
    for decision in kept:
        storage.decisions.append(decision)
    assert storage.decisions.last(2) == kept[1:]
    assert storage.decisions.last(10) == kept


def test_equal_decisions_are_two(storage):
    decision = Decision("tick", "decide", "nothing to do", "", "2026-01-01T00:00:00")
    storage.decisions.append(decision)
    storage.decisions.append(decision)
    assert len(storage.decisions.last(5)) == 2


def decided(step, outcome, n, *, version=1):
    return Decision(f"tick {n}", step, outcome, "", f"2026-01-01T00:00:{n:02}+00:00", {"version": version})


def test_the_latest_of_a_step_is_found_however_many_came_since(storage):
    learnt = decided("retrain", "candidate", 1)
    storage.decisions.append(learnt)
    for n in range(300):
        storage.decisions.append(decided("check" if n % 2 else "decide", "none", 2))
    assert storage.decisions.latest("retrain", outcomes=("candidate",)) == learnt
    assert storage.decisions.latest("rollback") is None


def test_the_latest_is_of_the_outcome_the_version_and_the_time_that_are_asked_for(storage):
    for n, (outcome, version) in enumerate([("none", 1), ("alarm", 2), ("not told", 2), ("alarm", 3)]):
        storage.decisions.append(decided("check", outcome, n, version=version))
    latest = storage.decisions.latest
    assert latest("check", version=2).outcome == "not told"
    assert latest("check", outcomes=("none", "alarm"), version=2).tick == "tick 1"
    assert latest("check", other_than="tick 3").tick == "tick 2"
    assert latest("check", until="2026-01-01T00:00:01.500000+00:00").tick == "tick 1"
    assert latest("check", until="2025") is None


def test_a_version_that_is_no_number_is_none(storage):
    storage.decisions.append(Decision("t", "check", "none", "", "2026-01-01", {"version": "1"}))
    storage.decisions.append(Decision("t", "check", "none", "", "2026-01-01", {"version": 10**30}))
    assert storage.decisions.latest("check", version=1) is None
    assert storage.decisions.latest("check").detail == {"version": 10**30}
