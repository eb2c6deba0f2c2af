import math

import pytest

from slipway.serve.feedback import as_label

NUMBERS = (int, float)


@pytest.mark.parametrize(
    ("truth", "wanted", "label"),
    [
        (1, (float,), 1.0),  # JavaScript writes 1.0 as 1
        (1.0, (int,), 1),
        (1, NUMBERS, 1),
        (2.5, NUMBERS, 2.5),
        (10**30, NUMBERS, 1e30),
        ("001", (str,), "001"),
        (True, (bool,), True),
    ],
)
def test_a_truth_has_the_type_of_the_labels(truth, wanted, label):
    found = as_label(truth, wanted)
    assert (found, type(found)) == (label, type(label))


@pytest.mark.parametrize(
    ("truth", "wanted"),
    [
        (1.5, (int,)),
        (True, (int,)),
        (True, (float,)),
        (1, (bool,)),
        (1, (str,)),
        ("1", NUMBERS),
        (2**63, (int,)),
        (2.0**63, (int,)),
        (10**309, NUMBERS),
        (math.inf, NUMBERS),
        (math.nan, (float,)),
    ],
)
def test_what_is_no_label_is_none(truth, wanted):
    assert as_label(truth, wanted) is None
