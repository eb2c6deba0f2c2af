"""Parameters that a command looks up itself, as the real DVC compares them."""

import pytest

from adopted import Adopted
from slipway.errors import ProjectError

TRAINED = """\
  trained:
    cmd: "echo made > trained.txt"
    params: [p]
    outs: [trained.txt]
"""


@pytest.fixture
def made(tmp_path):
    return Adopted(tmp_path / "p", TRAINED)


@pytest.mark.parametrize(
    "value",
    [
        ".inf", "-.inf", "1e-7", '".5"', "'1e5'", "'yes'", "no", "1:30", "'2024-01-01'", "~", "0x1F", "1_000", "'<<'",
        "{0: 0.1, 1: .9}", "{true: a, null: b}", "[1, [.nan, {x: '010'}]]", "'a: #'", '"a\\nb\\u2028"', "'='", "010",
    ],
)  # fmt: skip
def test_after_a_run_dvc_and_the_next_run_have_nothing_to_do(made, value):
    made.write({"params.yaml": f"p: {value}\n"})
    made.run()
    if "null" not in value:  # keys that can't be sorted: DVC's own reading of the stage fails
        assert made.status() == {}
    assert made.run()["trained"] == "unchanged"


@pytest.mark.parametrize(
    ("old", "new", "is_change"),
    [("1", "1.0", False), ("1", "true", False), ("0.001", "1e-3", False), ("[1, .nan]", "[1.0, .nan]", False),
     (".nan", ".nan", True), ("1", "'1'", True), ("yes", "true", True), (".inf", "-.inf", True)],
)  # fmt: skip
def test_what_is_no_change_to_dvc_is_none_here(made, old, new, is_change):
    made.write({"params.yaml": f"p: {old}\n"})
    made.run()
    made.write({"params.yaml": f"p: {new}\n"})
    assert (made.status() != {}) == is_change
    assert made.run()["trained"] == ("ran" if is_change else "unchanged")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("2024-01-01", r"params\.yaml: p is a date \(2024-01-01\).*put it in quotes"),
        ("{a: [2024-01-01T10:00:00Z]}", r"params\.yaml: p\.a is a date"),
        ("!!binary aGk=", "is of type bytes"),
        ("1\np: 2", "found the key 'p' twice"),
    ],
)
def test_what_dvc_ends_at_is_refused_with_file_and_key(made, value, said):
    made.write({"params.yaml": f"p: {value}\n"})
    with pytest.raises(ProjectError, match=said):
        made.run()
