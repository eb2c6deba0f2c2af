"""Columns, alone or a few together, that nearly give the target away.

`leaks` finds the target under another name, exactly; what is found here may be honest, and is a warning.
"""

from collections.abc import Collection
from typing import TYPE_CHECKING

import numpy as np

from slipway.new.late_columns import late_columns

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

_FLOAT32 = 3.4e38
_ROWS = 2_000
_LEAST_ROWS = 100
_ALONE = 0.99
"""Of what the commonest class or the mean leaves open, the share that one column's shallow tree settles."""
_TOGETHER = 0.97
_EXACT = 0.99999
_MOST = 4
"""Columns of a group; more of them are a model, not a leak."""
_TRIED = 60
"""Columns that are looked at one by one."""


def warnings_of_leaks(
    features: "pl.DataFrame", target: str, *, is_class: bool, reached: float, moments: Collection[str] = ()
) -> list[str]:
    """Say which columns nearly give the target away, alone or together, by value or by being filled; a sentence each.

    Args:
        features: what the model knows of a sample's rows, and the target.
        reached: how good the whole model is: the share of rows that it gets right, or of the variance it explains.
        moments: the columns that are times; of a part of one, such as its month, nothing is said.
    """
    told = giveaways(features, target, is_class=is_class, reached=reached)
    parts = [name for name in features.columns if any(name.startswith(f"{moment} ") for moment in moments)]
    known = features.drop(parts)
    if known.height < _LEAST_ROWS:
        return [told] if told else []
    kept = [name for name in known.columns if name != target][:_TRIED]
    late = late_columns(known.select(*kept, target), target, is_class=is_class, moments=moments, settled=_settled)
    return [*filter(None, [told]), *(said for names, said in late if not all(f"`{name}`" in told for name in names))]


def giveaways(features: "pl.DataFrame", target: str, *, is_class: bool, reached: float) -> str:
    """Say which column, or which few together, nearly give the target away by value; empty where none do.

    Args: as of `warnings_of_leaks`.
    """
    sample = features.head(_ROWS)
    names = [name for name in features.columns if name != target][:_TRIED]
    if sample.height < _LEAST_ROWS or len(names) < 2:
        return ""
    columns = {name: _numbers(sample[name]) for name in names}
    truth = _codes(sample[target]) if is_class else sample[target].to_numpy().astype(float)
    alone = {name: _settled([column], truth, is_class) for name, column in columns.items()}
    best = max(alone, key=lambda name: alone[name])
    if alone[best] >= _ALONE:
        return (
            f"`{best}` alone settles {alone[best]:.1%} of `{target}`: a leak, unless it is known before the answer is "
            "asked for."
        )
    group = [] if is_class else _sum(columns, truth)
    if not group and reached >= _ALONE:
        group = _grown(best, columns, truth, is_class)
    if not group:
        return ""
    listed = ", ".join(f"`{name}`" for name in group[:-1]) + f" and `{group[-1]}`"
    return f"{listed} together give `{target}` away: a leak, unless all are known before the answer is asked for."


def _grown(first: str, columns: "dict[str, Numbers]", truth: "Numbers", is_class: bool) -> list[str]:
    """The best column, with the one that helps it most, and so on, until they settle the target; else nothing."""
    group = [first]
    while len(group) < min(_MOST, len(columns)):
        scores = {
            name: _settled([*(columns[own] for own in group), column], truth, is_class)
            for name, column in columns.items()
            if name not in group
        }
        group.append(max(scores, key=lambda name: scores[name]))
        if scores[group[-1]] >= _TOGETHER:
            return group
    return []


def _sum(columns: "dict[str, Numbers]", truth: "Numbers") -> list[str]:
    """The columns of which the target is a weighted sum or, where all are above zero, a product."""
    whole = {name: c for name, c in columns.items() if np.isfinite(c).all() and np.ptp(c) > 0}
    for change in (np.asarray, np.log):
        positive = change is not np.log or bool(truth.min() > 0)
        usable = {n: change(c) for n, c in whole.items() if change is not np.log or c.min() > 0} if positive else {}
        if len(usable) < 2 or _explained(usable, change(truth)) < _EXACT:
            continue
        for name in list(usable):
            fewer = {n: c for n, c in usable.items() if n != name}
            if fewer and _explained(fewer, change(truth)) >= _EXACT:
                usable = fewer
        if 2 <= len(usable) <= _MOST:
            return list(usable)
    return []


def _explained(columns: "dict[str, Numbers]", truth: "Numbers") -> float:
    matrix = np.column_stack([np.ones(len(truth)), *((c - c.mean()) / c.std() for c in columns.values())])
    found, *_ = np.linalg.lstsq(matrix, truth, rcond=None)
    return 1 - float(np.var(truth - matrix @ found) / max(np.var(truth), 1e-300))


def _settled(columns: "list[Numbers]", truth: "Numbers", is_class: bool) -> float:
    """What a tree on these columns settles of the target, on rows that it has not seen."""
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    matrix = np.column_stack(columns)
    learns = np.arange(len(truth)) % 2 == 0
    tree = (DecisionTreeClassifier if is_class else DecisionTreeRegressor)(min_samples_leaf=5, random_state=7)
    predicted = tree.fit(matrix[learns], truth[learns]).predict(matrix[~learns])
    seen = truth[~learns]
    if is_class:
        open_without = 1 - np.bincount(seen.astype(np.int64)).max() / len(seen)
        return 1 - float(np.mean(predicted != seen)) / max(float(open_without), 1 / len(seen))
    return 1 - float(np.mean((predicted - seen) ** 2) / max(float(np.var(seen)), 1e-300))


def _numbers(values: "pl.Series") -> "Numbers":
    import polars as pl

    if values.dtype.is_numeric() or values.dtype == pl.Boolean:
        numbers: Numbers = values.cast(pl.Float64).fill_null(float("nan")).to_numpy()
        return np.where(np.abs(numbers) < _FLOAT32, numbers, np.nan)  # beyond it a tree takes none
    return _codes(values)


def _codes(values: "pl.Series") -> "Numbers":
    """Each value as a number, null being one like others."""
    return values.rank("dense").cast(float).fill_null(0.0).to_numpy()
