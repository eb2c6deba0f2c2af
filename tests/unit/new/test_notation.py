import polars as pl
import pytest

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
    assert notation.value(number.example) == value


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


@pytest.mark.parametrize(
    ("texts", "requests"),
    [
        ([f"{i},{i % 10} kg" for i in range(300)], {"12,5 kg": 12.5, "12,5": 12.5, "12.5": 12.5, "7": 7.0, "-": None}),
        ([f"{50 + i % 90} m2" for i in range(300)], {"82.5": 82.5, "82,5 m2": None, "80-90": None, "m2": None}),
        ([f"1.{i:03},{i % 10} €" for i in range(300)], {"1.234,5": 1234.5, "1.234": 1234.0, "1.234.567 €": 1234567.0}),
        ([f"$1,{i:03}.5" for i in range(300)], {"$1,234.5": 1234.5, "1234.5": 1234.5, "$12,345,678": 12345678.0}),
        ([f"1 {i:03},5" for i in range(300)], {"1\u00a0234,5": 1234.5, "1 234 567": 1234567.0}),
    ],
)
def test_the_written_code_reads_a_request_as_it_read_the_file(texts, requests):
    table = pl.DataFrame({"c": texts, "x": range(300), "y": ["a", "b", "b"] * 100})
    judged = judge(table.with_columns(pl.col("x") % 7), "y")
    namespace = {"__name__": "pipeline"}
    exec(pipeline_text(judged, leaf=5, seed=7), namespace)
    asked = pl.DataFrame({"c": list(requests), "x": [1] * len(requests)})
    assert namespace["features"](asked)["c"].to_list() == list(requests.values())
    column = judged.of("quantity")[0]
    learnt = namespace["features"](table.drop("y"))["c"]
    assert learnt.null_count() == 0
    assert learnt[texts.index(next(t for t in texts if t.strip() == column.example))] == column.notation.value(
        column.example
    )
