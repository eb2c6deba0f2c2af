import time

import polars as pl
import pytest

from slipway.errors import BadRequest
from slipway.model.schema import Schema
from slipway.serve.http.refusal import Refusal
from slipway.serve.rows import MAX_PROBLEMS, MAX_ROWS, Rows, apart, ask_request, check, read_rows

SCHEMA = Schema.infer(pl.DataFrame({"area": [1.5, None], "street": ["a", "b"]}), {})


UNNAMED = pl.DataFrame({"column_1": [0, 1], "area": [1.5, 2.5], "column_3": ["x", "y"], "column_7": ["a", "b"]})


def several(rows):
    return Rows(rows, is_single=False)


@pytest.mark.parametrize("name", ["", "Unnamed: 0", "column_1"])
def test_rows_of_a_file_without_a_name_for_its_index_can_be_sent_as_they_are(name):
    rows = [{name: 4, "area": 1.5}]
    check(several(rows), Schema.infer(UNNAMED.select("area"), {}, unused=["column_1"]))
    assert rows == [{name: 4, "area": 1.5}]


@pytest.mark.parametrize("name", ["", "Unnamed: 2", "column_3"])
def test_a_column_without_a_name_that_is_asked_for_gets_the_schemas(name):
    schema = Schema.infer(UNNAMED.select("area", "column_3"), {})
    rows = [{"area": 1.5, name: "x"}]
    check(several(rows), schema)
    assert rows == [{"area": 1.5, "column_3": "x"}]
    assert schema.take(pl.DataFrame({"area": [1.5], name: ["x"]})).row(0) == (1.5, "x")
    asked = apart(Rows([{"area": 1.5, name: "x"}, "no row"], is_single=False), schema)
    assert asked.right == [{"area": 1.5, "column_3": "x"}]


def test_no_other_name_is_taken_for_one_that_is_missing():
    schema = Schema.infer(UNNAMED.select("area", "column_3", "column_7"), {})
    for row in ({"area": 1.5, "Unnamed: 6": "a"}, {"area": 1.5, "Unnamed: 3": "x", "column_7": "a"}):
        with pytest.raises(Refusal):
            check(several([row]), schema)
    both = [{"area": 1.5, "column_3": "x", "": "z", "column_7": "a"}]
    check(several(both), schema)
    assert both[0]["column_3"] == "x"


def test_the_three_forms_of_rows():
    one = read_rows({"a": 1, "b": [2]})
    assert one.rows == [{"a": 1, "b": [2]}]
    assert one.is_single
    assert read_rows([{"a": 1}, {"a": 2}]).rows == [{"a": 1}, {"a": 2}]
    columns = read_rows({"a": [1, 2], "b": ["x", None]})
    assert columns.rows == [{"a": 1, "b": "x"}, {"a": 2, "b": None}]
    assert not columns.is_single
    assert read_rows([]).rows == read_rows({"a": [], "b": []}).rows == []
    assert read_rows({}).is_single


@pytest.mark.parametrize(
    ("value", "row", "field", "expected"),
    [
        (3, None, None, "an object, a list of objects, or columns"),
        (None, None, None, "an object, a list of objects, or columns"),
        ([{}, 3], 1, None, "an object"),
        ({"a": [1, 2], "b": [1]}, None, "b", "2 values, as the longest column has"),
    ],
)
def test_what_is_no_rows_says_where(value, row, field, expected):
    with pytest.raises(Refusal) as refusal:
        read_rows(value)
    (problem,) = refusal.value.detail
    assert refusal.value.status == 422
    assert (problem["row"], problem["field"], problem["expected"]) == (row, field, expected)


@pytest.mark.parametrize("value", [[{}] * (MAX_ROWS + 1), [1] * (MAX_ROWS + 1), {"a": [1] * (MAX_ROWS + 1)}])
def test_too_many_rows_are_refused_before_they_are_looked_at(value):
    with pytest.raises(Refusal, match="at most 100,000") as refusal:
        read_rows(value)
    assert refusal.value.status == 413


def test_each_problem_has_row_field_value_and_expectation():
    with pytest.raises(Refusal) as refusal:
        check(Rows([{"area": 1, "street": "a"}, {"area": "1", "street": 3}], is_single=False), SCHEMA)
    area, street = refusal.value.detail
    assert area == {
        "row": 1,
        "field": "area",
        "value": "1",
        "expected": "a finite number or null",
        "message": 'row 1 `area`: expected a finite number or null, got "1"',
    }
    assert (street["field"], street["value"]) == ("street", 3)


def test_a_body_of_wrong_rows_is_answered_quickly_and_not_told_in_full():
    rows = [{"area": "x" * 10_000, "street": [[]], **{f"f{n}": n for n in range(20)}} for _ in range(50_000)]
    began = time.perf_counter()
    with pytest.raises(Refusal) as refusal:
        check(Rows(rows, is_single=False), SCHEMA)
    assert time.perf_counter() - began < 2
    assert len(refusal.value.detail) == MAX_PROBLEMS
    assert len(str(refusal.value.detail)) < 100_000


def test_rows_of_later_chunks_keep_their_number():
    rows = [{"area": 1.0, "street": "a"}] * 2_500 + [{"area": 1.0}]
    with pytest.raises(Refusal) as refusal:
        check(Rows(rows, is_single=False), SCHEMA)
    assert [p["row"] for p in refusal.value.detail] == [2_500]


def _refusing(body):
    raise BadRequest("values: a list, please")


def _broken(body):
    return body["values"]


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (_refusing, "values: a list, please"),
        (_broken, "`_broken` can't read this body: KeyError: 'values'"),
        (lambda body: "text", "made no rows of this body: it gave str"),
        (lambda body: [1], "made no rows of this body: it gave list"),
    ],
)
def test_a_request_function_that_makes_no_rows_is_the_callers_error(function, said):
    with pytest.raises(Refusal) as refusal:
        ask_request(function, {})
    assert refusal.value.status == 422
    assert said in str(refusal.value.detail)


def test_a_request_function_gives_one_row_or_several():
    assert ask_request(lambda body: {"a": body}, 1).is_single
    assert ask_request(lambda body: [{"a": body}], 1).rows == [{"a": 1}]
    assert not ask_request(lambda body: [{"a": body}], 1).is_single
