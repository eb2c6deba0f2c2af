"""What SQLite answers, part by part, in; the type that each column has over all of them, and typed tables, out."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from slipway.errors import DataError
from slipway.storage.published import shown_query

if TYPE_CHECKING:
    import polars as pl

Row = tuple[Any, ...]

_WORDS = {float: "numbers", int: "integers", str: "text", bytes: "bytes"}


class ColumnTypes:
    """The types of a query's columns, found by looking at every part of its rows.

    SQLite's columns have no types, only their values have. Declared types decide where values can't: of columns
    without a value, of dates and of booleans.
    """

    def __init__(self, names: Sequence[str], declared: Sequence[str], sql: str) -> None:
        twice = next((name for name, count in Counter(names).items() if count > 1), None)
        if twice is not None:
            raise DataError(f"two columns are called `{twice}`: name one with AS. The query: {shown_query(sql)}")
        self._names, self._declared = names, declared
        self._kinds: list[set[type]] = [set() for _ in names]
        self._is_declared = [kind in ("BOOLEAN", "DATE", "TIMESTAMP", "DATETIME") for kind in declared]
        """Whether all values so far are what the column is declared as; any text can stand in a column of dates."""

    def look(self, rows: Sequence[Row]) -> None:
        """Take a part of the rows into account.

        Raises:
            DataError: a column mixes text with numbers.
        """
        for place, values in enumerate(zip(*rows, strict=True)):
            kinds = self._kinds[place]
            kinds |= {type(value) for value in values}
            kinds.discard(type(None))
            if len(kinds) > 1 and kinds != {int, float}:
                name, shown = self._names[place], " and ".join(sorted(_WORDS[kind] for kind in kinds))
                raise DataError(f"column `{name}` holds {shown}: cast it in the query, such as CAST({name} AS TEXT).")
            if self._is_declared[place]:
                self._is_declared[place] = _fits(self._declared[place], values)

    def table(self, rows: Sequence[Row]) -> "pl.DataFrame":
        """A part of the rows with the types found."""
        import polars as pl

        values = list(zip(*rows, strict=True)) if rows else [()] * len(self._names)
        return pl.DataFrame([self._series(place, list(column)) for place, column in enumerate(values)])

    def _series(self, place: int, values: list[Any]) -> "pl.Series":
        import polars as pl

        name, kinds, declared = self._names[place], self._kinds[place], self._declared[place]
        if not kinds:
            empty = {"INTEGER": pl.Int64, "REAL": pl.Float64, "BOOLEAN": pl.Boolean, "DATE": pl.Date}
            return pl.Series(name, values, dtype=empty.get(declared, pl.String))
        types = {int: pl.Int64, float: pl.Float64, str: pl.String, bytes: pl.Binary}
        kind = float if kinds == {int, float} else next(iter(kinds))
        series = pl.Series(name, values, dtype=types[kind], strict=False)
        return _as_declared(series, declared) if self._is_declared[place] else series


def _fits(declared: str, values: Sequence[Any]) -> bool:
    import polars as pl

    if declared == "BOOLEAN":
        return {*values} <= {0, 1, None}
    if not all(value is None or isinstance(value, str) for value in values):
        return False
    series = pl.Series(values, dtype=pl.String)
    return _as_declared(series, declared).null_count() == series.null_count()


def _as_declared(series: "pl.Series", declared: str) -> "pl.Series":
    import polars as pl

    if declared == "BOOLEAN":
        return series.cast(pl.Boolean)
    return series.str.to_date(strict=False) if declared == "DATE" else series.str.to_datetime(strict=False)
