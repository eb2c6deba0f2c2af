from slipway.records import Token


def token(name, sha256="0" * 64, scopes=("predict", "read")):
    return Token(name, sha256, scopes, "2026-01-02T03:04:05+00:00")


def test_there_is_none_at_first(storage):
    assert storage.tokens.all() == []


def test_what_is_kept_comes_back_by_name_also_elsewhere(storage, open_backend):
    shop, ana = token("shop", "a" * 64), token("ana", "b" * 64, ("operate",))
    assert storage.tokens.add(shop)
    assert storage.tokens.add(ana)
    assert open_backend().tokens.all() == [ana, shop]


def test_a_name_is_taken_once(storage):
    storage.tokens.add(token("shop", "a" * 64))
    assert not storage.tokens.add(token("shop", "b" * 64))
    assert [kept.sha256 for kept in storage.tokens.all()] == ["a" * 64]


def test_what_is_removed_is_gone_everywhere_and_its_name_is_free(storage, open_backend):
    storage.tokens.add(token("shop", "a" * 64))
    other = open_backend()
    assert other.tokens.remove("shop")
    assert storage.tokens.all() == []
    assert not storage.tokens.remove("shop")
    assert storage.tokens.add(token("shop", "c" * 64))
