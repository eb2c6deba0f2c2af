import time

import pytest

from slipway.journal.ship import Shipper
from slipway.journal.spool import SpoolWriter
from slipway.journal.window import export, find, labelled, read_window


def test_a_window_is_the_newest_rows_or_those_of_some_hours(journal, answer):
    now = time.time()
    old, recent, newest = answer(at=now - 7200), answer(at=now - 60), answer(at=now - 1, version=2)
    journal.append([old, recent, newest])
    assert read_window(journal, last=2) == [recent, newest]
    assert read_window(journal, hours=1) == [recent, newest]
    assert read_window(journal, hours=1, last=1) == [newest]
    assert read_window(journal, hours=1, last=0) == []
    assert read_window(journal, last=5, version=1) == [old, recent]
    with pytest.raises(ValueError, match="rows or of hours"):
        read_window(journal)


def test_the_newest_truth_counts_whatever_the_order_of_shipping(journal, answer, truth):
    first, second, without = answer(), answer(), answer()
    journal.append([first, second, without])
    journal.append([truth(first.id, "high", at=20.0, is_correction=True), truth(first.id, "low", at=10.0)])
    journal.append([truth(second.id, "low", at=15.0), truth("nobody", "low")])
    assert [(p.id, t.truth) for p, t in labelled(journal)] == [(first.id, "high"), (second.id, "low")]


def test_an_answer_is_found_in_the_spool_and_in_the_journal(tmp_path, journal, answer, truth):
    spool = tmp_path / "spool"
    writer = SpoolWriter(spool)
    shipped, waiting = answer(), answer()
    writer.write([shipped])
    Shipper(spool, journal).ship()
    writer.write([waiting, truth(shipped.id, "high")])
    found = find(journal, spool, [shipped.id, waiting.id, "nobody"])
    assert set(found) == {shipped.id, waiting.id}
    assert [t.truth for t in found[shipped.id].truths] == ["high"]
    assert found[waiting.id].prediction == waiting
    assert found[waiting.id].truths == ()


def test_the_journal_as_a_table_has_rows_answers_and_truths(journal, answer, truth):
    one = answer(at=5.0, row={"area": 1, "id": "mine"})
    other = answer(at=6.0, row={"area": "2 m2", "new": None}, prediction=None, error="no such street")
    journal.append([other, one, truth(one.id, "high")])
    first, second = export(journal).to_dicts()
    assert (first["id"], first["row.id"], first["prediction"], first["truth"]) == (one.id, "mine", "low", "high")
    assert first["at"].isoformat() == "1970-01-01T00:00:05+00:00"
    assert (second["error"], second["truth"], second["area"]) == ("no such street", None, "2 m2")


def test_whatever_a_row_carried_the_journal_can_be_a_table(journal, answer):
    carried = [1, 2.5, 10**30, 10**300, "ä", True, None, {"of": ["a", 1]}, [1, [2]]]
    journal.append([answer(at=float(n), row={"note": note, "n": n}) for n, note in enumerate(carried)])
    table = export(journal)
    assert table["n"].to_list() == list(range(len(carried)))
    assert table["note"].to_list()[4:] == ["ä", "true", None, '{"of": ["a", 1]}', "[1, [2]]"]


@pytest.mark.parametrize("notes", [[{"a": 1}, {"b": 2}], [[1], [2]], [10**300, 1], [10**309, 1.5], [None, None]])
def test_a_table_of_the_journal_holds_nothing_nested_and_nothing_fails(journal, answer, notes):
    journal.append([answer(row={"note": note}) for note in notes])
    assert not export(journal)["note"].dtype.is_nested()


def test_numbers_with_and_without_a_fraction_are_numbers(journal, answer):
    journal.append([answer(at=1.0, row={"note": 1}), answer(at=2.0, row={"note": 2.5}), answer(at=3.0, row={})])
    assert export(journal)["note"].to_list()[:2] == [1.0, 2.5]


def test_an_empty_journal_is_an_empty_table(journal):
    assert export(journal).height == 0
