import asyncio
import time

import pytest

from slipway.journal import SpoolWriter, read_spool
from slipway.serve.batch import MAX_REQUESTS, Batcher
from slipway.serve.http.refusal import Refusal
from slipway.serve.live.version import LiveVersion
from slipway.serve.personal import Personal


@pytest.fixture
def batcher(flats):
    made = Batcher(SpoolWriter(flats.settings.spool), Personal(flats.project.api))
    yield made
    made.close()


@pytest.fixture
def release(flats):
    following = LiveVersion(flats.storage.ledger, flats.store, flats.settings.state / "live.json")

    def make(version):
        flats.release(version)
        following.look()
        return following.state.live

    return make


def counting(live, monkeypatch):
    """The heights of the tables that are scored from now on."""
    heights = []
    score = type(live.scorer).score
    monkeypatch.setattr(
        type(live.scorer), "score", lambda self, table: heights.append(table.height) or score(self, table)
    )
    return heights


def ask(batcher, *requests):
    async def all_of_them():
        answers = (batcher.answer(live, rows, time.perf_counter()) for live, rows in requests)
        return await asyncio.gather(*answers, return_exceptions=True)

    return asyncio.run(all_of_them())


def test_what_is_ready_at_once_shares_one_predict_and_everyone_gets_their_own(batcher, release, flats, monkeypatch):
    live = release(1)
    heights = counting(live, monkeypatch)
    requests = [(live, [{**flats.row, "area": f"{50 + 100 * (n % 2)} m2"}] * (n % 3 + 1)) for n in range(30)]
    answers = ask(batcher, *requests)
    assert heights == [60]
    for n, answer in enumerate(answers):
        assert [p.prediction for p in answer] == [("cheap1", "dear1")[n % 2]] * (n % 3 + 1)
    assert [r.id for r in read_spool(flats.settings.spool)] == [p.id for answer in answers for p in answer]


def test_versions_are_not_mixed(batcher, release, flats):
    one, two = release(1), release(2)
    answers = ask(batcher, *[((one, two)[n % 2], [flats.row]) for n in range(10)])
    assert [a[0].prediction for a in answers] == ["cheap1", "cheap2"] * 5
    assert [a[0].version for a in answers] == [1, 2] * 5


def test_a_row_that_cannot_be_scored_costs_its_neighbours_nothing(batcher, release, flats):
    live = release(1)
    nowhere = {**flats.row, "street": "nowhere"}
    good, bad, other = ask(batcher, (live, [flats.row]), (live, [nowhere]), (live, [flats.row]))
    assert good[0].error is None
    assert "no street" in bad[0].error
    assert bad[0].prediction is None
    assert other[0].prediction == "cheap1"


def test_a_request_whose_table_cannot_be_made_fails_alone(batcher, release, flats):
    live = release(1)
    good, bad, other = ask(batcher, (live, [flats.row]), (live, [{"unchecked": 1}]), (live, [flats.row]))
    assert good[0].prediction == other[0].prediction == "cheap1"
    assert isinstance(bad, Exception)
    assert len(read_spool(flats.settings.spool)) == 2


def test_more_than_can_wait_is_refused_at_once(batcher, release, flats):
    live = release(1)
    answers = ask(batcher, *[(live, [flats.row])] * (MAX_REQUESTS + 50))
    refused = [a for a in answers if isinstance(a, Refusal)]
    assert len(refused) == 50
    assert {r.status for r in refused} == {503}
    assert len(read_spool(flats.settings.spool)) == MAX_REQUESTS


def test_a_request_larger_than_a_batch_is_scored_by_itself(batcher, release, flats, monkeypatch):
    live = release(1)
    heights = counting(live, monkeypatch)
    ask(batcher, (live, [flats.row]), (live, [flats.row] * 5_000), (live, [flats.row]))
    assert heights == [2, 5_000]


def test_few_rows_and_many_take_turns(batcher, release, flats, monkeypatch):
    live = release(1)
    heights = counting(live, monkeypatch)

    async def one_after_the_other():
        def asked(count):
            return asyncio.ensure_future(batcher.answer(live, [flats.row] * count, time.perf_counter()))

        large = [asked(700) for _ in range(5)]
        first = asked(1)
        await first
        late = asked(1)
        await late
        assert sum(each.done() for each in large) <= 2  # it did not wait for all that had come before it
        return [len(answer) for answer in await asyncio.gather(*large)]

    assert asyncio.run(one_after_the_other()) == [700] * 5
    assert sorted(heights) == [1, 1] + [700] * 5
