"""Columns and a target in; out come those that give the target away, and how sure that is.

A model that learns from such a column looks perfect and is useless: when the answer is asked for, the column is not
known yet. A column that is merely good must stay, so the measure is strict: (nearly) every row.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from slipway.new.target import Target

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

    Codes = NDArray[np.int64]

_NEARLY_ALL = 0.995
"""Of what the commonest class leaves open, the share that the column settles."""
_ROWS = 30
"""Fewer rows can agree by chance."""
_SIGNAL = 0.1
"""Bias-corrected Cramér's V from which a column tells something of the target."""
_EXACT = 0.99999


@dataclass(frozen=True, slots=True)
class Verdict:
    """One column that gives the target away, surely or perhaps."""

    is_sure: bool
    why: str


def suspects(table: "pl.DataFrame", target: Target) -> dict[str, Verdict]:
    """The columns of a table without null targets that give its target away.

    Sure is the same information under another name. A column that settles the target without being settled by it may
    be the rule by which the target was made, or, in made-up data, an honest cause: it counts as sure when its name says
    so, or when other columns tell something of the target as well and so a model can do without it.
    """
    if table.height < _ROWS:
        return {}
    truth = table[target.name]
    features = [name for name in table.columns if name != target.name]
    twins, rules = {}, {}
    for name in features:
        found = _twin(table[name], truth) if target.kind == "classification" else ""
        if found:
            twins[name] = Verdict(True, found)
            continue
        found = _class_rule(table[name], truth) if target.kind == "classification" else _number_rule(table[name], truth)
        if found:
            rules[name] = found
    others = [name for name in features if name not in twins and name not in rules]
    is_spare = bool(rules) and any(_tells(table[name], truth, target.kind == "classification") for name in others)
    for name, found in rules.items():
        is_sure = is_spare or _is_named_after(name, target.name)
        doubt = "" if is_sure else "; kept, since no other column tells much: leave it out unless it is known in time"
        twins[name] = Verdict(is_sure, found + doubt)
    return twins


def _twin(column: "pl.Series", truth: "pl.Series") -> str:
    """The two settle each other: the target under another name, or a column that only one class has."""
    codes, classes = _codes(column), _codes(truth)
    if codes.max() < 50 and _settles(codes, classes) >= _NEARLY_ALL and _settles(classes, codes) >= _NEARLY_ALL:
        return f"is `{truth.name}` under another name"
    if 0 < column.null_count() < column.len():
        given = column.is_not_null().to_numpy().astype(np.int64)
        if classes.max() == 1 and _settles(given, classes) >= _NEARLY_ALL:
            return f"gives `{truth.name}` away: whether it is filled in says it"
    return ""


def _class_rule(column: "pl.Series", truth: "pl.Series") -> str:
    codes, classes = _codes(column), _codes(truth)
    if codes.max() + 1 <= len(codes) / 20 and _settles(codes, classes) >= _NEARLY_ALL:
        return f"gives `{truth.name}` away: each of its {codes.max() + 1:,} values has one class"
    # Sorted by the column, each class is one interval: the classes were cut from it.
    is_cut = column.dtype.is_numeric() and not column.null_count() and _is_one_range_each(classes, column)
    return f"gives `{truth.name}` away: each class is one range of it" if is_cut else ""


def _number_rule(column: "pl.Series", truth: "pl.Series") -> str:
    codes = _codes(column)
    if column.dtype.is_numeric() and codes.max() > 1:
        both = column.is_not_null()
        values, wanted = column.filter(both).to_numpy().astype(float), truth.filter(both).to_numpy().astype(float)
        closest = max(abs(_correlation(values, wanted)), abs(_correlation(_ranks(values), _ranks(wanted))))
        if len(values) >= _ROWS and closest > _EXACT:
            return f"gives `{truth.name}` away: the one rises and falls exactly with the other"
    if codes.max() + 1 <= len(codes) / 20 and _is_one_range_each(codes, truth):
        return f"gives `{truth.name}` away: each of its values is one range of it"
    return ""


def _tells(column: "pl.Series", truth: "pl.Series", is_class: bool) -> bool:
    """Whether a column and the target are associated beyond chance (bias-corrected Cramér's V; Bergsma, 2013)."""
    a, b = _bins(column), _codes(truth) if is_class else _bins(truth)
    n, r, k = len(a), int(a.max()) + 1, int(b.max()) + 1
    if min(r, k) < 2:
        return False
    counts = np.bincount(a * k + b, minlength=r * k).reshape(r, k).astype(float)
    expected = counts.sum(1, keepdims=True) * counts.sum(0, keepdims=True) / n
    phi = float(np.sum((counts - expected) ** 2 / np.maximum(expected, 1e-12))) / n
    phi = max(0.0, phi - (k - 1) * (r - 1) / (n - 1))
    rows, columns = r - (r - 1) ** 2 / (n - 1), k - (k - 1) ** 2 / (n - 1)
    return bool(min(rows, columns) > 1 and np.sqrt(phi / (min(rows, columns) - 1)) > _SIGNAL)


def _settles(codes: "Codes", classes: "Codes") -> float:
    """The share of rows that knowing the column gets right, of those that the commonest class gets wrong."""
    pairs, counts = np.unique(codes * (classes.max() + 1) + classes, return_counts=True)
    best = np.zeros(codes.max() + 1)
    np.maximum.at(best, pairs // (classes.max() + 1), counts)
    commonest = np.bincount(classes).max()
    return float((best.sum() - commonest) / max(1, len(codes) - commonest))


def _codes(values: "pl.Series") -> "Codes":
    """Each value as a number from 0, null being a value like others."""
    return (values.rank("dense").cast(int).fill_null(0) - (0 if values.null_count() else 1)).to_numpy().astype(np.int64)


def _bins(values: "pl.Series") -> "Codes":
    codes = _codes(values)
    if codes.max() < 10:
        return codes
    if values.dtype.is_numeric():
        return np.minimum(_ranks(codes.astype(float)) * 10 // len(codes), 9).astype(np.int64)
    common = np.argsort(-np.bincount(codes), kind="stable")[:20]
    place = np.full(codes.max() + 1, len(common))
    place[common] = np.arange(len(common))
    return place[codes]


def _ranks(values: "NDArray[np.float64]") -> "NDArray[np.float64]":
    """Ranks from 0; equal values share the mean of theirs."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts + 1) / 2)[inverse]


def _correlation(a: "NDArray[np.float64]", b: "NDArray[np.float64]") -> float:
    a, b = a - a.mean(), b - b.mean()
    scale = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / scale if scale else 0.0


def _is_one_range_each(codes: "Codes", by: "pl.Series") -> bool:
    """Whether each code holds one interval of the other column."""
    ordered = codes[np.argsort(by.to_numpy(), kind="stable")]
    return int(np.count_nonzero(np.diff(ordered))) == int(codes.max())


def _is_named_after(name: str, target: str) -> bool:
    a, b = name.lower(), target.lower()
    return len(min(a, b, key=len)) >= 3 and (a in b or b in a)
