"""Both readers of YAML, DVC's and PyYAML, read what is written as the value that was meant."""

import datetime
import math

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from slipway.project.yaml12 import load_yaml
from slipway.project.yaml_text import block_lines, flow_text, scalar_text

ODD = [
    "yes", "No", "ON", "y", "N", "null", "~", "NULL", "True", ".inf", "-.INF", ".NaN", "<<", "=", "0o17", "010", "0x1F",
    "0b1", "1_000", "1:30", "1:30.5", "1e5", ".5", "---", "...", "- a", "-a", "--x", "a: b", "a :b", "? a", "?", "-",
    ":a", "a #b", "a#b", "!x", "&a", "*a", "2024-01-01", "2024-01-01 10:00", "2024-1-1t1:00:00Z", "true ", " x", "\xa0",
    "a" * 150, "it's", '"', "[", "}", "a,b", "é: ", "C:\\x", "`x", "@x", "%x", "+", "._5", "0?",
]  # fmt: skip
CHARACTERS = "-+.:0123456789_eExobInfNa~=<>#'\"\\%@&*!|?,[]{} \t\nyYnosTrueFls\u00e9\u2028\x85\ufeff\U0001f600\x07\xa0"
texts = st.one_of(
    st.sampled_from(ODD),
    st.text(st.sampled_from(CHARACTERS), max_size=9),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    st.from_regex(r"[-+]?[0-9_.:]{1,6}(e[-+]?[0-9]{1,3})?", fullmatch=True),
)
scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), texts)
keys = st.one_of(texts, st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False))
values = st.recursive(
    scalars, lambda v: st.one_of(st.lists(v, max_size=3), st.dictionaries(keys, v, max_size=3)), max_leaves=6
)


def is_same(found, meant):
    if type(found) is not type(meant):
        return False
    if isinstance(meant, float):
        return str(found) == str(meant)  # -0.0 and nan, too
    if isinstance(meant, list):
        return len(found) == len(meant) and all(map(is_same, found, meant))
    if isinstance(meant, dict):
        pairs = zip(found.items(), meant.items(), strict=False)
        return len(found) == len(meant) and all(is_same([*a], [*b]) for a, b in pairs)
    return found == meant


def readings(text):
    from ruamel.yaml import YAML

    return [YAML(typ="safe", pure=True).load(text), yaml.safe_load(text), load_yaml(text)]


@settings(max_examples=250, deadline=None)
@given(st.dictionaries(keys, values, min_size=1, max_size=3))
def test_what_is_written_is_read_back_by_every_reader_equal_in_value_and_type(value):
    pytest.importorskip("ruamel.yaml")
    for text, meant in (("\n".join(block_lines(value)), value), (f"k: {flow_text(value)}", {"k": value})):
        for found in readings(text):
            assert is_same(found, meant), (text, found)


@pytest.mark.parametrize("text", ODD)
def test_a_text_stays_one_as_value_and_as_key(text):
    for found in readings(f"k: {scalar_text(text)}\n{scalar_text(text, is_key=True)}: 1\n"):
        assert list(found.items()) == [("k", text), (text, 1)]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (math.inf, ".inf"), (-math.inf, "-.inf"), (math.nan, ".nan"), (1e-7, "1.0e-07"), (1e22, "1.0e+22"),
        (-0.0, "-0.0"), (True, "true"), (10**30, "1" + "0" * 30), ("a b=1 --x", "a b=1 --x"), ("-v", "-v"),
        ("2.0", "'2.0'"), ("it's", "it's"), ("# it's", "'# it''s'"), ("a\nb", '"a\\nb"'), (None, "null"),
    ],
)  # fmt: skip
def test_a_scalar_is_written_as_plainly_as_dvc_writes_it(value, text):
    assert scalar_text(value) == text


def test_what_yaml_has_no_common_form_for_is_refused():
    with pytest.raises(TypeError, match="of date has no form in YAML that every reader reads alike"):
        flow_text({"a": [datetime.date(2024, 1, 1)]})
