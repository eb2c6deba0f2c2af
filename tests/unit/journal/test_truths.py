import threading

import pytest

from slipway.journal import Given, Shipper, SpoolWriter, record_truths


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
