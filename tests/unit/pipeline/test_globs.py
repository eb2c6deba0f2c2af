import re

import pytest

from slipway.errors import DataError, ProjectError
from slipway.pipeline.globs import as_dependencies, files_of
from slipway.pipeline.sources import read_source
from slipway.tables.many_files import read_files

HEAD = "area,rooms,price\n"


@pytest.fixture
def parts(flats):
    flats.edit("slipway.toml", "data/raw/flats.csv", "data/raw/parts/*.csv")
    flats.write("data/raw/parts/b.csv", HEAD + "60 m2,2,low\n")
    flats.write("data/raw/parts/a.csv", "price,area,rooms\nhigh,90 m2,3\n")
    return flats


def test_rows_come_in_the_order_of_names_under_the_first_one_s_columns(parts):
    table = read_source(parts.project, "raw")
    assert table.rows() == [("high", "90 m2", 3), ("low", "60 m2", 2)]
    assert table.columns == ["price", "area", "rooms"]


def test_a_type_comes_from_all_files_together(parts):
    parts.write("data/raw/parts/c.csv", HEAD + "70 m2,001,low\n")
    assert read_source(parts.project, "raw")["rooms"].to_list() == ["3", "2", "001"]


def test_parquet_and_csv_may_stand_side_by_side(parts):
    import polars as pl

    parts.edit("slipway.toml", "parts/*.csv", "parts/*")
    pl.DataFrame({"rooms": [1.5], "price": ["low"], "area": ["9 m2"]}).write_parquet(
        parts.root / "data/raw/parts/c.parquet"
    )
    assert read_source(parts.project, "raw")["rooms"].to_list() == [3.0, 2.0, 1.5]


def test_types_that_do_not_meet_are_refused_with_the_file(parts):
    import polars as pl

    parts.edit("slipway.toml", "parts/*.csv", "parts/*")
    pl.DataFrame({"rooms": ["two"], "price": ["low"], "area": ["9 m2"]}).write_parquet(
        parts.root / "data/raw/parts/c.parquet"
    )
    with pytest.raises(DataError, match=r"c\.parquet: column `rooms` holds String, and Int64 in a\.csv"):
        read_source(parts.project, "raw")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("area,romos,price\n1,2,low\n", "b.csv: it has no column `rooms`, which a.csv has. Did you mean `romos`?"),
        ("area,rooms,price,more\n1,2,low,3\n", "b.csv: column `more` is not in a.csv."),
    ],
)
def test_a_file_with_other_columns_is_named(parts, text, message):
    parts.write("data/raw/parts/b.csv", text)
    with pytest.raises(DataError, match=re.escape(message)):
        read_source(parts.project, "raw")


def test_a_pattern_that_names_nothing_says_so(flats):
    flats.edit("slipway.toml", "data/raw/flats.csv", "data/raw/part/*.csv")
    report = flats.run()
    assert "raw = 'data/raw/part/*.csv': no file is named so. Put one into" in str(report.error)


def test_a_pattern_that_takes_what_the_project_makes_is_refused(parts):
    parts.edit("slipway.toml", "data/raw/parts/*.csv", "data/**/*.parquet")
    parts.write("data/train.parquet", "")
    with pytest.raises(ProjectError, match=r"takes data/train\.parquet, too, which `split` makes"):
        files_of(parts.project, parts.project.sources["raw"])


def test_dvc_is_told_the_folder_where_the_pattern_takes_all_of_it(parts):
    source = parts.project.sources["raw"]
    assert as_dependencies(parts.project, source) == ["data/raw/parts"]
    parts.write("data/raw/parts/notes.txt", "")
    assert as_dependencies(parts.project, source) == ["data/raw/parts/a.csv", "data/raw/parts/b.csv"]


def test_a_new_file_makes_what_reads_it_stale_and_a_note_beside_it_does_not(parts):
    def why():
        return {stale.name: stale.why for stale in parts.stale()}.get("flats")

    assert not parts.run(wanted=["flats"]).failed
    assert why() is None
    parts.write("data/raw/parts/notes.txt", "seen")
    assert why() is None
    parts.write("data/raw/parts/c.csv", HEAD + "70 m2,1,low\n")
    assert why() == ("input raw changed",)


def test_labelled_rows_come_last(parts):
    from slipway.tables.files import write_table

    write_table(read_source(parts.project, "raw").head(1), parts.project.labelled("raw"))
    assert read_source(parts.project, "raw")["price"].to_list() == ["high", "low", "high"]


def test_a_path_to_several_files_is_refused_with_the_remedy(parts):
    from slipway.pipeline.artifacts import read_artifact

    with pytest.raises(DataError, match="take it as a table, or name their folder"):
        read_artifact(parts.project, "raw", "pathlib.Path")


def test_hidden_files_are_nobody_s(parts):
    parts.write("data/raw/parts/.half.csv", "torn")
    assert len(files_of(parts.project, parts.project.sources["raw"])) == 2
    assert read_files([parts.root / "data/raw/parts/b.csv"]).height == 1
