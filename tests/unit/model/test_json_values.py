"""What a project's own functions give, as JSON has it."""

import collections
import dataclasses
import datetime as dt
import enum
import json
import pathlib
import uuid
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.model.json_values import NoJson, json_value


@dataclasses.dataclass
class Price:
    value: object
    notes: object = ()


class Level(enum.Enum):
    HIGH = np.int8(3)


Pair = collections.namedtuple("Pair", "low high")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.int64(1), 1),
        (np.uint8(200), 200),
        (np.float32(0.25), 0.25),
        (np.float64(3.5), 3.5),
        (np.longdouble(1.5), 1.5),
        (np.bool_(True), True),
        (np.str_("x"), "x"),
        (np.array([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
        (np.array(5.0), 5.0),
        (np.array(["a", None], dtype=object), ["a", None]),
        (np.ma.masked_array([1, 2], [False, True]), [1, None]),
        (np.datetime64("2024-01-31"), "2024-01-31"),
        (np.datetime64("2024-01-31T01:02:03.123456789"), "2024-01-31T01:02:03.123456"),
        (np.datetime64("NaT", "us"), None),
        (np.timedelta64(90, "m"), "PT5400S"),
        (np.zeros(1, dtype=[("a", "i4"), ("b", "f4")]), [{"a": 0, "b": 0.0}]),
        (pd.Timestamp("2024-01-31T01:00", tz="UTC"), "2024-01-31T01:00:00Z"),
        (pd.Timedelta("1h"), "PT3600S"),
        (pd.NaT, None),
        (pd.NA, None),
        (pd.Series([1, None], dtype="Int64"), [1, None]),
        (pd.Series(["a", None]), ["a", None]),
        (pd.Categorical(["a", None]), ["a", None]),
        (pd.DataFrame({"a": [1, 2], "b": ["x", None]}), [{"a": 1, "b": "x"}, {"a": 2, "b": None}]),
        (pd.DataFrame({"a": [1]}).iloc[0], [1]),
        (pl.Series([1, None]), [1, None]),
        (pl.DataFrame({"a": [Decimal("1.5")], "b": [dt.date(2024, 1, 31)]}), [{"a": 1.5, "b": "2024-01-31"}]),
        (pl.LazyFrame({"a": [1]}), [{"a": 1}]),
        (Decimal("12.50"), 12.5),
        (Price(np.int8(1), {"x"}), {"value": 1, "notes": ["x"]}),
        (Level.HIGH, 3),
        (Pair(1, np.float32(2)), {"low": 1, "high": 2.0}),
        ({np.int64(3): 1, True: 2, None: 3, 0.5: 4, Level.HIGH: 5}, {"3": 5, "true": 2, "null": 3, "0.5": 4}),
        (collections.deque([1, (2, 3)]), [1, [2, 3]]),
        (collections.OrderedDict(a={"b": 1}.values()), {"a": [1]}),
        ((n for n in range(2)), [0, 1]),
        (float("nan"), None),
        (dt.datetime(2024, 1, 31, tzinfo=dt.UTC), "2024-01-31T00:00:00Z"),
        (dt.timedelta(days=1), "P1D"),
        (uuid.UUID(int=3), "00000000-0000-0000-0000-000000000003"),
        (pathlib.PurePosixPath("a/b"), "a/b"),
        (b"ab", "YWI="),
    ],
)  # fmt: skip
def test_values_of_libraries_become_json(value, expected):
    made = json_value(value)
    assert made == expected
    assert json.loads(json.dumps(made, allow_nan=False)) == expected


HELD = []
HELD.append(HELD)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (float("inf"), "it is inf, and JSON has no infinity"),
        ({"rows": [1, {"x": np.float32("-inf")}]}, "['rows'][1]['x'] is -inf, and JSON has no infinity"),
        (pd.DataFrame({"a": [1.0, np.inf]}), "[1]['a'] is inf"),
        (2**80, "a whole number beyond 64 bits"),
        ([object()], "[0] is of type builtins.object, which JSON has no form for"),
        (1j, "builtins.complex"),
        (np.complex64(1), "numpy.complex64"),
        (Price, "the class Price"),
        ({(1, 2): 3}, "key of type tuple"),
        (HELD, "nested more than 100 deep, or holds itself"),
    ],
)
def test_what_json_cannot_hold_is_named_with_its_place(value, said):
    with pytest.raises(NoJson) as raised:
        json_value(value)
    assert said in str(raised.value)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
        max_leaves=20,
    )
)  # fmt: skip
def test_json_stays_what_it_is(value):
    assert json_value(value) == value
