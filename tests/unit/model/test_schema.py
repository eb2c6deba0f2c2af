import datetime
import json
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import event, given
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
        ("age", 2**64, "a whole number"),
        ("age", -(2**63) - 1, "a whole number"),
        ("age", 1e20, "a whole number"),
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
        ("small", 128.5, "a whole number"),
        ("day", "2026-01-31T12:00:00", "a date such as 2026-01-31"),
        ("day", "20260131", "a date such as 2026-01-31"),
        ("kind", {}, "text"),
    ],
)
def test_a_wrong_value_is_named_with_what_was_expected(field, value, expected):
    found = SCHEMA.problems([ROW, ROW | {field: value}])
    assert [(p.row, p.field, p.expected) for p in found] == [(1, field, expected)]


@pytest.mark.parametrize(
    ("dtype", "narrow", "wide", "as_held"),
    [
        (pl.Int8(), 127, 130, pl.Int64()),
        (pl.UInt16(), 65_535, -1, pl.Int64()),
        (pl.UInt32(), 7, 2**40, pl.Int64()),
        (pl.Int64(), -5, 2**63, pl.UInt64()),
        (pl.UInt64(), 2**64 - 1, -5, pl.Int64()),
        (pl.Float32(), 3.4e38, 1e39, pl.Float64()),
        (pl.Decimal(4, 2), 99.99, 100, pl.Float64()),
        (pl.Decimal(4, 2), 1.25, 1.255, pl.Float64()),
        (pl.Decimal(10, 2), 99999999.99, 99999999.996, pl.Float64()),
    ],
)
def test_the_width_of_a_number_in_trainings_file_is_no_bound(dtype, narrow, wide, as_held):
    schema = Schema.infer(pl.DataFrame({"n": pl.Series([1, 2]).cast(dtype), "other": [1, 2]}))
    rows = [{"n": narrow, "other": 1}, {"n": wide, "other": 2}]
    assert schema.problems(rows) == []
    table = schema.table(rows)
    assert table["n"].cast(pl.Float64).to_list() == pytest.approx([narrow, wide])
    # Each row's type depends on its own value: who is scored beside it changes nothing.
    assert schema.table(rows[:1]).schema["n"] == dtype
    assert schema.table(rows[1:]).schema["n"] == as_held
    assert [(places, part.schema["n"]) for places, part in schema.groups(table)] == [([0], dtype), ([1], as_held)]
    assert schema.groups(schema.table(rows[:1])) is None


def test_a_number_has_the_digits_that_trainings_precision_leaves():
    schema = Schema.infer(pl.DataFrame({"n": pl.Series([0.1, 0.2], dtype=pl.Float32)}))
    both = schema.table([{"n": 0.1}, {"n": 1e39}])["n"].to_list()
    assert both == [schema.table([{"n": 0.1}])["n"][0], 1e39]


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


def test_dates_of_a_file_are_no_times_with_a_zone_as_they_are_none_in_a_request():
    noon = pl.Series("at", [datetime.datetime(2026, 1, 31, 12)] * 2)
    dates = pl.DataFrame({"at": noon.dt.date()})
    for zone in ("UTC", "Europe/Berlin", "America/New_York"):
        schema = Schema.infer(pl.DataFrame({"at": noon.dt.replace_time_zone(zone)}))
        assert [p.field for p in schema.problems([{"at": "2026-01-31"}])] == ["at"]
        with pytest.raises(DataError, match=r"column `at` holds dates without a zone .* Give them a zone"):
            schema.take(dates)
    schema = Schema.infer(pl.DataFrame({"at": noon}))
    assert schema.take(dates)["at"].equals(schema.table([{"at": "2026-01-31"}] * 2)["at"])


def test_a_file_is_taken_column_by_column_whatever_its_order_and_the_width_of_its_types():
    file = TABLE.select(pl.lit(1).alias("further"), *reversed(TABLE.columns)).with_columns(
        pl.col("age").cast(pl.Float64), pl.col("price").cast(pl.Int64), pl.col("day", "at").cast(pl.String)
    )
    taken = SCHEMA.take(file)
    assert taken.columns == TABLE.columns
    assert taken["age"].to_list() == [3, 4]
    assert taken["day"].equals(TABLE["day"])


@pytest.mark.parametrize("empty", [pl.Null(), pl.Float32(), pl.String(), pl.List(pl.Int64()), pl.Duration()])
def test_nulls_of_a_file_pass_since_they_are_measured(empty):
    nothing = pl.Series([None, None], dtype=empty)
    taken = SCHEMA.take(TABLE.with_columns(age=nothing, day=nothing, kind=nothing))
    assert taken.select("age", "day", "kind").rows() == [(None, None, None)] * 2
    assert taken.schema == SCHEMA.take(TABLE).schema


def test_what_says_no_number_in_a_file_is_null_as_in_a_request():
    taken = SCHEMA.take(TABLE.with_columns(price=pl.Series([float("nan"), 2.0]), age=pl.Series([float("nan"), 4.0])))
    assert (taken["price"].to_list(), taken["age"].to_list()) == ([None, 2.0], [None, 4])


def test_a_null_where_training_had_none_is_a_problem_of_a_row_alone():
    assert [p.field for p in SCHEMA.problems([ROW | {"age": None}])] == ["age"]
    assert SCHEMA.problems([ROW, ROW | {"age": None}], passes_nulls=True) == []
    assert SCHEMA.null_errors["age"] == "`age`: expected a whole number, got null, which the model does not take."
    assert "is_new" not in SCHEMA.null_errors


def test_a_schema_of_an_older_bundle_lets_the_model_decide_on_nulls():
    older = SCHEMA.to_json()
    del older["refuses_nulls"]
    assert Schema.from_json(older).problems([ROW | {"age": None}]) == []
    assert Schema.from_json(older).null_errors == {}


def test_numbers_of_a_file_for_a_column_that_takes_them_are_the_text_that_a_request_gives():
    file = TABLE.with_columns(area=pl.Series([100.0, 2.5]))
    assert SCHEMA.take(file)["area"].to_list() == ["100", "2.5"]


BERLIN = pl.Series([datetime.datetime(2026, 1, 31, 12)] * 2).dt.replace_time_zone("Europe/Berlin")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"age": [3.5, 4.0]}, "column `age` holds 3.5, where training had whole numbers"),
        ({"age": [float("inf"), 4.0]}, "column `age` holds inf, where training had whole numbers"),
        ({"price": ["1.5", "dear"]}, r"column `price` holds text \(such as 'dear'\), where training had numbers"),
        ({"price": [True, None]}, r"column `price` holds true and false \(such as True\), where training had numbers"),
        ({"is_new": [1, 0]}, "column `is_new` holds whole numbers"),
        ({"code": [12, 3]}, r"column `code` holds whole numbers \(such as 12\), where training had text"),
        ({"code": [True, False]}, "column `code` holds true and false"),
        ({"kind": [1.5, 2.5]}, "column `kind` holds numbers"),
        ({"code": [datetime.date(2026, 1, 31)] * 2}, "column `code` holds dates"),
        ({"at": BERLIN}, "column `at` holds times of the zone Europe/Berlin .* Give local times, as training's were"),
        ({"day": [datetime.datetime(2026, 1, 31, 12)] * 2}, "column `day` holds times"),
        ({"day": ["tomorrow", None]}, "column `day` holds 'tomorrow': expected a date such as 2026-01-31 or null"),
        ({"age": [datetime.timedelta(1)] * 2}, "column `age` is of type Duration"),
        ({"age": [[1], [2]]}, "column `age` is of type List"),
        ({"code": [b"a", b"b"]}, "column `code` is of type Binary"),
        ({"at": [datetime.time(12)] * 2}, "column `at` is of type Time"),
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


FILES = {
    "whole": st.integers(-(2**63), 2**63 - 1),
    "small": st.integers(-128, 127),
    "unsigned": st.integers(0, 2**64 - 1),
    "float": st.floats(allow_infinity=False),
    "single": st.floats(width=32, allow_infinity=False),
    "decimal": st.decimals(-(10**6), 10**6, places=3),
    "truth": st.booleans(),
    "text": st.text(max_size=3) | st.sampled_from(["1", "2026-01-31", "2026-01-31T12:00:00", "true"]),
    "category": st.sampled_from(["x", "y", "1"]),
    "date": st.dates(),
    "moment": st.datetimes(datetime.datetime(1700, 1, 1), datetime.datetime(2200, 1, 1)),
    "midnight": st.dates(datetime.date(1700, 1, 1), datetime.date(2200, 1, 1)),
    "nothing": st.none(),
    "list": st.lists(st.integers(0, 9), max_size=2),
    "duration": st.timedeltas(datetime.timedelta(0), datetime.timedelta(9)),
}
DTYPES = {
    "whole": [pl.Int64()],
    "small": [pl.Int8(), pl.Int16(), pl.Int32(), pl.Int128()],
    "unsigned": [pl.UInt64()],
    "float": [pl.Float64()],
    "single": [pl.Float32()],
    "decimal": [pl.Decimal(38, 3), pl.Decimal(12, 5)],
    "truth": [pl.Boolean()],
    "text": [pl.String()],
    "category": [pl.Categorical(), pl.Enum(["x", "y", "1"])],
    "date": [pl.Date()],
    "moment": [pl.Datetime("us"), pl.Datetime("ns"), pl.Datetime("ms"), pl.Datetime("us", "Europe/Berlin")],
    "midnight": [pl.Datetime("us"), pl.Datetime("ns")],
    "nothing": [pl.Null(), pl.String(), pl.Int8()],
    "list": [pl.List(pl.Int64())],
    "duration": [pl.Duration("us")],
}
TRAINED = [
    *(pl.Series([1, 2], dtype=dtype) for dtype in (pl.Int8, pl.UInt16, pl.Int64, pl.UInt64, pl.Float32, pl.Float64)),
    pl.Series([1, 2]).cast(pl.Decimal(6, 2)),
    pl.Series([True, False]),
    pl.Series(["a", "b"]),
    pl.Series(["x", "y"], dtype=pl.Enum(["x", "y"])),
    pl.Series([datetime.date(2026, 1, 31)] * 2),
    *(pl.Series([datetime.datetime(2026, 1, 31)] * 2, dtype=pl.Datetime(unit)) for unit in ("ms", "us", "ns")),
    pl.Series([datetime.datetime(2026, 1, 31)] * 2, dtype=pl.Datetime("us", "UTC")),
]


TEXTS = (pl.String, pl.Categorical, pl.Enum)


def as_json(value):
    """A file's value as a caller would write it in a request."""
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, Decimal) or (isinstance(value, float) and value != value):
        return float(value) if value == value else None
    return value


@st.composite
def files(draw):
    kind = draw(st.sampled_from(sorted(FILES)))
    values = draw(st.lists(FILES[kind] | st.none(), min_size=1, max_size=4))
    return pl.Series("c", values, dtype=draw(st.sampled_from(DTYPES[kind])), strict=False)


@given(st.sampled_from(TRAINED), st.sampled_from([(), ("text",), ("number",), ("text", "number")]), files())
def test_any_type_of_a_file_gives_what_the_same_values_of_a_request_give_or_a_refusal(trained, widened, file):
    schema = Schema.infer(pl.DataFrame({"c": trained}), {"c": widened})
    rows = [{"c": as_json(value)} for value in file.to_list()]
    if "text" not in schema.columns[0].types and schema.columns[0].dtype == "String" and file.dtype in TEXTS:
        return  # truths or numbers, which stand in a file as texts
    try:
        taken = schema.take(pl.DataFrame([file]))
    except DataError as refusal:
        event(str(refusal).partition(",")[0][:40])
        return
    assert schema.problems(rows, passes_nulls=True) == []
    asked = schema.table(rows)
    assert taken.equals(asked)
    assert taken.schema == asked.schema
