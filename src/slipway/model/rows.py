"""A table in, one number a row out: its content's hash, by which a row is recognised and keeps its side of a split."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from slipway.errors import DataError, near_miss

if TYPE_CHECKING:
    import polars as pl

Table = TypeVar("Table")
Hashes = NDArray[np.uint64]

# Tags keep apart values that share their bits. They and the mixing are a format: hashes are kept in bundles.
_NULL = np.uint64(0x6E756C6C_6E756C6C)
_FRACTION = np.uint64(0x66726163_74696F6E)
_BOOLEAN = np.uint64(0x626F6F6C_65616E73)
_TIME = np.uint64(0x74696D65_74696D65)


def row_hashes(table: "pl.DataFrame", columns: Sequence[str] | None = None) -> Hashes:
    """One hash a row over these columns (all, unless told).

    The same on every machine and version, in any order of rows and columns; 3 and 3.0 agree, and so do null and NaN.
    Columns count by name. Two rows of the same content have the same hash.
    """
    total = np.zeros(table.height, dtype=np.uint64)
    for name in sorted(table.columns if columns is None else columns):
        salt = np.array(_text_hash(name), dtype=np.uint64)
        total += _mixed(_bits(table[name]) ^ salt)
    return _mixed(total)


def split_rows(
    table: Table, *, test_share: float = 0.2, seed: int = 7, target: str | None = None
) -> tuple[Table, Table]:
    """Split a table, of Polars or pandas, into training and test rows by the content of each row.

    A row keeps its side when the data grows, so that the next model's test rows are rows that this one never learnt
    from; rows of the same content are on one side. The share is met as far as chance goes.

    Args:
        target: the column to predict, which says nothing of a row's side. If it did, rows that agree in all else would
            be parted by it: a model that learnt the ones of them is wrong about the others, and seems worse than it is.

    Raises:
        DataError: one side would be empty, or there is no column `target`.
    """
    if not 0 < test_share < 1:
        raise DataError(f"split_rows: test_share = {test_share}: expected a number between 0 and 1.")
    frame = _as_polars(table)
    if target is not None and target not in frame.columns:
        raise DataError(f"split_rows: no column `{target}`.{near_miss(target, frame.columns)}")
    known = [name for name in frame.columns if name != target]
    seeded = _mixed(row_hashes(frame, known) ^ np.array(seed, dtype=np.int64).astype(np.uint64))
    # 53 bits are what a float holds exactly.
    is_test = (seeded >> np.uint64(11)).astype(np.float64) / 2.0**53 < test_share
    if is_test.all() or not is_test.any():
        raise DataError(
            f"split_rows: {len(is_test)} rows with test_share = {test_share} leave one side empty. "
            "Give more rows, another share, or another seed."
        )
    return _take(table, ~is_test), _take(table, is_test)


def _as_polars(table: Any) -> "pl.DataFrame":
    import polars as pl

    if isinstance(table, pl.DataFrame):
        return table
    try:
        frame: pl.DataFrame = pl.from_pandas(table)
        return frame
    except (TypeError, ValueError) as error:
        raise DataError(f"split_rows takes a table of Polars or pandas: {error}") from error


def _take(table: Any, mask: NDArray[np.bool_]) -> Any:
    import polars as pl

    return table.filter(pl.Series(mask)) if isinstance(table, pl.DataFrame) else table[mask]


def _bits(series: "pl.Series") -> Hashes:
    """64 bits a value, not yet mixed: equal for equal values."""
    import polars as pl

    dtype = series.dtype
    missing = series.is_null().to_numpy()
    bits: Hashes
    if dtype.is_float() or dtype.is_decimal() or dtype == pl.UInt64:
        values = series.cast(pl.Float64).fill_null(0.0).to_numpy()
        missing = missing | np.isnan(values)
        bits = _float_bits(np.where(missing, 0.0, values))
    elif dtype.is_integer():
        bits = series.cast(pl.Int64).fill_null(0).to_numpy().view(np.uint64)
    elif dtype == pl.Boolean:
        bits = series.fill_null(False).to_numpy().astype(np.uint64) ^ _BOOLEAN
    elif dtype == pl.Date or isinstance(dtype, pl.Datetime):
        bits = _microseconds(series).fill_null(0).to_numpy().view(np.uint64) ^ _TIME
    else:
        bits = _text_bits(series)
    return np.where(missing, _NULL, bits)


def _float_bits(values: NDArray[np.float64]) -> Hashes:
    is_whole = (values == np.floor(values)) & (np.abs(values) < 2.0**63)
    whole = np.where(is_whole, values, 0.0).astype(np.int64).view(np.uint64)
    return np.where(is_whole, whole, np.ascontiguousarray(values).view(np.uint64) ^ _FRACTION)


def _text_bits(series: "pl.Series") -> Hashes:
    import polars as pl

    # A list or another nested value stands as its text: rare, and only equality matters.
    texts = series.cast(pl.String) if not series.dtype.is_nested() else pl.Series([str(v) for v in series.to_list()])
    unique = texts.unique().drop_nulls()
    hashes = pl.Series([_text_hash(text) for text in unique], dtype=pl.UInt64)
    found = pl.DataFrame({"text": texts}).join(
        pl.DataFrame({"text": unique, "hash": hashes}), on="text", how="left", maintain_order="left"
    )
    return found["hash"].fill_null(0).to_numpy()


def _text_hash(text: str) -> int:
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def _mixed(values: Hashes) -> Hashes:
    """Splitmix64's finaliser (Steele, Lea and Flood, 2014): every bit of the input moves every bit of the output."""
    z = values + np.array(0x9E3779B97F4A7C15, dtype=np.uint64)
    z = (z ^ (z >> np.uint64(30))) * np.array(0xBF58476D1CE4E5B9, dtype=np.uint64)
    z = (z ^ (z >> np.uint64(27))) * np.array(0x94D049BB133111EB, dtype=np.uint64)
    return z ^ (z >> np.uint64(31))


def _microseconds(series: "pl.Series") -> "pl.Series":
    import polars as pl

    instants = series.cast(pl.Datetime("us")) if series.dtype == pl.Date else series.dt.cast_time_unit("us")
    return instants.to_physical()
