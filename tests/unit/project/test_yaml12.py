import pytest
import yaml

from slipway.project.yaml12 import load_yaml


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001), ("1e5", 100000.0), ("yes", "yes"), ("off", "off"), ("true", True), ("010", 10),
        ("0x1F", 31), ("0o17", 15), ("1:30", "1:30"), ("-5", -5), ('"1"', "1"), (".5", 0.5), ("~", None),
    ],
)  # fmt: skip
def test_values_are_what_dvc_reads(text, value):
    found = load_yaml(f"a: {text}")["a"]
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\nb: 2\na: 3\n", "found the key 'a' twice"),
        ("a: {x: 1, x: 1}", "found the key 'x' twice"),
        ("a: 2024-13-01", "month must be in 1"),
        ("a: -_", "'-_' is no value"),
        ("a: " + "[" * 3000, "nested too deeply"),
    ],
)
def test_what_dvc_refuses_is_refused_with_its_place(text, said):
    with pytest.raises(yaml.YAMLError, match=said):
        load_yaml(text)


def test_what_a_merge_brings_along_may_be_written_over():
    assert load_yaml("base: &b {x: 1, y: 2}\na:\n  <<: *b\n  x: 3\n")["a"] == {"x": 3, "y": 2}
