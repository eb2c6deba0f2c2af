import hashlib
import math
from datetime import datetime, timedelta

import pytest

from slipway.errors import ProjectError
from slipway.serve.access.tokens import TokenBook, usable


@pytest.fixture
def book(flats):
    return TokenBook(flats.storage.tokens)


def test_a_token_is_told_once_and_its_digest_kept(book, flats):
    token = book.add("shop", ["read", "predict", "read"])
    assert token.startswith("slw_")
    assert len(token) > 40
    (kept,) = book.all()
    assert (kept.name, kept.scopes) == ("shop", ("predict", "read"))
    assert kept.sha256 == hashlib.sha256(token.encode()).hexdigest()
    flats.storage.close()
    kept_files = [path.read_bytes() for path in flats.settings.state.glob("state.db*")]
    assert kept_files
    assert not any(token.encode() in content for content in kept_files)


def test_no_two_are_alike(book):
    assert len({book.add(f"caller{n}", ["read"]) for n in range(20)}) == 20


@pytest.mark.parametrize(
    ("name", "scopes", "said"),
    [
        ("shop", [], "Say what `shop` may do: --scope predict"),
        ("shop", ["predikt"], "Did you mean `predict`"),
        ("", ["read"], "can't name a token"),
        ("two words", ["read"], "can't name a token"),
        ("x" * 65, ["read"], "can't name a token"),
        ("a\n", ["read"], "can't name a token"),
    ],
)
def test_what_is_no_token_is_refused(book, name, scopes, said):
    with pytest.raises(ProjectError, match=said):
        book.add(name, scopes)
    assert book.all() == []


def test_a_taken_name_and_an_unknown_one_are_told_with_the_remedy(book):
    book.add("shop", ["read"])
    with pytest.raises(ProjectError, match="slipway tokens revoke shop"):
        book.add("shop", ["read"])
    with pytest.raises(ProjectError, match="Did you mean `shop`"):
        book.revoke("shpo")
    book.revoke("shop")
    assert book.all() == []


def test_a_token_can_expire(book):
    book.add("shop", ["read"], days=90)
    book.add("ever", ["read"])
    by_name = {token.name: token for token in book.all()}
    lasts = datetime.fromisoformat(by_name["shop"].expires_at) - datetime.fromisoformat(by_name["shop"].made_at)
    assert lasts == timedelta(days=90)
    assert by_name["ever"].expires_at is None
    assert {token.name for token in usable(book.all())} == {"shop", "ever"}


@pytest.mark.parametrize("days", [0, -1, math.nan, math.inf, 1e9])
def test_days_that_are_no_time_ahead_are_refused(book, days):
    with pytest.raises(ProjectError, match="expected a number above 0"):
        book.add("shop", ["read"], days=days)
    assert book.all() == []
