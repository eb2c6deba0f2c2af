import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.serve.http.json_body import MAX_DEPTH, is_deeper, read_json
from slipway.serve.http.refusal import Refusal

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=30,
)


def depth(value):
    """By recursion, as the limit is meant."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(depth, inner), default=0)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"   ",
        b"{",
        b"{} x",
        b"NaN",
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": 1e999}',
        b"\xff\xfe",
        b'"\xff"',
        b'"\\ud800"',
        b"[" * 200_000,
        b'{"a":' * 100_000,
        b"1" * 5_000,
        "'single'".encode("utf-16"),
    ],
)
def test_what_is_not_json_is_refused_with_400(body):
    with pytest.raises(Refusal) as refusal:
        read_json(body)
    assert refusal.value.status == 400
    assert str(refusal.value.detail).startswith("The body is")


@given(values)
def test_depth_is_counted_over_lists_and_objects_alike(value):
    found = depth(value)
    assert not is_deeper(value, found)
    assert found == 0 or is_deeper(value, found - 1)


NESTS = {
    "a list": lambda n: b"[" * n + b"]" * n,
    "an object": lambda n: b'{"a":' * n + b"1" + b"}" * n,
    "both in turn": lambda n: b'[{"a":' * (n // 2) + (b"[]" if n % 2 else b"1") + b"}]" * (n // 2),
    "beside much else": lambda n: b"[" + b"{}," * 1_000 + b"[" * (n - 1) + b"]" * (n - 1) + b"]",
    "in the first of many columns": lambda n: b'{"a":' + b"[" * (n - 1) + b"]" * (n - 1) + b',"b":[1,2]' * 40 + b"}",
    "among brackets in texts": lambda n: b'["' + b"[{" * 500 + b'",' + b"[" * (n - 1) + b"]" * (n - 1) + b"]",
}


@pytest.mark.parametrize("nest", NESTS.values(), ids=NESTS)
def test_a_body_may_be_as_deep_as_the_limit_and_no_deeper(nest):
    assert read_json(nest(MAX_DEPTH)) == json.loads(nest(MAX_DEPTH))
    for deeper in (MAX_DEPTH + 1, 100, 900, 985, 5_000):
        with pytest.raises(Refusal, match=f"nested too deeply: .* {MAX_DEPTH} deep") as refusal:
            read_json(nest(deeper))
        assert refusal.value.status == 400


def test_brackets_in_texts_are_no_depth():
    body = json.dumps(["[" * 1_000, {"{" * 1_000: "]"}]).encode()
    assert read_json(body) == json.loads(body)
