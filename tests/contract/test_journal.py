from concurrent.futures import ThreadPoolExecutor

import pytest

from slipway.records import Prediction, Truth


def prediction(key, *, at=1.0, version=1, answer="low", **rest):
    return Prediction(key, at, version, rest.pop("row", {"area": 100.0}), answer, **rest)


def truth(key, of, answer="low", **rest):
    return Truth(key, of, rest.pop("at", 5.0), answer, rest.pop("source", "api"), **rest)


def test_an_empty_journal_has_nothing(storage):
    journal = storage.journal
    assert journal.last(10) == []
    assert journal.since(0.0) == []
    assert journal.find(["x"]) == {}
    assert journal.truths() == []
    assert journal.count() == (0, 0)


def test_what_was_appended_comes_back_as_it_was(storage):
    whole = Prediction(
        "a", 12.5, 3, {"area": "160 m2", "rooms": 3, "age": None, "new": True, "code": "001", "größe": 1.5},
        "low", {"low": 0.75, "high": 0.25}, 4.5,
    )  # fmt: skip
    failed = Prediction("b", 13.0, 3, {"area": None}, None, None, 0.5, "ValueError: no area")
    storage.journal.append([whole, failed])
    assert storage.journal.last(10) == [whole, failed]


@pytest.mark.parametrize("label", ["1", 1, 1.0, True, False, 0, "", "true", 10.925, -1])
def test_labels_keep_their_type(storage, label):
    storage.journal.append([prediction("a", answer=label), truth("t", "a", label)])
    (found,) = storage.journal.last(1)
    (told,) = storage.journal.truths()
    assert (type(found.prediction), found.prediction) == (type(label), label)
    assert (type(told.truth), told.truth) == (type(label), label)


def test_a_record_that_comes_again_is_passed_over(storage):
    storage.journal.append([prediction("a", answer="low"), truth("t", "a", "low")])
    storage.journal.append([prediction("a", answer="high"), prediction("b"), truth("t", "a", "high"), truth("u", "b")])
    assert [(p.id, p.prediction) for p in storage.journal.last(10)] == [("a", "low"), ("b", "low")]
    assert [(t.id, t.truth) for t in storage.journal.truths()] == [("t", "low"), ("u", "low")]
    assert storage.journal.count() == (2, 2)


def test_the_last_are_the_newest_by_time_oldest_first(storage):
    storage.journal.append([prediction("late", at=9.0), prediction("early", at=1.0), prediction("middle", at=5.0)])
    assert [p.id for p in storage.journal.last(2)] == ["middle", "late"]
    assert storage.journal.last(0) == []


def test_predictions_of_one_instant_keep_the_order_they_came_in(storage):
    storage.journal.append(prediction(key) for key in "cab")
    assert [p.id for p in storage.journal.last(2)] == ["a", "b"]
    assert [p.id for p in storage.journal.since(1.0)] == ["c", "a", "b"]


def test_a_version_can_be_asked_for_alone(storage):
    storage.journal.append(prediction(f"{i}", at=float(i), version=i % 2) for i in range(10))
    assert [p.id for p in storage.journal.last(2, version=1)] == ["7", "9"]
    assert [p.id for p in storage.journal.since(6.0, version=0)] == ["6", "8"]


def test_since_takes_the_instant_itself(storage):
    storage.journal.append([prediction("before", at=0.999), prediction("at", at=1.0), prediction("after", at=1.001)])
    assert [p.id for p in storage.journal.since(1.0)] == ["at", "after"]


def test_all_come_a_part_at_a_time_oldest_first(storage):
    assert list(storage.journal.parts(3)) == []
    storage.journal.append(prediction(f"{i}", at=float(-i // 3)) for i in range(7))
    parts = [[p.id for p in part] for part in storage.journal.parts(3)]
    assert parts == [["4", "5", "6"], ["1", "2", "3"], ["0"]]


def test_unknown_ids_are_absent_however_many_are_asked_for(storage):
    storage.journal.append([prediction("a"), prediction("b")])
    found = storage.journal.find(["b", "nobody", "a", *map(str, range(50_000))])
    assert set(found) == {"a", "b"}
    assert found["a"].id == "a"


def test_truths_come_in_order_of_all_or_of_some(storage):
    storage.journal.append([truth("2", "b"), truth("1", "a"), truth("3", "b", "high", is_correction=True)])
    assert [t.id for t in storage.journal.truths()] == ["2", "1", "3"]
    assert [(t.id, t.is_correction) for t in storage.journal.truths(["b"])] == [("2", False), ("3", True)]
    assert storage.journal.truths([]) == []


def test_half_a_surrogate_pair_does_not_block_what_comes_with_it(storage):
    odd = prediction("a", row={"name": "\ud800"}, error="ValueError: '\ud800'")
    storage.journal.append([odd, prediction("b")])
    found = storage.journal.find(["a", "b"])
    assert found["a"].row == {"name": "\ud800"}
    assert "ud800" in found["a"].error


@pytest.mark.parametrize("text", ["\0", "a\0b␀0", "␀", "␀␀0", "\\N", "\\", "tab\tline\nend\r", "'\"", "\x7f\ufffe"])
def test_every_sign_survives(storage, text):
    odd = Prediction("a", 1.0, 1, {f"c{text}": text}, text, {text: 1.0}, 1.0, text)
    told = truth("t", "a", text, source=text)
    storage.journal.append([odd, told])
    assert storage.journal.last(1) == [odd]
    assert storage.journal.truths(["a"]) == [told]


def test_an_id_that_nobody_could_have_made_is_unknown(storage):
    assert storage.journal.find(["\ud800", "\0"]) == {}
    assert storage.journal.truths(["\ud800"]) == []


def test_threads_append_and_read_at_once_and_nothing_is_lost(storage):
    def append(worker):
        for i in range(20):
            storage.journal.append([prediction(f"{worker}-{i}-{k}") for k in range(5)])
            assert len(storage.journal.last(5)) == 5

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(append, range(4)))
    assert storage.journal.count() == (400, 0)


def test_another_opening_sees_it(open_backend):
    open_backend().journal.append([prediction("a")])
    assert [p.id for p in open_backend().journal.last(1)] == ["a"]


def test_records_that_fail_half_way_leave_nothing(storage):
    def records():
        yield prediction("a")
        raise RuntimeError("the spool ended here")

    with pytest.raises(RuntimeError):
        storage.journal.append(records())
    assert storage.journal.count() == (0, 0)


def test_what_is_removed_is_gone_with_its_truths_and_the_rest_stays(storage):
    storage.journal.append([prediction("a"), prediction("b"), truth("t", "a"), truth("u", "b"), truth("v", "a")])
    assert storage.journal.remove(["a", "nobody"]) == (1, 2)
    assert storage.journal.find(["a", "b"]).keys() == {"b"}
    assert [t.id for t in storage.journal.truths()] == ["u"]
    assert storage.journal.remove(["a"]) == (0, 0)


def test_what_is_old_is_removed_with_its_truths_and_those_of_nothing(storage):
    storage.journal.append([prediction("old", at=10.0), prediction("new", at=20.0)])
    storage.journal.append([truth("t", "old", at=30.0), truth("u", "new", at=30.0), truth("v", "lost", at=5.0)])
    assert storage.journal.remove_before(10.0) == (0, 1)
    assert storage.journal.remove_before(20.0) == (1, 1)
    assert [p.id for p in storage.journal.last(10)] == ["new"]
    assert [t.id for t in storage.journal.truths()] == ["u"]


def test_the_last_are_those_that_came_last_whatever_a_clock_said(storage):
    year = 365 * 86_400.0
    storage.journal.append([prediction("ahead", at=2e9 + year)])
    storage.journal.append([prediction("behind", at=1.0)])
    storage.journal.append([prediction("right", at=2e9)])
    assert [p.id for p in storage.journal.last(2)] == ["behind", "right"]
    assert [p.id for part in storage.journal.parts(2) for p in part] == ["ahead", "behind", "right"]
    assert storage.journal.newest() == 2e9
    assert [p.id for p in storage.journal.since(100.0, until=2e9 + 60)] == ["right"]


def test_what_a_clock_that_was_ahead_has_dated_goes_with_what_came_after_it(storage):
    def remove(before):
        storage.journal.remove_before(before, until=1_000.0)
        return [p.id for p in storage.journal.last(9)]

    for n, (key, at) in enumerate(
        [("old", 10.0), ("ahead", 9e8), ("middle", 500.0), ("ahead too", 9e8), ("new", 900.0)]
    ):
        storage.journal.append([prediction(key, at=at), truth(f"{n}", key, at=at)])
    assert remove(5.0) == ["old", "ahead", "middle", "ahead too", "new"]
    assert remove(400.0) == ["middle", "ahead too", "new"]
    assert remove(600.0) == ["new"]
    assert remove(950.0) == []
    assert storage.journal.count() == (0, 0)


def test_truths_come_a_part_at_a_time_too(storage):
    assert list(storage.journal.truth_parts(2)) == []
    storage.journal.append([truth(f"{n}", "a") for n in range(5)])
    assert [[t.id for t in part] for part in storage.journal.truth_parts(2)] == [["0", "1"], ["2", "3"], ["4"]]
