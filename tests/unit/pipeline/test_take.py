import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.errors import DataError
from slipway.pipeline import take as taking
from slipway.pipeline.snapshots import read_snapshot, write_snapshot
from slipway.pipeline.take import take


@pytest.fixture
def small(monkeypatch):
    """Row groups of ten rows."""
    monkeypatch.setattr(taking, "GROUP", 10)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "raw" / "orders.parquet"


def table(rows, first=0):
    return pl.DataFrame({"n": range(first, first + rows), "text": [None if i % 3 else f"é{i}" for i in range(rows)]})


@pytest.mark.usefixtures("small")
def test_the_same_rows_leave_the_file_alone_however_they_come(path):
    first = take(table(25).iter_slices(4), path, None)
    seen = path.stat()
    again = take(table(25).iter_slices(11), path, first)
    assert path.stat() == seen
    assert (again.sha256, again.taken, again.rows) == (first.sha256, first.taken, 25)
    assert again.asked > first.asked
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("now", [table(27), table(20), table(5), table(0), pl.concat([table(12), table(5, first=70)])])
def test_whatever_changed_the_file_holds_the_new_rows(path, now):
    before = take([table(25)], path, None)
    after = take([now], path, before)
    assert pl.read_parquet(path).equals(now)
    assert after.rows == now.height
    assert after.sha256 != before.sha256
    once = path.read_bytes()
    path.unlink()
    assert take([now], path, None).sha256 == after.sha256
    assert path.read_bytes() == once  # the same rows give the same file, whatever was there before


@pytest.mark.usefixtures("small")
def test_a_file_that_somebody_touched_is_written_anew(path):
    before = take([table(25)], path, None)
    table(25, first=9).write_parquet(path)
    take([table(25)], path, before)
    assert pl.read_parquet(path).equals(table(25))


def test_another_type_is_another_content(path):
    before = take([pl.DataFrame({"n": [1, 2]})], path, None)
    after = take([pl.DataFrame({"n": [1.0, 2.0]})], path, before)
    assert after.sha256 != before.sha256


def test_nothing_half_written_stays_when_the_parts_break_off(path):
    def parts():
        yield table(3)
        raise DataError("the server went away")

    before = take([table(9)], path, None)
    with pytest.raises(DataError, match="went away"):
        take(parts(), path, before)
    assert pl.read_parquet(path).equals(table(9))
    assert list(path.parent.iterdir()) == [path]
    with pytest.raises(DataError, match="not even a table without rows"):
        take([], path, before)


values = st.one_of(
    st.lists(st.one_of(st.none(), st.integers(-5, 5)), max_size=4).map(lambda v: pl.Series("c", v, dtype=pl.Int64)),
    st.lists(st.one_of(st.none(), st.text("ab\0", max_size=2)), max_size=4).map(
        lambda v: pl.Series("c", v, dtype=pl.String)
    ),
    st.lists(st.one_of(st.none(), st.booleans()), max_size=4).map(lambda v: pl.Series("c", v, dtype=pl.Boolean)),
    st.lists(st.one_of(st.none(), st.dates()), max_size=4).map(lambda v: pl.Series("c", v, dtype=pl.Date)),
    st.lists(st.one_of(st.none(), st.binary(max_size=2)), max_size=4).map(lambda v: pl.Series("c", v, dtype=pl.Binary)),
)


@given(values, values)
def test_contents_are_told_apart_by_their_digest_alone(left, right):
    is_same = left.dtype == right.dtype and left.equals(right, null_equal=True)
    assert (taking._digest(left.to_frame()) == taking._digest(right.to_frame())) == is_same


def test_what_is_known_is_kept(path, tmp_path):
    found = take([table(3)], path, None)
    write_snapshot(tmp_path, "orders", found)
    assert read_snapshot(tmp_path, "orders") == found
    assert read_snapshot(tmp_path, "others") is None
    (tmp_path / "sources/orders.json").write_text("{}")
    assert read_snapshot(tmp_path, "orders") is None
