from dataclasses import replace

from slipway.records import Waiting

ONE = Waiting("a" * 64, "2026-01-01T00:00:00", "ana", {"model.seed": 7, "x": None}, {"accuracy": 0.9}, {"git": "ü"})


def test_nothing_is_pending_at_first(storage):
    assert storage.pending.all() == []


def test_what_waits_comes_back_as_it_was_in_the_order_it_came_also_elsewhere(storage, open_backend):
    other = replace(ONE, bundle="0" * 64)
    assert storage.pending.add(ONE)
    assert storage.pending.add(other)
    assert open_backend().pending.all() == [ONE, other]


def test_a_bundle_waits_once(storage):
    assert storage.pending.add(ONE)
    assert not storage.pending.add(replace(ONE, by="bo"))
    assert storage.pending.all() == [ONE]


def test_what_has_its_version_waits_no_more(storage):
    storage.pending.add(ONE)
    assert storage.pending.remove(ONE.bundle)
    assert not storage.pending.remove(ONE.bundle)
    assert storage.pending.all() == []
    assert storage.pending.add(ONE)
