"""Columns that are filled only after the outcome is known: who was refunded, in which boat somebody was saved.

Such a column need be no copy of the target. What gives it away is that being filled, or what it holds where it is
filled, all but tells the target, or that two moments lie apart as the target says. What is found may be honest, and
is a warning.
"""

from collections.abc import Callable, Collection, Iterator
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]
    Marks = NDArray[np.bool_]
    Settled = Callable[[list[Numbers], Numbers, bool], float]

_FILLED_TELLS = 0.8
"""Of what the commonest class or the mean leaves open, the share that being filled settles."""
_VALUES_TELL = 0.9
"""The same of what a column holds, in the rows that have it."""
_LEAST_EMPTY = 0.2
_LEAST_ROWS = 50
_EXPECTED = 15
"""Rows of other classes that a filled column had by chance, where it has next to none: less than once in a million."""
_PURE = 0.02
_USUAL = 0.3
"""Of the rows at least this share has a value that stands for none, such as 0 or "no"."""
_LEAST_OTHERS = 5
_MOST = 6
"""Columns of a group."""
_FLOAT32 = 3.4e38
"""Beyond it a tree takes no number."""
_MOMENTS = 6
"""Columns of time of which each two are compared."""
_LEAK = "a leak, unless it is known before the answer is asked for"


def late_columns(
    features: "pl.DataFrame", target: str, *, is_class: bool, moments: Collection[str], settled: "Settled"
) -> Iterator[tuple[tuple[str, ...], str]]:
    """Find columns that seem to be filled only once the target is known; each with a sentence on it.

    Args:
        features: what the model knows of a sample's rows, and the target; without parts of a moment.
        moments: those columns that are times.
        settled: how much of a target some columns settle, on rows that were not learnt from.
    """
    truth = _ranks(features[target]) if is_class else features[target].to_numpy().astype(float)
    found = set[str]()
    marks: dict[str, Marks] = {}
    for column in features.drop(target).iter_columns():
        name, is_filled, values = column.name, _filled(column), _codes(column)
        told = ""
        if 0 < is_filled.sum() < len(truth):
            marks[name] = is_filled
            told = _by_being_filled(is_filled, truth, target, is_class=is_class)
        elif (usual := _usual(column, values)) is not None:
            share = _settled_by(values != usual[0], truth, is_class)
            told = f"is other than {usual[1]!r}, and that alone settles {share:.0%} of `{target}`" * (
                share >= _FILLED_TELLS
            )
        enough = is_filled.sum() >= _LEAST_ROWS and is_filled.mean() <= 1 - _LEAST_EMPTY
        if not told and enough and (share := settled([values[is_filled]], truth[is_filled], is_class)) >= _VALUES_TELL:
            told = f"settles {share:.0%} of `{target}` in the {is_filled.mean():.0%} of rows that have it"
        if told:
            found.add(name)
            yield (name,), f"`{name}` {told}: {_LEAK}."
    yield from _group({n: m for n, m in marks.items() if n not in found}, truth, target, is_class=is_class)
    for one, other in combinations([name for name in moments if name in features.columns][:_MOMENTS], 2):
        apart = (features[one] - features[other]).cast(float).fill_null(np.nan).to_numpy()
        if settled([apart], truth, is_class) >= _VALUES_TELL and not {one, other} <= found:
            yield (one, other), f"How far `{one}` and `{other}` lie apart all but tells `{target}`: {_LEAK}."


def _by_being_filled(is_filled: "Marks", truth: "Numbers", target: str, *, is_class: bool) -> str:
    share, rows = _settled_by(is_filled, truth, is_class), int(is_filled.sum())
    if share >= _FILLED_TELLS and min(rows, len(truth) - rows) >= _EXPECTED:
        return f"is filled in {rows:,} of {len(truth):,} rows, and that alone settles {share:.0%} of `{target}`"
    if is_class and (others := _others(is_filled, truth)) is not None:
        return f"is filled in {rows:,} of {len(truth):,} rows, and {_all_but(others)} of these have one class"
    if is_class and (others := _others(~is_filled, truth)) is not None:
        return (
            f"is empty in {len(truth) - rows:,} of {len(truth):,} rows, and {_all_but(others)} of these have one class"
        )
    return ""


def _others(marks: "Marks", truth: "Numbers") -> int | None:
    """How many of the marked rows are not of their commonest class, where that is far less than chance would give."""
    classes = truth.astype(np.int64)
    counts = np.bincount(classes[marks], minlength=int(classes.max()) + 1)
    best = int(counts.argmax())
    others, expected = int(marks.sum() - counts[best]), float(marks.sum() * np.mean(classes != best))
    return others if expected >= _EXPECTED and others <= min(_PURE * marks.sum(), expected / 10) else None


def _all_but(others: int) -> str:
    return f"all but {others}" if others else "all"


def _group(
    marks: "dict[str, Marks]", truth: "Numbers", target: str, *, is_class: bool
) -> Iterator[tuple[tuple[str, ...], str]]:
    """The few columns that all but tell the target by which of them are filled."""
    group, best = list[str](), 0.0
    pattern = np.zeros(len(truth), dtype=np.int64)
    while len(group) < min(_MOST, len(marks)):
        shares = {name: _settled_by(2 * pattern + m, truth, is_class) for name, m in marks.items() if name not in group}
        name = max(shares, key=lambda key: shares[key])
        if shares[name] < best + 0.02:
            return
        group.append(name)
        best, pattern = shares[name], 2 * pattern + marks[name]
        if best >= _FILLED_TELLS and len(group) > 1:
            listed = ", ".join(f"`{n}`" for n in group[:-1]) + f" and `{group[-1]}`"
            yield tuple(group), f"Which of {listed} are filled settles {best:.0%} of `{target}`: {_LEAK}."
            return


def _settled_by(codes: "NDArray[np.generic]", truth: "Numbers", is_class: bool) -> float:
    """The share of what the commonest class, or the mean, leaves open that knowing a few codes settles."""
    _, places = np.unique(codes, return_inverse=True)
    if is_class:
        counts = np.zeros((int(places.max()) + 1, int(truth.max()) + 1))
        np.add.at(counts, (places, truth.astype(np.int64)), 1)
        commonest = counts.sum(0).max()
        return float((counts.max(1).sum() - commonest) / max(1.0, len(truth) - commonest))
    sizes = np.bincount(places)
    means = np.bincount(places, truth) / sizes
    return 1 - float(np.mean((truth - means[places]) ** 2) / max(float(np.var(truth)), 1e-300))


def _usual(column: "pl.Series", values: "Numbers") -> tuple[float, object] | None:
    """The value that stands for none, where a column has one so often and several others."""
    codes, counts = np.unique(values, return_counts=True)
    if len(codes) <= _LEAST_OTHERS or counts.max() < _USUAL * len(values):
        return None
    code = codes[counts.argmax()]
    return float(code), column[int(np.argmax(values == code))]


def _filled(column: "pl.Series") -> "Marks":
    import polars as pl

    is_given = column.is_not_null()
    if column.dtype.is_float():
        is_given &= column.is_not_nan().fill_null(False)
    elif column.dtype == pl.String:
        is_given &= (column != "").fill_null(False)
    return is_given.to_numpy()


def _codes(values: "pl.Series") -> "Numbers":
    """Numbers as they are, and others as whole numbers from 0."""
    if not values.dtype.is_numeric():
        return _ranks(values)
    numbers: Numbers = values.cast(float).fill_null(np.nan).to_numpy()
    return np.where(np.abs(numbers) < _FLOAT32, numbers, np.nan)


def _ranks(values: "pl.Series") -> "Numbers":
    return (values.rank("dense").cast(float) - 1).fill_null(np.nan).to_numpy()
