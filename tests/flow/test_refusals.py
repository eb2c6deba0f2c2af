"""What the command line refuses before it looks for a project: word and exit code."""

import pytest


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("monitor", "--hours", "-1"), "--hours -1: expected a number above 0."),
        (("monitor", "--hours", "nan"), "--hours nan: expected a number above 0."),
        (("new", "mine", "--example", "linear", "--target", "y"), "--target goes with --from FILE"),
        (("loop", "--every", "0s"), "--every 0s: expected a number"),
    ],
)
def test_an_option_that_makes_no_sense_is_named(slipway, arguments, said):
    assert slipway(*arguments, code=2) == ""
    assert said in slipway.said
    assert list(slipway.folder.iterdir()) == []
