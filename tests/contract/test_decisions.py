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
