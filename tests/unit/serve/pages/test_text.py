import re
from html import unescape

import pytest

from slipway.serve.pages.text import breakable, rounded


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


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("GrossSquareMeters", ["Gross", "Square", "Meters"]),
        ("number_of_rooms", ["number_", "of_", "rooms"]),
        ("data/raw/a.csv", ["data/", "raw/", "a.", "csv"]),
        ("0.8413 at 2024-01-01", ["0.8413 at 2024-01-01"]),
        ("<b>&_x", ["<b>&_", "x"]),
        ("price", ["price"]),
    ],
)
def test_a_name_may_break_where_its_words_meet_and_its_text_stays(name, parts):
    made = breakable(name)
    assert [unescape(part) for part in made.split("<wbr>")] == parts
    assert not re.search(r"<(?!wbr>)", made)
