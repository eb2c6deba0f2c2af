import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.journal.shares import FEW, callers_beside_others, in_words, shares

sources = st.sampled_from(["token:a", "token:b", "token:c", "user:ada", "api", "file"])


def learnt(labels, limit):
    return {share.source: share.learnt for share in shares(labels, limit)}


@pytest.mark.parametrize("source", ["token:shop", "user:ada", "api"])
def test_one_source_alone_gives_all_labels(source):
    assert learnt({source: 5_000}, 0.5) == {source: 5_000}


def test_of_two_tokens_the_greater_may_give_as_many_as_the_other():
    assert learnt({"token:a": 5_000, "token:b": 1_000}, 0.5) == {"token:a": 1_000, "token:b": 1_000}
    # 0.8 of the whole: four times the other's
    assert learnt({"token:a": 5_000, "token:b": 1_000}, 0.8) == {"token:a": 4_000, "token:b": 1_000}


def test_who_is_at_this_machine_is_not_held_to_it_and_counts():
    assert learnt({"token:a": 5_000, "user:ada": 2_000}, 0.5) == {"token:a": 2_000, "user:ada": 2_000}
    assert learnt({"token:a": 10, "user:ada": 90_000}, 0.5) == {"token:a": 10, "user:ada": 90_000}
    assert learnt({"api": 4_000, "file": 3}, 0.5) == {"api": 4_000, "file": 3}


def test_a_caller_without_a_name_is_held_to_it_beside_tokens():
    assert learnt({"api": 5_000, "token:a": 200}, 0.5) == {"api": 200, "token:a": 200}
    assert learnt({"api": 5_000, "user:ada": 200}, 0.5) == {"api": 5_000, "user:ada": 200}


@pytest.mark.parametrize("unnamed", ["", "token", "import", "apis"])
def test_a_source_that_does_not_say_who_it_is_is_a_caller_like_any(unnamed):
    assert learnt({unnamed: 5_000, "user:ada": 200}, 0.5) == {unnamed: 200, "user:ada": 200}
    assert learnt({unnamed: 5_000, "api": 200}, 0.5) == {unnamed: 200, "api": 200}
    assert callers_beside_others([unnamed, "user:ada", "file"]) == (unnamed,)
    assert callers_beside_others([unnamed]) == ()


def test_a_few_labels_of_another_do_not_silence_a_caller():
    assert learnt({"token:a": 1_000, "token:b": 3}, 0.5) == {"token:a": FEW, "token:b": 3}


def test_without_a_limit_all_are_learnt_from():
    assert learnt({"token:a": 1_000, "token:b": 3}, 1.0) == {"token:a": 1_000, "token:b": 3}


def test_no_labels_are_no_shares():
    assert shares({}, 0.5) == ()


@given(st.dictionaries(sources, st.integers(1, 5_000), min_size=1), st.floats(0.05, 1.0))
def test_no_token_has_more_than_its_share_beyond_the_few(labels, limit):
    found = shares(labels, limit)
    whole = sum(share.learnt for share in found)
    for share in found:
        assert 0 < share.learnt <= share.labels
        if share.left_out:
            assert share.source.startswith("token:") or (share.source == "api" and "token" in str(labels))
            assert share.learnt <= max(FEW, max(limit, 1 / len(labels)) * whole)
            # and no less than it may have
            assert share.learnt + 1 > max(FEW, int(max(limit, 1 / len(labels)) * whole))


def test_in_words_the_greatest_comes_first():
    found = shares({"user:ada": 300, "token:shop": 1_200}, 0.5)
    assert in_words(found) == "token:shop 300 (of 1,200), user:ada 300"
    assert found[0].to_json() == {"source": "token:shop", "labels": 1200, "learnt": 300, "left_out": 900}
