import datetime
import json

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.errors import DataError
from slipway.model.schema import Problem, Schema

TABLE = pl.DataFrame(
    {
        "code": ["001", "a"],
        "area": ["160 m2", None],
        "age": [3, 4],
        "price": [1.5, 2.0],
        "is_new": [True, None],
        "day": [datetime.date(2026, 1, 31)] * 2,
        "at": [datetime.datetime(2026, 1, 31, 12)] * 2,
        "small": pl.Series([1, 2], dtype=pl.Int8),
        "kind": pl.Series(["x", "y"], dtype=pl.Enum(["x", "y"])),
    }
)
SCHEMA = Schema.infer(TABLE, {"area": ("text", "number")}, unused=["note"])
ROW = {
    "code": "001",
    "area": 100.0,
    "age": 3.0,
    "price": 3,
    "is_new": None,
    "day": "2026-01-31",
    "at": "2026-01-31T12:00:00",
    "small": -128,
    "kind": "never seen",
}


def test_a_row_of_all_types_is_typed_as_training_was_and_nothing_is_coerced():
    assert SCHEMA.problems([ROW]) == []
    typed = SCHEMA.table([ROW])
    assert typed.row(0) == (
        *("001", "100", 3, 3.0, None),
        *(datetime.date(2026, 1, 31), datetime.datetime(2026, 1, 31, 12), -128, "never seen"),
    )
    wanted = dict(TABLE.schema) | {"kind": pl.Categorical()}  # an enumeration could not hold what it never saw
    assert dict(typed.schema) == wanted


def test_many_rows_are_typed_as_one_is():
    many = SCHEMA.table([ROW] * 1000)
    assert many.schema == SCHEMA.table([ROW]).schema
    assert set(many.rows()) == set(SCHEMA.table([ROW]).rows())


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("code", 1, "text"),
        ("code", None, "text"),
        ("code", "\ud800", "text"),
        ("area", True, "text, a finite number or null"),
        ("age", 3.5, "a whole number"),
        ("age", "3", "a whole number"),
        ("age", True, "a whole number"),
        ("age", 2**63, "a whole number"),
        ("age", None, "a whole number"),
        ("price", "1.5", "a finite number"),
        ("price", False, "a finite number"),
        ("price", float("nan"), "a finite number"),
        ("price", float("inf"), "a finite number"),
        ("price", 10**400, "a finite number"),
        ("price", [1.5], "a finite number"),
        ("is_new", 1, "true or false or null"),
        ("is_new", "true", "true or false or null"),
        ("day", "31.01.2026", "a date such as 2026-01-31"),
        ("day", "2026-02-30", "a date such as 2026-01-31"),
        ("at", "2026-01-31T12:00:00+01:00", "a time such as 2026-01-31T12:00:00"),
        ("small", 128, "a whole number from -128 to 127"),
        ("kind", {}, "text"),
    ],
)
def test_a_wrong_value_is_named_with_what_was_expected(field, value, expected):
    found = SCHEMA.problems([ROW, ROW | {field: value}])
    assert [(p.row, p.field, p.expected) for p in found] == [(1, field, expected)]


@pytest.mark.parametrize(
    ("dtype", "fits", "too_large", "told"),
    [
        (pl.Float32(), 3.4e38, 1e39, "a number between -3.40282e+38 and 3.40282e+38"),
        (pl.Decimal(10, 2), 99999999.99, 10**8, "a number between -1e+08 and 1e+08"),
        (pl.Decimal(10, 2), 99999999.99, 99999999.996, "a number between -1e+08 and 1e+08"),
        (pl.Decimal(38, 10), 9e27, 10**28 - 1, "a number between -1e+28 and 1e+28"),
    ],
)
def test_a_number_that_its_column_cannot_hold_is_refused(dtype, fits, too_large, told):
    schema = Schema.infer(pl.DataFrame({"n": pl.Series([1, 2]).cast(dtype)}))
    assert schema.problems([{"n": fits}, {"n": -fits}]) == []
    assert schema.table([{"n": fits}])["n"].cast(pl.Float64).item() == pytest.approx(fits)
    assert [p.expected for p in schema.problems([{"n": too_large}, {"n": -too_large}])] == [told] * 2


def test_a_missing_field_is_named_and_what_was_meant_is_suggested():
    row = {("prize" if name == "price" else name): value for name, value in ROW.items()}
    assert SCHEMA.problems([row]) == [
        Problem(0, "price", None, "a finite number; the field is missing"),
        Problem(0, "prize", 3, "no such field. Did you mean `price`?"),
    ]


def test_a_null_is_not_the_same_as_nothing_at_all():
    row = {name: value for name, value in ROW.items() if name != "is_new"}
    assert [p.expected for p in SCHEMA.problems([row])] == ["true or false or null; the field is missing"]


def test_a_column_of_training_that_nothing_reads_may_be_there():
    assert SCHEMA.problems([ROW | {"note": object()}]) == []
    assert SCHEMA.table([ROW | {"note": 1}]).columns == TABLE.columns


@pytest.mark.parametrize(
    ("number", "text"), [(100.0, "100"), (100, "100"), (2.5, "2.5"), (1e22, "1e+22"), (-0.5, "-0.5")]
)
def test_a_number_for_a_column_of_text_is_its_shortest_text(number, text):
    assert SCHEMA.table([ROW | {"area": number}])["area"].to_list() == [text]


@pytest.mark.parametrize(
    ("column", "widened", "dtype"),
    [
        ([1, 2], ("number",), pl.Float64()),
        ([1.5, 2.0], ("integer",), pl.Float64()),
        ([1, 2], ("text", "integer"), pl.String()),
        (["a", "b"], ("number",), pl.String()),
    ],
)
def test_a_widened_column_has_the_narrowest_type_that_holds_all(column, widened, dtype):
    schema = Schema.infer(pl.DataFrame({"c": column}), {"c": widened})
    assert schema.table([{"c": 3}]).schema == {"c": dtype}


def test_what_the_training_table_shows_decides_on_nulls():
    gaps = Schema.infer(pl.DataFrame({"a": [1.0, float("nan")], "b": [None, None], "c": [1.0, 2.0]}), {"c": ("null",)})
    assert [(c.name, c.nullable, c.dtype) for c in gaps.columns] == [
        ("a", True, "Float64"),
        ("b", True, "String"),
        ("c", True, "Float64"),
    ]


def test_a_type_that_a_request_cannot_carry_is_refused_by_name():
    with pytest.raises(DataError, match="column `tags` is of type List"):
        Schema.infer(pl.DataFrame({"tags": [["a"]]}))
    with pytest.raises(DataError, match=r"\[api.types\] areas: the table has no such column. Did you mean `area`?"):
        Schema.infer(TABLE, {"areas": ("text",)})


def test_a_zone_is_asked_for_where_training_had_one():
    schema = Schema.infer(pl.DataFrame({"at": pl.Series(["2026-01-31"]).str.to_datetime(time_zone="UTC")}))
    assert [p.expected for p in schema.problems([{"at": "2026-01-31T12:00:00"}])] == [
        "a time such as 2026-01-31T12:00:00+00:00"
    ]
    noon = schema.table([{"at": "2026-01-31T13:00:00+01:00"}])["at"][0]
    assert noon == datetime.datetime(2026, 1, 31, 12, tzinfo=datetime.UTC)


def test_a_file_is_taken_column_by_column_whatever_its_order_and_the_width_of_its_types():
    file = TABLE.select(pl.lit(1).alias("further"), *reversed(TABLE.columns)).with_columns(
        pl.col("age").cast(pl.Float64), pl.col("price").cast(pl.Int64), pl.col("day", "at").cast(pl.String)
    )
    taken = SCHEMA.take(file)
    assert taken.columns == TABLE.columns
    assert taken["age"].to_list() == [3, 4]
    assert taken["day"].equals(TABLE["day"])


def test_nulls_of_a_file_pass_since_they_are_measured():
    assert SCHEMA.take(TABLE.with_columns(age=None))["age"].to_list() == [None, None]


def test_numbers_of_a_file_for_a_column_of_text_are_the_text_that_a_request_gives():
    file = TABLE.with_columns(area=pl.Series([100.0, 2.5]), code=pl.Series([12, 3]))
    assert SCHEMA.take(file)["area"].to_list() == ["100", "2.5"]
    assert SCHEMA.take(file)["code"].to_list() == ["12", "3"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"age": [3.5, 4.0]}, "column `age` holds 3.5, where training had whole numbers"),
        ({"price": ["1.5", "dear"]}, r"column `price` holds text \(such as '1.5'\), where training had number"),
        ({"is_new": [1, 0]}, "column `is_new` holds integer"),
        ({"small": [1000, 1]}, "column `small` holds what is no integer of type Int8"),
        ({"day": ["tomorrow", None]}, "column `day` holds 'tomorrow': expected a date such as 2026-01-31 or null"),
    ],
)
def test_a_column_of_a_file_that_is_of_another_type_is_refused_by_name(change, message):
    with pytest.raises(DataError, match=message):
        SCHEMA.take(TABLE.with_columns(**{name: pl.Series(values) for name, values in change.items()}))


def test_a_column_that_a_file_lacks_is_named():
    with pytest.raises(DataError, match=r"no column `price`\. Did you mean `prise`\?"):
        SCHEMA.take(TABLE.rename({"price": "prise"}))


def test_a_schema_comes_back_from_json_as_it_was():
    assert Schema.from_json(json.loads(json.dumps(SCHEMA.to_json()))) == SCHEMA


def test_the_same_is_said_in_json_schema():
    said = SCHEMA.json_schema()
    assert said["properties"]["area"] == {"anyOf": [{"type": "string"}, {"type": "number"}, {"type": "null"}]}
    assert said["properties"]["day"] == {"type": "string", "format": "date"}
    assert said["required"] == TABLE.columns
    assert said["additionalProperties"] is False


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda inner: st.lists(inner, max_size=2)
)


@given(st.dictionaries(st.sampled_from(TABLE.columns), anything))
def test_whatever_passes_the_check_can_be_typed(changes):
    row = ROW | changes
    if not SCHEMA.problems([row]):
        assert SCHEMA.table([row]).height == 1
