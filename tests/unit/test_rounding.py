import pytest

from slipway.rounding import rounded


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (11288.4, "11,288"), (9171.0, "9,171"), (0.841262, "0.8413"), (1e-5, "1e-05"), (0.000021234, "2.1e-05"),
        (-1234567.8, "-1,234,568"), (-0.0, "0"), (0.5, "0.5"), (999.94, "999.9"), (0.0012346, "0.001235"), (1e9,
        "1,000,000,000"), (float("inf"), "inf"),
    ],
)  # fmt: skip
def test_a_figure_is_rounded_for_a_person(value, text):
    assert rounded(value) == text
