import numpy as np
import polars as pl
import pytest

from slipway.errors import DataError, ProjectError
from slipway.monitor.simulate import Changes, parse_changes, simulate, simulate_file


@pytest.fixture
def table():
    return pl.DataFrame(
        {
            "age": list(range(20, 70)) * 20,
            "weight": np.random.default_rng(0).normal(70, 10, 1_000),
            "city": ["a", "b", "b", "c"] * 250,
            "smokes": [True, False] * 500,
            "level": pl.Series(["low", "high"] * 500, dtype=pl.Enum(["low", "high"])),
        }
    )


def test_numbers_are_scaled_and_shifted_in_their_own_type(table):
    found = simulate(table, Changes(scale={"age": 1.1}, shift={"weight": 5}))
    assert found.schema == table.schema
    assert found["age"].to_list() == [round(age * 1.1) for age in table["age"]]
    assert (found["weight"] - table["weight"]).to_numpy() == pytest.approx(np.full(1_000, 5.0))


def test_noise_is_a_share_of_the_standard_deviation(table):
    found = simulate(table, Changes(noise={"weight": 0.5}))
    added = found["weight"] - table["weight"]
    assert added.std() == pytest.approx(0.5 * table["weight"].std(), rel=0.1)


def test_nulls_and_categories_take_the_share_asked_for(table):
    found = simulate(table, Changes(nulls={"age": 0.2}, category={"city": ("new", 0.3)}))
    assert found["age"].null_count() == 200
    assert (found["city"] == "new").sum() == 300


def test_rows_are_drawn_anew_so_that_a_value_has_its_share(table):
    found = simulate(table, Changes(sample={"city": ("c", 0.6)}))
    assert found.height == 1_000
    assert (found["city"] == "c").sum() == 600
    assert found.join(table.unique(), on=["age", "weight"], how="anti").is_empty()


def test_a_share_of_labels_becomes_another_label(table):
    for column in ("city", "smokes", "level"):
        found = simulate(table, Changes(flip={column: 0.1}))
        assert (found[column] != table[column]).sum() == 100
        assert set(found[column]) == set(table[column])


def test_numbers_of_a_target_change_places(table):
    found = simulate(table, Changes(flip={"weight": 0.5}))
    assert 450 <= (found["weight"] != table["weight"]).sum() <= 500
    assert sorted(found["weight"]) == sorted(table["weight"])


def test_the_same_seed_gives_the_same_rows_and_another_seed_others(table):
    changes = Changes(noise={"weight": 0.1}, nulls={"age": 0.1}, sample={"city": ("a", 0.5)})
    assert simulate(table, changes, seed=1).equals(simulate(table, changes, seed=1))
    assert not simulate(table, changes, seed=1).equals(simulate(table, changes, seed=2))


def test_one_more_change_does_not_alter_the_others(table):
    alone = simulate(table, Changes(noise={"weight": 0.1}))
    more = simulate(table, Changes(noise={"weight": 0.1, "age": 0.5}, nulls={"city": 0.5}))
    assert more["weight"].equals(alone["weight"])


def test_nulls_stay_null():
    table = pl.DataFrame({"x": [1, None, 3]})
    assert simulate(table, Changes(scale={"x": 2}, noise={"x": 0.0}))["x"].to_list() == [2, None, 6]


def test_an_unknown_column_is_refused_with_the_one_meant(table):
    with pytest.raises(ProjectError, match=r"no column `wieght`.*Did you mean `weight`\?"):
        simulate(table, Changes(scale={"wieght": 2.0}))


@pytest.mark.parametrize("change", ["scale", "shift", "noise"])
def test_text_is_no_number(table, change):
    with pytest.raises(DataError, match=f"--{change} needs a column of numbers, and `city` is text"):
        simulate(table, Changes(**{change: {"city": 2.0}}))


def test_a_value_that_the_column_cannot_hold_is_refused(table):
    with pytest.raises(DataError, match="the column holds Int64"):
        simulate(table, Changes(category={"age": ("old", 0.1)}))


def test_a_value_that_no_row_has_cannot_be_sampled(table):
    with pytest.raises(DataError, match="no row has city = z"):
        simulate(table, Changes(sample={"city": ("z", 0.5)}))


def test_an_empty_table_stays_empty(table):
    changes = Changes(scale={"age": 2}, noise={"weight": 1}, nulls={"city": 0.5}, category={"city": ("x", 0.5)})
    assert simulate(table.head(0), changes).height == 0


def test_options_are_read_as_a_command_line_has_them():
    found = parse_changes({"scale": ["Age=1.1", "a=b=2"], "category": ["city=new: x=1:0.3"], "flip": ["y=0.1"]})
    assert found == Changes(scale={"Age": 1.1, "a=b": 2.0}, category={"city": ("new: x=1", 0.3)}, flip={"y": 0.1})


@pytest.mark.parametrize(
    ("option", "text", "message"),
    [
        ("scale", "Age", "expected COLUMN=NUMBER"),
        ("scale", "Age=big", "`big` is not a number"),
        ("shift", "Age=inf", "`inf` is not a number"),
        ("nulls", "Age=20", "`20` is not a share from 0 to 1"),
        ("noise", "Age=-1", "at least 0"),
        ("category", "city=0.3", "expected COLUMN=VALUE:SHARE"),
        ("sample", "city=a:1.5", "`1.5` is not a share"),
    ],
)
def test_an_option_written_wrongly_is_refused(option, text, message):
    with pytest.raises(ProjectError, match=message):
        parse_changes({option: [text]})


def test_a_column_given_twice_is_refused():
    with pytest.raises(ProjectError, match="`Age` is given twice"):
        parse_changes({"scale": ["Age=1", "Age=2"]})


NESTED = [
    pl.Series("x", [[1], [2], None]),
    pl.Series("x", [{"a": 1}, {"a": 2}, None]),
    pl.Series("x", [[1.0, 2.0], [3.0, 4.0], None], dtype=pl.Array(pl.Float64, 2)),
    pl.Series("x", [object(), object(), None], dtype=pl.Object),
]


@pytest.mark.parametrize("column", NESTED, ids=lambda column: str(column.dtype))
def test_a_nested_column_is_carried_along_and_can_be_given_nulls_alone(column, tmp_path):
    table = pl.DataFrame([column, pl.Series("a", [1, 2, 3])])
    assert simulate(table, Changes(shift={"a": 1}))["x"].to_list() == column.to_list()
    assert simulate(table, Changes(nulls={"x": 1.0}))["x"].null_count() == 3
    for change in (Changes(flip={"x": 0.5}), Changes(category={"x": ("1", 0.5)}), Changes(sample={"x": ("1", 0.5)})):
        with pytest.raises(DataError, match=r"needs a column of single values, and `x` holds"):
            simulate(table, change)
    with pytest.raises(DataError, match="--scale needs a column of numbers, and `x` is"):
        simulate(table, Changes(scale={"x": 2}))


def test_files_are_named_by_text_too(tmp_path):
    pl.DataFrame(NESTED[:2][:1]).with_columns(a=pl.Series([1, 2, 3])).write_parquet(tmp_path / "in.parquet")
    written = str(tmp_path / "out.csv")
    assert simulate_file(str(tmp_path / "in.parquet"), written, {"shift": ["a=1"]}) == 3
    assert pl.read_csv(written).rows() == [("[1]", 2), ("[2]", 3), (None, 4)]
