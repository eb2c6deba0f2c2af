from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from slipway.records import LedgerEntry
from slipway.release.ledger import record, verify

ENTRY = LedgerEntry(1, "2026-01-01T00:00:00", "candidate", 3, None, "b" * 64, None, "ana", "why ü", "0" * 64, "h" * 64)


def test_an_empty_ledger_has_no_head(storage):
    assert storage.ledger.head() is None
    assert storage.ledger.entries() == []


def test_entries_come_back_as_they_were_by_sequence_number(storage):
    second = replace(ENTRY, seq=2, action="released", previous=1, gate="g" * 64)
    assert storage.ledger.append(second)
    assert storage.ledger.append(ENTRY)
    assert storage.ledger.entries() == [ENTRY, second]
    assert storage.ledger.head() == second


def test_a_sequence_number_is_taken_once(storage):
    assert storage.ledger.append(ENTRY)
    assert not storage.ledger.append(replace(ENTRY, version=4))
    assert storage.ledger.entries() == [ENTRY]


def test_of_many_who_append_the_same_number_one_does(open_backend):
    ledgers = [open_backend().ledger for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        for seq in range(1, 11):
            taken = list(pool.map(lambda ledger, seq=seq: ledger.append(replace(ENTRY, seq=seq)), ledgers))
            assert taken.count(True) == 1
    assert [entry.seq for entry in ledgers[0].entries()] == list(range(1, 11))


def test_entries_recorded_at_once_make_one_chain(open_backend):
    ledgers = [open_backend().ledger for _ in range(4)]

    def candidates(worker):
        for i in range(5):
            record(ledgers[worker], "candidate", 100 * worker + i, bundle="b", by="ana", why="")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(candidates, range(4)))
    entries = ledgers[0].entries()
    assert len(entries) == 20
    assert verify(entries).ok
