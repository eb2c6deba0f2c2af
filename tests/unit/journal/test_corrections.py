"""Whose truth counts, and who may change it: no way leads around the share that one caller may have."""

import time

import polars as pl
import pytest

from slipway.errors import DataError, OutsideError
from slipway.journal import Given, Shipper, SpoolWriter, record_truths
from slipway.journal.corrections import counting, may_correct
from slipway.journal.feedback import keep_file
from slipway.journal.label_type import ANY
from slipway.journal.labels import gather
from slipway.journal.purge import Places, purge
from slipway.journal.shares import callers_beside_others, newest_within, shares
from slipway.journal.window import labelled, truths_of
from slipway.model.schema import Schema
from slipway.records import Prediction, Truth

SHOP, OTHER, ANYBODY, ADA = "token:shop", "token:other", "api", "user:ada"


def said(source, value, at, *, is_correction=True):
    return Truth(f"{source}{at}", "p", at, value, source, is_correction)


@pytest.mark.parametrize(
    ("by", "of", "may"),
    [
        (SHOP, SHOP, True), (OTHER, SHOP, False), (SHOP, OTHER, False), (ANYBODY, SHOP, False), (SHOP, ANYBODY, False),
        (ANYBODY, ANYBODY, True), (ADA, SHOP, True), (ADA, ANYBODY, True), ("user:bo", ADA, True), (SHOP, ADA, False),
        (ANYBODY, ADA, False), ("token:user:ada", SHOP, False), ("token:shop2", SHOP, False), ("file", SHOP, False),
    ],
)  # fmt: skip
def test_a_caller_corrects_its_own_and_whoever_is_at_the_machine_corrects_all(by, of, may):
    assert may_correct(by, of) is may
    (counted,) = counting([said(of, "low", 1.0, is_correction=False), said(by, "high", 2.0)]).values()
    assert (counted.source, counted.truth) == ((by, "high") if may else (of, "low"))


@pytest.mark.parametrize(
    ("chain", "counts"),
    [
        # What others say in between changes nothing, and nothing is theirs afterwards.
        ([(SHOP, "a"), (OTHER, "b"), (SHOP, "c")], (SHOP, "c")),
        ([(SHOP, "a"), (OTHER, "b"), (OTHER, "c"), (ANYBODY, "d")], (SHOP, "a")),
        ([(SHOP, "a"), (ADA, "b"), (SHOP, "c")], (ADA, "b")),
        ([(SHOP, "a"), (ADA, "b"), (OTHER, "c"), ("user:bo", "d")], ("user:bo", "d")),
        # One that came first as a correction, while the journal was away, is a truth as any other.
        ([(OTHER, "a"), (SHOP, "b")], (OTHER, "a")),
    ],
)
def test_chains_of_corrections(chain, counts):
    truths = [said(source, value, float(n)) for n, (source, value) in enumerate(chain)]
    for order in (truths, truths[::-1]):  # however they were shipped
        (counted,) = counting(order).values()
        assert (counted.source, counted.truth) == counts


@pytest.fixture
def give(tmp_path, journal, answer):
    spool = tmp_path / ".slipway/spool"
    writer = SpoolWriter(spool)
    writer.write([answer("a"), answer("b")])
    Shipper(spool, journal).ship()

    def keep(source, *given, journal=journal):
        items = [Given(*item) for item in given]
        outcomes = record_truths(journal, spool, writer, items, source=source, may_be_away=True)
        keep.ship()
        return outcomes

    keep.ship = lambda: Shipper(spool, journal).ship()
    return keep


def test_another_callers_correction_is_refused_and_said_to_be(give, journal):
    assert give(SHOP, ("a", "low")) == ["kept"]
    assert give(OTHER, ("a", "high", True)) == ["not theirs"]
    assert give(ANYBODY, ("a", "high", True)) == ["not theirs"]
    assert give(OTHER, ("a", "high")) == ["contradicts"]
    assert give(OTHER, ("a", "low", True)) == ["known"], "to confirm is no correction, and takes nothing over"
    assert [t.source for _, t in labelled(journal)] == [SHOP]
    assert give(SHOP, ("a", "high", True)) == ["corrected"]


def test_one_that_came_while_the_journal_was_away_counts_for_nothing(give, journal):
    class Away:
        def find(self, ids):
            raise OutsideError("the database is away")

    give(SHOP, ("a", "low"))
    assert give(OTHER, ("a", "high", True), journal=Away()) == ["unchecked"]
    assert [(t.source, t.truth) for _, t in labelled(journal)] == [(SHOP, "low")]
    assert give(SHOP, ("a", "medium", True)) == ["corrected"]
    assert [(t.source, t.truth) for _, t in labelled(journal)] == [(SHOP, "medium")]


def test_a_file_corrects_all_and_what_a_person_said_is_no_callers_afterwards(tmp_path, give, journal):
    give(SHOP, ("a", "low"), ("b", "low"))
    (tmp_path / "t.csv").write_text("id,truth\na,high\n")
    spool = tmp_path / ".slipway/spool"
    with pytest.raises(DataError, match="another truth is kept of it; --correct"):
        keep_file(journal, spool, tmp_path / "t.csv", ANY, source=ADA, is_correction=False)
    assert keep_file(journal, spool, tmp_path / "t.csv", ANY, source=ADA, is_correction=True).corrected == 1
    give.ship()
    assert give(SHOP, ("a", "low", True)) == ["not theirs"]
    (tmp_path / "t.csv").write_text("id,truth\na,low\n")
    with pytest.raises(DataError, match="of somebody else's"):
        keep_file(journal, spool, tmp_path / "t.csv", ANY, source="token:x", is_correction=True)
    assert {key: t.source for key, t in truths_of(journal, journal.last(9)).items()} == {"a": ADA, "b": SHOP}


def test_what_was_purged_can_not_be_labelled_again(tmp_path, give, storage):
    places = Places(storage.journal, storage.decisions, tmp_path / ".slipway/spool", ())
    give(SHOP, ("a", "low"))
    purge(places, ["a"], by="ada")
    assert give(OTHER, ("a", "high")) == ["unknown id"]
    assert labelled(storage.journal) == []


def test_a_correction_follows_what_it_corrects_though_the_clock_was_ahead_then(give, journal, monkeypatch):
    real = time.time
    with monkeypatch.context() as ahead:
        ahead.setattr(time, "time", lambda: real() + 365 * 86_400)
        give(SHOP, ("a", "low"))
        give(SHOP, ("b", "low"), ("b", "medium", True))
    assert give(SHOP, ("a", "high", True), ("b", "high", True)) == ["corrected", "corrected"]
    assert [t.truth for _, t in labelled(journal)] == ["high", "high"]


def test_labels_taken_over_before_this_was_refused_are_their_givers_again(tmp_path, journal):
    """As an earlier version left them in the journal: every truth of the shop's corrected by another token."""
    schema = Schema.infer(pl.DataFrame({"n": [1, 2]}), {"n": ("number",)})
    for n in range(150):
        journal.append([Prediction(f"{n}", float(n), 1, {"n": n}, "low")])
        journal.append([Truth(f"s{n}", f"{n}", 200.0, "low", SHOP), Truth(f"o{n}", f"{n}", 300.0, "high", OTHER, True)])
    found = gather(journal, schema, "y", tmp_path / "data/labelled/raw.parquet", max_share=0.5)
    assert [(share.source, share.learnt) for share in found.sources] == [(SHOP, 150)]


def test_a_token_made_anew_under_a_name_is_the_same_caller():
    labels = {SHOP: 900, OTHER: 200}  # by whichever secret
    assert {share.source: share.learnt for share in shares(labels, 0.5)} == {SHOP: 200, OTHER: 200}


def test_where_truths_decide_the_newest_of_a_caller_with_too_many_count():
    truths = {f"s{n}": Truth(f"t{n}", f"s{n}", float(n), "low", SHOP) for n in range(150)}
    truths |= {f"o{n}": Truth(f"u{n}", f"o{n}", float(n), "low", OTHER) for n in range(110)}
    kept = newest_within(truths, 0.5)
    assert len(kept) == 220
    assert "s39" not in kept
    assert "s40" in kept
    assert newest_within(dict([*truths.items()][:150]), 0.5) == dict([*truths.items()][:150])


def test_who_does_not_decide_alone():
    assert callers_beside_others([SHOP, SHOP]) == ()
    assert callers_beside_others([ADA]) == ()
    assert callers_beside_others([SHOP, ADA]) == (SHOP,)
    assert callers_beside_others([SHOP, OTHER, ANYBODY, "file"]) == (ANYBODY, OTHER, SHOP)
