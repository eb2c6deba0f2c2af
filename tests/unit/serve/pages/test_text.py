import re
from html import unescape

import pytest

from slipway.serve.pages.text import breakable


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
