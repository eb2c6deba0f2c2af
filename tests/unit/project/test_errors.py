import pytest

from slipway import errors
from slipway.errors import SlipwayError, near_miss


def test_a_near_miss_is_suggested_and_else_what_is_known():
    assert near_miss("modle", ["model", "metrics"]) == " Did you mean `model`?"
    assert near_miss("zebra", ["model", "metrics"]) == " Known here: metrics, model."
    assert near_miss("zebra", []) == ""


def test_upper_and_lower_case_are_a_near_miss():
    assert near_miss("X", ["x", "y"]) == " Did you mean `x`?"
    assert near_miss("grossarea", ["GrossArea", "NetArea"]) == " Did you mean `GrossArea`?"


def test_of_many_names_some_are_listed():
    said = near_miss("zebra", [f"{i:03}" for i in range(500)])
    assert said.endswith("017, 018, 019 and 480 more.")


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("CheckRefused", 1),
        ("ProjectError", 2),
        ("DataError", 2),
        ("StageError", 2),
        ("BundleError", 2),
        ("OutsideError", 3),
        ("BusyError", 4),
        ("SlipwayError", 70),
    ],
)
def test_each_kind_of_error_has_the_exit_code_of_the_contract(name, code):
    kind = getattr(errors, name)
    assert issubclass(kind, SlipwayError)
    assert kind("said").exit_code == code
