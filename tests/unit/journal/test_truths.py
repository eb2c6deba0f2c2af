import threading

import pytest

from slipway.errors import OutsideError
from slipway.journal import Given, Shipper, SpoolWriter, find, labelled, record_truths


@pytest.fixture
def give(tmp_path, journal, answer):
    """Keeps truths of the predictions a, b (shipped) and c (waiting)."""
    spool = tmp_path / "spool"
    writer, shipper = SpoolWriter(spool), Shipper(spool, journal)
    writer.write([answer("a"), answer("b")])
    shipper.ship()
    writer.write([answer("c")])

    def keep(*given):
        return record_truths(journal, spool, writer, [Given(*g) for g in given], source="test")

    keep.ship = shipper.ship
    return keep


@pytest.mark.parametrize("is_shipped", [False, True])
def test_what_becomes_of_a_truth(give, journal, is_shipped):
    between = give.ship if is_shipped else lambda: None
    assert give(("a", "high"), ("c", 3)) == ["kept", "kept"]
    between()
    assert give(("a", "high")) == ["known"]
    assert give(("a", "low")) == ["contradicts"]
    assert give(("a", "low", True)) == ["corrected"]
    between()
    assert give(("a", "low")) == ["known"]
    assert give(("nobody", "low")) == ["unknown id"]
    give.ship()
    assert [(t.prediction_id, t.truth, t.is_correction) for t in journal.truths()] == [
        ("a", "high", False),
        ("c", 3, False),
        ("a", "low", True),
    ]


def test_one_that_is_refused_keeps_the_others_out(give, journal):
    assert give(("a", "high"), ("nobody", "high"), ("b", "low")) == ["kept", "unknown id", "kept"]
    give.ship()
    assert journal.truths() == []


def test_two_truths_in_one_list_contradict_each_other_too(give):
    assert give(("a", "high"), ("a", "low")) == ["kept", "contradicts"]


def test_true_is_not_one(give):
    give(("a", 1))
    assert give(("a", 1.0)) == ["known"]
    assert give(("a", True)) == ["contradicts"]


def test_of_two_given_at_once_one_is_kept(give):
    outcomes = []
    threads = [threading.Thread(target=lambda n=n: outcomes.extend(give(("a", n)))) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["contradicts"] * 7 + ["kept"]


class Away:
    """A journal that can't be reached."""

    def find(self, ids):
        raise OutsideError("the database is away")

    truths = find


def test_while_the_journal_is_away_truths_are_kept_and_what_waits_is_still_judged(tmp_path, answer):
    writer = SpoolWriter(tmp_path)
    writer.write([answer("waits")])
    given = [Given("waits", "high"), Given("shipped", "low"), Given("waits", "high"), Given("shipped", "low")]
    for journal in (Away(), None):
        outcomes = record_truths(journal, tmp_path, writer, given[:2], source="test", may_be_away=True)
        assert outcomes[1] == "unchecked"
    assert outcomes == ["known", "unchecked"]
    assert record_truths(None, tmp_path, writer, [Given("waits", "low")], source="t", may_be_away=True) == [
        "contradicts"
    ]
    with pytest.raises(OutsideError, match="is away"):
        record_truths(Away(), tmp_path, writer, [Given("shipped", "low")], source="test")


def test_of_truths_that_nobody_could_check_the_first_counts_until_one_corrects_it(tmp_path, journal, answer):
    writer, shipper = SpoolWriter(tmp_path), Shipper(tmp_path, journal)
    journal.append([answer("a"), answer("b")])
    assert record_truths(journal, tmp_path, writer, [Given("a", "high")], source="test") == ["kept"]
    later = [Given("a", "low"), Given("b", "low")]
    assert record_truths(None, tmp_path, writer, later, source="test", may_be_away=True) == ["unchecked"] * 2
    shipper.ship()
    assert {p.id: t.truth for p, t in labelled(journal)} == {"a": "high", "b": "low"}
    corrected = [Given("a", "low", is_correction=True)]
    assert record_truths(None, tmp_path, writer, corrected, source="test", may_be_away=True) == ["unchecked"]
    shipper.ship()
    assert {p.id: t.truth for p, t in labelled(journal)} == {"a": "low", "b": "low"}
    assert find(journal, tmp_path, ["a"])["a"].truth.truth == "low"
