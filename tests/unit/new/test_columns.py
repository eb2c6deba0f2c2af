from datetime import time, timedelta

import numpy as np
import polars as pl
import pytest

from slipway.errors import ProjectError
from slipway.new.columns import FileFacts, judge

ROWS = 200


def table(**columns):
    """A table whose column `noise` says nothing and whose target `y` follows `x` with some chance."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=ROWS)
    y = np.where(x + rng.normal(scale=0.7, size=ROWS) > 0, "yes", "no")
    return pl.DataFrame({"x": x, "noise": rng.normal(size=ROWS), **columns, "y": y})


def column(judged, name):
    return next(c for c in judged.columns if c.name == name)


def use(values, name="c"):
    judged = judge(table(**{name: values}), "y")
    return column(judged, name).use, column(judged, name).why


def test_numbers_truths_and_texts_are_kept():
    assert use(np.arange(ROWS) % 7)[0] == "number"
    assert use(np.arange(ROWS) % 2 == 0)[0] == "number"
    assert use([f"city {i % 9}" for i in range(ROWS)])[0] == "category"


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("listing_id", list(range(ROWS))),
        ("customerId", [7_000 + 13 * i for i in range(ROWS)]),
        ("row", list(range(ROWS))),
        ("uuid", [f"{i * 7919:08x}" for i in range(ROWS)]),
        ("user_id", [i // 2 + 5 for i in range(ROWS - 2)] + [900, 901]),
        ("code", [f"A-{i * 37 % 1009}" for i in range(ROWS)]),
    ],
)
def test_ids_are_left_out(name, values):
    assert use(values, name)[0] == "left out"


def test_a_number_that_happens_to_differ_in_each_row_is_no_id():
    assert use([1_000 + i * i for i in range(ROWS)], "income")[0] == "number"
    assert use([f"{i % 5}" for i in range(ROWS)], "paid")[0] == "category"  # ends in "id" without being one


def test_columns_without_content_are_left_out():
    assert use([None] * ROWS) == ("left out", "is empty")
    assert use([5] * ROWS) == ("left out", "is always 5")
    assert "nearly empty" in use([1.0] + [None] * (ROWS - 1))[1]


def test_what_is_there_or_not_says_something():
    assert use([1.0, None] * (ROWS // 2))[0] == "number"


def test_marks_of_a_split_are_left_out():
    assert "marks a split" in use(["train", "train", "test", "val"] * (ROWS // 4), "part")[1]
    assert "marks a split" in use([i % 5 for i in range(ROWS)], "fold")[1]


def test_free_text_is_kept_and_single_words_that_never_come_again_are_not():
    texts = [f"the {i}th flat has a view of {i * 3} trees and more" for i in range(ROWS)]
    assert use(texts) == ("text", "free text of 11 words or so, by the words in it")
    assert "nearly always another text" in use([f"w{i * 37 % 1009}x" for i in range(ROWS)])[1]


def test_an_id_is_one_even_where_rows_are_repeated():
    ids = [*range(ROWS - 3), 0, 1, 2]
    assert use(ids, "row")[0] == "left out"
    rows = table(row=range(ROWS))
    judged = judge(pl.concat([rows, rows.head(3)]), "y")
    assert "3 rows are the same as another in every column" in judged.warnings[0]
    assert column(judged, "row").use == "left out"


def test_a_column_of_time_splits_unless_it_tells_of_a_birth_or_an_end():
    days = pl.Series(range(ROWS)).cast(pl.Int32).cast(pl.Date)
    assert judge(table(sold=days), "y").time == "sold"
    assert judge(table(birth_date=days), "y").time == ""
    assert judge(table(valid_until=days), "y").time == ""
    both = table(opened=days, created_at=days.dt.offset_by("7d"))
    assert judge(both, "y").time == "created_at"


def test_a_time_that_can_divide_nothing_does_not_split():
    days = pl.Series(["2022-01-01"] * 150 + ["2022-02-01", "2022-03-01"] * 25)
    assert judge(table(sold=days), "y").time == ""  # three moments are too few to try one after the other
    late = pl.Series([f"2021-0{1 + i % 9}-01" for i in range(ROWS // 4)] + ["2022-02-01"] * (ROWS * 3 // 4))
    assert judge(table(sold=late), "y").time == ""  # most rows are of the newest


def test_a_decimal_comma_of_the_file_may_come_in_a_request():
    judged = judge(table(weight=[i + 0.5 for i in range(ROWS)]), "y", FileFacts(commas=frozenset({"weight"})))
    assert (column(judged, "weight").use, column(judged, "weight").quantity.example) == ("quantity", "0,5")


def test_a_guess_about_a_sign_is_said():
    prices = [f"{1 + i},{i % 10:03}" for i in range(ROWS)]
    assert "the comma is taken to be between thousands" in use(prices)[1]


def test_a_number_with_its_unit_is_read_as_a_number():
    judged = judge(table(area=[f"{50 + i} m2" for i in range(ROWS)]), "y")
    area = column(judged, "area")
    assert (area.use, area.quantity.example) == ("quantity", "50 m2")
    assert use([f"${1_000 + i:,}" for i in range(ROWS)])[0] == "quantity"


def test_numbers_among_which_some_texts_stand_are_read_as_numbers():
    values = [f"{i / 3:.2f}" for i in range(ROWS - 10)] + ["n/a", "?"] * 5
    kind, why = use(values)
    assert kind == "quantity"
    assert '"?", "n/a", as null (10 rows)' in why


@pytest.mark.parametrize(
    "values",
    [
        [f"{i % 90:03}" for i in range(ROWS)],  # codes with leading zeros
        [f"A{i % 90}" for i in range(ROWS)],
        [f"addr_{i % 90}" for i in range(ROWS)],
        [f"{i % 90}-{i % 90 + 5}" for i in range(ROWS)],
        [f"{i % 60} {'kg' if i % 2 else 'lb'}" for i in range(ROWS)],  # the number alone would lie
    ],
)
def test_codes_ranges_and_mixed_units_stay_text(values):
    assert use(values)[0] == "category"


def test_dates_are_read_as_days_and_are_clocks():
    months = [f"20{10 + i % 12}-{1 + i % 12:02}" for i in range(ROWS)]
    assert use(months)[0] == "date"
    assert use([f"{month}-05" for month in months])[0] == "date"
    assert use(pl.Series(months).str.to_date("%Y-%m"))[0] == "date"
    assert "clock" in use(months)[1]


def test_a_type_that_a_request_cannot_carry_is_left_out():
    assert "can't carry" in use([[1, 2]] * (ROWS - 1) + [[3]])[1]


def test_rows_without_the_target_are_counted():
    rows = table()
    rows = rows.with_columns(y=pl.when(pl.int_range(ROWS) < 20).then(None).otherwise(pl.col("y")))
    judged = judge(rows, "y")
    assert (judged.target.missing, judged.rows) == (20, 180)


def test_when_nothing_is_left_it_says_why():
    with pytest.raises(ProjectError, match=r"No column is left.*`id` is another number"):
        judge(table().select("y").with_row_index("id").with_columns(pl.col("id").cast(int)), "y")


@pytest.mark.parametrize(
    "values",
    [
        pl.Series([[1, 2], None] * (ROWS // 2)),
        pl.Series([[]] * ROWS),
        pl.Series([{"a": 1, "b": [2]}] * ROWS),
        pl.Series([[1, 2], [3, 4]] * (ROWS // 2), dtype=pl.Array(pl.Int64, 2)),
        pl.Series([timedelta(hours=i) for i in range(ROWS)]),
        pl.Series([time(i % 24) for i in range(ROWS)]),
        pl.Series([b"x", b"y"] * (ROWS // 2)),
    ],
    ids=lambda values: str(values.dtype.base_type()),
)
def test_nested_and_other_types_are_left_out_by_name_and_refused_as_a_target(values):
    rows = table(c=values)
    assert "which a request can't carry" in column(judge(rows, "y"), "c").why
    with pytest.raises(ProjectError, match=r"--target c: it is of type .*; a target is text, a truth or a number"):
        judge(rows, "c")


def test_a_target_that_is_not_finite_is_refused_with_its_rows():
    odd = table(c=[float("inf"), float("nan"), *range(ROWS - 2)])
    with pytest.raises(ProjectError, match="--target c: NaN or infinity in 2 rows"):
        judge(odd, "c")
    assert column(judge(odd, "y"), "c").use == "number"


def test_words_that_a_category_reads_as_null_are_named():
    cities = [["Graz", "Linz", None, "-"][i % 4] for i in range(ROWS)]
    judged = judge(table(city=cities), "y", FileFacts(words={"city": {"NA": 40, "null": 10}}))
    assert column(judged, "city").why == '"NA" (40 rows), "null" (10 rows) as null'
    assert column(judge(table(city=["NA", "Graz"] * (ROWS // 2)), "y"), "city").why == '"NA" (100 rows) as null'


@pytest.mark.parametrize(
    ("kinds", "rows", "is_told"), [(10, 400, True), (49, 400, True), (60, 400, False), (10, 30, False)]
)
def test_a_table_of_a_few_kinds_of_rows_is_told_that_its_test_says_little(kinds, rows, is_told):
    table = pl.DataFrame(
        {"code": [f"k{i % kinds}" for i in range(rows)], "y": ["yes" if i % 7 < 3 else "no" for i in range(rows)]}
    )
    words = [warning for warning in judge(table, "y").warnings if "different rows in all" in warning]
    assert [word.startswith(f"The columns that are kept have {kinds} different rows") for word in words] == [
        True
    ] * is_told
