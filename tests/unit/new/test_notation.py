import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slipway.new.code import pipeline_text
from slipway.new.columns import judge
from slipway.new.notation import Notation, quantity

POINT, COMMA, THOUSANDS = Notation(), Notation(","), Notation(".", ",")


def found(texts, *, has_semicolons=False):
    return quantity(pl.Series("c", texts), has_semicolons=has_semicolons)


@pytest.mark.parametrize(
    ("texts", "notation", "value"),
    [
        ([f"{50 + i} m2" for i in range(20)], POINT, 50.0),
        ([f"{i}.5 °C" for i in range(-10, 10)], POINT, -10.5),
        ([f".{i} g" for i in range(11, 30)], POINT, 0.11),
        ([f"{i},{i % 10} kg" for i in range(20)], COMMA, 0.0),
        ([f"$1,{i:03}" for i in range(20)], Notation(".", ",", is_guess=True), 1_000.0),
        ([f"1,{i:03},000" for i in range(20)], THOUSANDS, 1_000_000.0),
        ([f"{i},234.5 USD" for i in range(1, 20)], THOUSANDS, 1_234.5),
        ([f"1.{i:03},{i:02} €" for i in range(20)], Notation(",", "."), 1_000.0),
        ([f"{i} TL" for i in range(100, 120)] + ["1.350 TL", "2.648 TL", "12.500 TL"], Notation(",", "."), 1_350.0),
        ([f"1 {i:03},50 €" for i in range(20)], Notation(",", " "), 1_000.5),
        ([f"1\u202f{i:03} kr" for i in range(20)], Notation(".", " "), 1_000.0),
        ([f"1{i}.350 kg" for i in range(10, 30)], POINT, 110.35),  # all with three decimals: no thousands
    ],
)
def test_what_the_signs_mean_is_told_from_all_values_together(texts, notation, value):
    number = found(texts)
    assert number.notation == notation
    assert number.value == value


def test_a_comma_before_three_digits_each_time_is_as_the_file_separates():
    texts = [f"{i},{i:03}" for i in range(10, 30)]
    assert found(texts, has_semicolons=True).notation == Notation(",", is_guess=True)
    assert found(texts).notation == Notation(".", ",", is_guess=True)


def test_whole_numbers_in_a_file_with_decimal_commas_may_get_one():
    assert found([f"{50 + i} m2" for i in range(20)], has_semicolons=True).notation == COMMA


@pytest.mark.parametrize(
    "texts",
    [
        [f"{i},5" for i in range(20)] + ["1.5"],  # either sign is decimal: nobody knows
        [f"{i}-{i + 5}" for i in range(20)],
        [f"{i:03}" for i in range(20)],
        [f"A{i}" for i in range(20)],
        [f"{i % 60} {'kg' if i % 2 else 'lb'}" for i in range(40)],
        ["5 m2", "6 m2"],
    ],
)
def test_what_is_no_number_in_one_notation_stays_text(texts):
    assert found(texts) is None


PLAIN = [f"{i}.5" for i in range(100, 300)]
DOLLARS = [f"${i}.50" for i in range(100, 300)]
MILLIONS = [f"{i}.5M" for i in range(100, 300)]
SHARES = [f"{i}%" for i in range(100, 300)]
KILOS = [f"{i} kg" for i in range(100, 300)]


@pytest.mark.parametrize(
    ("texts", "odd"),
    [
        # Signs, as accountants, spreadsheets and typesetters write them.
        (PLAIN, {"(120.50)": -120.5, "−3.5": -3.5, "–4": -4, "+5": 5, "7.5-": -7.5, " - 8 ": -8, "1e-3": 0.001}),
        (DOLLARS, {"-$6": -6, "$-7": -7, "($8.25)": -8.25, "$ (9)": -9, "10 $": 10, "11": 11, "($1.5": None}),
        ([f"({i})" for i in range(100, 300)], {"5": 5, "(6)": -6}),
        (PLAIN, {"--5": None, "(-5)": None, "(5)-": None, "-5-": None, "5)": None}),
        # Bounds, ranges, fractions, clock times, factors, and what only begins like a number.
        (PLAIN, {"<5": None, "> 6": None, "~7": None, "≥ 8": None, "5+": None, "±3": None}),
        (PLAIN, {"3-5": None, "3–5": None, "1/2": None, "½": None, "1½": None, "5:30": None, "3 1/2": None}),
        (PLAIN, {"5x": None, "2×3": None, "12-.": None, "nan": None, "80%": None, "٣": None, "5 or 6": None}),
        # Another currency, another unit, and the same one written otherwise.
        (DOLLARS, {"€5": None, "US$5": None, "5 EUR": None, "$5 EUR": None, "CHF 7": None}),
        ([f"EUR {i}" for i in range(100, 300)], {"5 EUR": 5, "USD 5": None, "€ 5": None, "-EUR 6": -6, "7": 7}),
        (KILOS, {"300 g": None, "5 KG": 5, "6": 6, "7kg": 7, "5-6 kg": None, "< 5 kg": None, "8 kg!": None}),
        ([f"{i} m2" for i in range(100, 300)], {"5 m²": 5, "6 m3": None, "7m2": 7}),
        ([f"{i} l/100km" for i in range(100, 300)], {"5 l": None, "6": 6}),
        # Parts and multiples; a number without its own is read where it can be one thing alone.
        (MILLIONS, {"300k": 0.3, "250 K": 0.25, "1.5B": 1500, "2bn": 2000, "45": 45e-6}),
        (MILLIONS, {"45": None, "$5M": None, "5M+": None}),
        ([f"€{i}M" for i in range(100, 300)], {"€900K": 0.9, "€0": 0, "$5M": None, "(€7M)": -7}),
        (PLAIN, {"1.2k": 1200, "3M": 3e6, "2 Mio": 2e6}),
        (PLAIN, {"300 K": None}),  # kelvin as likely as thousands
        ([f"{i} Lac" for i in range(100, 300)], {"1.5 Cr": 150, "80.5 lakh": 80.5}),
        ([f"{i} k€" for i in range(100, 300)], {"2 M€": 2000, "3 k$": None}),
        (SHARES, {"5‰": 0.5, "50 bp": 0.5, "25 bps": 0.25, "7 percent": 7, "0.3": None, "<1%": None, "2 pp": None}),
        # Thousands between apostrophes, narrow spaces, and in India.
        ([f"1'{i}.5" for i in range(100, 300)], {"2’000": 2000, "3'00": None, "1'234'567": 1234567}),
        ([f"1 {i},5" for i in range(100, 300)], {"2\u2009000": 2000, "3\u202f000,5": 3000.5, "12 34": None}),
        ([f"₹1,{i},000" for i in range(100, 300)], {"₹1,23,45,678": 12345678, "₹1-23": None}),
    ],
)  # fmt: skip
def test_odd_ones_keep_sign_and_unit_or_are_null_and_said_to_be(texts, odd):
    number = found([*texts, *odd])
    assert number.read(pl.Series(list(odd))).to_list() == pytest.approx(list(odd.values()), nan_ok=False)
    assert number.read(pl.Series(texts)).null_count() == 0
    nothing = sorted(text for text, value in odd.items() if value is None)
    assert (number.nulls, number.others) == (len(nothing), tuple(nothing[:3]))
    for text, value in number.odd:
        assert number.read(pl.Series([text]))[0] == value


def test_what_is_said_of_a_column_is_what_its_code_does():
    said = found([*MILLIONS, "(5.5M)", "300k", "1.5B", "soon"])
    assert said.odd == (("(5.5M)", -5.5), ("1.5B", 1500.0), ("300k", 0.3))
    assert (said.nulls, said.others, said.takes_numbers) == (1, ("soon",), True)
    assert not found([*MILLIONS, "soon"]).takes_numbers  # a bare 5 could be five, or five million
    assert not found([*SHARES, "soon"]).takes_numbers
    assert found([*DOLLARS, "soon"]).takes_numbers


around = st.text(st.sampled_from("[]{}()\\/\"'&|^$.*+?~#@!<>=:;,-_%²½€ \n\0kMBgm"), max_size=4)


@settings(max_examples=80, deadline=None)
@given(around, around, st.lists(st.text(st.sampled_from("([{$€-+−<~0123456789.,%kM \\\"'"), max_size=6), max_size=5))
def test_whatever_stands_around_a_number_the_written_code_does_what_is_said(before, after, odd):
    column = pl.Series([*(f"{before}{i}.5{after}" for i in range(100, 130)), *odd])
    number = quantity(column, has_semicolons=False)
    if number is None:
        return
    read = number.read(column)
    assert read.null_count() == number.nulls
    assert all(number.read(pl.Series([text]))[0] == value for text, value in number.odd)
    assert not set(column.filter(read.is_null()).str.slice(0, 40)).isdisjoint(number.others) or not number.nulls


@pytest.mark.parametrize(
    "texts",
    [
        [f"{i}-30" for i in range(100, 300)],
        [f"{i}/30" for i in range(100, 300)],
        [f"{i}:30" for i in range(100, 300)],
        [f"{i}x30" for i in range(100, 300)],
        [f"{i}h30m" for i in range(100, 300)],
        [f"{i}½" for i in range(100, 300)],
        [f"AB {i}" for i in range(100, 300)],
    ],
)
def test_two_numbers_in_a_text_are_no_number_with_a_unit(texts):
    assert found(texts) is None


@pytest.mark.parametrize(
    ("texts", "requests"),
    [
        ([f"{i},{i % 10} kg" for i in range(300)], {"12,5 kg": 12.5, "12,5": 12.5, "12.5": 12.5, "7": 7.0, "-": None}),
        ([f"{50 + i % 90} m2" for i in range(300)], {"82.5": 82.5, "82,5 m2": None, "80-90": None, "m2": None}),
        ([f"1.{i:03},{i % 10} €" for i in range(300)], {"1.234,5": 1234.5, "1.234": 1234.0, "1.234.567 €": 1234567.0}),
        ([f"$1,{i:03}.5" for i in range(300)], {"$1,234.5": 1234.5, "1234.5": 1234.5, "$12,345,678": 12345678.0}),
        ([f"1 {i:03},5" for i in range(300)], {"1\u00a0234,5": 1234.5, "1 234 567": 1234567.0}),
        # A number itself has a point; a text with its unit is in the file's notation alone.
        ([f"{i},{i % 10} kg" for i in range(300)], {"1.234": 1.234, "1.234 kg": None, "2.5e-07": 2.5e-07}),
        ([f"1.{i:03},{i % 10} €" for i in range(300)], {"12.5": None, "12,5": 12.5}),
        ([f"$1,{i:03}.5" for i in range(300)], {"1,5": None, "$12,34": None, "12,345.": 12345.0, "": None}),
        ([f"{i}%" for i in range(300)], {"50": None, "-5": None, "-5%": -5.0}),
    ],
)
def test_the_written_code_reads_a_request_as_it_read_the_file(texts, requests):
    table = pl.DataFrame({"c": texts, "x": range(300), "y": ["a", "b", "b"] * 100})
    judged = judge(table.with_columns(pl.col("x") % 7), "y")
    namespace = {"__name__": "pipeline"}
    exec(pipeline_text(judged, leaf=5, seed=7), namespace)
    asked = pl.DataFrame({"c": list(requests), "x": [1] * len(requests)})
    assert namespace["features"](asked)["c"].to_list() == list(requests.values())
    quantity = judged.of("quantity")[0].quantity
    learnt = namespace["features"](table.drop("y"))["c"]
    assert learnt.null_count() == 0
    assert learnt[texts.index(next(t for t in texts if t.strip() == quantity.example))] == quantity.value


def test_a_credit_of_an_account_is_no_crore():
    texts = [f"${i}{'.5' * (i % 2)}" for i in range(1, 40)]
    found = quantity(pl.Series("c", [*texts, "$1,200.00 CR"]), has_semicolons=False)
    assert found.read(pl.Series(["$1,200.00 CR", "$7.5"])).to_list() == [None, 7.5]
    found = quantity(pl.Series("c", [f"{i} Cr" for i in range(1, 40)] + ["5 lakh"]), has_semicolons=False)
    assert found.read(pl.Series(["5 lakh", "3 Cr"])).to_list() == [0.05, 3.0]


@pytest.mark.parametrize(("usual", "other"), [("${}/kg", "$5"), ("{} km", "5"), ("€ {} p.a.", "€ 5"), ("£{}", "5")])
def test_a_number_with_a_part_of_the_unit_alone_is_said(usual, other):
    texts = [usual.format(f"{i}.25") for i in range(1, 60)]
    assert quantity(pl.Series("c", [*texts, other]), has_semicolons=False).odd == ((other, 5.0),)
    assert quantity(pl.Series("c", texts), has_semicolons=False).odd == ()
