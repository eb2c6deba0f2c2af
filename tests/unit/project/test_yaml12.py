import pytest

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
