"""One column of the reference and the window's counts of it in; its measures, and the facts beside them, out."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from slipway.monitor.reading import Reading
from slipway.monitor.rules import Rules
from slipway.profile.categories import cardinality_ratio, unseen, vanished
from slipway.profile.columns import Column, NumberColumn, NumberCounts, TextColumn, TextCounts
from slipway.profile.count import ColumnCounts, Counts, Profile
from slipway.profile.drift import Counts as Bins
from slipway.profile.drift import (
    Measure,
    Psi,
    jensen_shannon,
    kolmogorov_smirnov,
    mean_shift,
    psi,
    risen_share,
    total_variation,
)
from slipway.profile.joint import cell_counts, floored_psi, kept_counts


def feature_readings(column: Column, counts: ColumnCounts, rules: Rules) -> Iterator[Reading]:
    """Every measure that a column of this type has."""
    if isinstance(column, NumberColumn) and isinstance(counts, NumberCounts):
        yield rules.reading("psi", column_psi(column, counts, rules))
        yield _jensen_shannon(column.bins(column.counts), column.bins(counts), rules)
        yield from _of_numbers(column, counts, rules)
    elif isinstance(column, TextColumn) and isinstance(counts, TextCounts) and column.flag != "id":
        yield rules.reading("psi", column_psi(column, counts, rules))
        cells = column.cells_for(counts.n)
        sides = column.reference_bins(cells), column.bins(counts.values, cells)
        yield _jensen_shannon(*sides, rules, column.selection(cells))
        if column.type == "text":
            ratio = cardinality_ratio(column.spectrum, counts.spectrum(), z=rules.z)
            yield rules.reading("cardinality_ratio", ratio)
        if counts.n and column.n:
            if column.is_whole:
                yield rules.reading("unseen", unseen(column.categories, column.spectrum, counts.values, z=rules.z))
            yield rules.reading("vanished_share", vanished(column.categories, counts.values, z=rules.z))


def column_psi(column: Column, counts: ColumnCounts, rules: Rules) -> Psi | None:
    """The index of one column over the bins that the project chose; categories are bins of their own either way."""
    if isinstance(column, TextColumn) and isinstance(counts, TextCounts):
        cells = column.cells_for(counts.n)
        used = _used(column.reference_bins(cells), column.bins(counts.values, cells))
        return None if used is None else psi(*used, z=rules.z, selection=column.selection(cells))
    if not isinstance(column, NumberColumn) or not isinstance(counts, NumberCounts):
        raise ValueError("the counts are of another profile")
    if rules.bins == "equal-width":
        return _equal_width(column, counts, rules)
    used = _used(column.bins(column.counts), column.bins(counts))
    return None if used is None else psi(*used, z=rules.z)


def prediction_measure(profile: Profile, counts: ColumnCounts, z: float) -> Measure | None:
    """How far the answers moved: classes by the share that changed, numbers by their mean."""
    column = profile.prediction
    if isinstance(column, NumberColumn) and isinstance(counts, NumberCounts):
        return mean_shift(column.moments(column.counts), column.moments(counts), z=z)
    if isinstance(column, TextColumn) and isinstance(counts, TextCounts) and column.n and counts.n:
        classes = list({**column.categories, **counts.values})
        sides = [np.array([side.get(label, 0) for label in classes]) for side in (column.categories, counts.values)]
        return total_variation(sides[0], sides[1], z=z)
    return None


def missing_reading(name: str, profile: Profile, window: Counts, rules: Rules) -> Reading:
    """By how much the share of nulls among the raw rows rose; a fall is no signal."""
    if not window.raw_rows or not profile.raw_rows:
        return rules.reading("missing", None)
    before, after = profile.missing[name] / profile.raw_rows, window.missing[name] / window.raw_rows
    chance = risen_share(after, before, profile.raw_rows, window.raw_rows, z=rules.z).by_chance - before
    return (rules if after > before else rules.silent()).reading("missing", Measure(after - before, chance))


def missing_shares(name: str, profile: Profile, window: Counts) -> dict[str, Any]:
    """The shares of nulls among the raw rows, on both sides."""
    return {
        "missing_window": window.missing[name] / window.raw_rows if window.raw_rows else None,
        "missing_reference": profile.missing[name] / profile.raw_rows if profile.raw_rows else None,
    }


def column_facts(column: Column, counts: ColumnCounts, reference_rows: int, rows: int) -> dict[str, Any]:
    """What stands beside the measures: means, categories that are new or gone, nulls. JSON values."""
    facts: dict[str, Any] = {}
    if isinstance(column, NumberColumn) and isinstance(counts, NumberCounts):
        reference, window = column.moments(column.counts), column.moments(counts)
        facts["mean_reference"] = reference.mean if reference.n else None
        facts["mean"] = window.mean if window.n else None
        nulls = column.counts.nulls
    elif isinstance(column, TextColumn) and isinstance(counts, TextCounts):
        facts["distinct_reference"], nulls = column.distinct, column.nulls
        if column.flag != "id" and column.type != "other":
            facts |= _changed_categories(column, counts.values)
    else:
        raise ValueError("the counts are of another profile")
    facts["nulls_reference"] = nulls / reference_rows if reference_rows else None
    facts["nulls"] = counts.nulls / rows if rows else None
    return facts


def _changed_categories(column: TextColumn, found: Mapping[str, int]) -> dict[str, Any]:
    new = [value for value in found if value not in column.categories] if column.is_whole else []
    return {
        "distinct": len(found),
        "unseen_examples": sorted(new, key=lambda value: (-found[value], value))[:5],
        "vanished": [value for value in column.top if value not in found][:5] if found else [],
    }


def _jensen_shannon(reference: Bins, window: Bins, rules: Rules, selection: float = 1.0) -> Reading:
    used = _used(reference, window)
    found = None if used is None else jensen_shannon(*used, z=rules.z, selection=selection)
    return rules.reading("jensen_shannon", found)


def _of_numbers(column: NumberColumn, counts: NumberCounts, rules: Rules) -> Iterator[Reading]:
    moved = mean_shift(column.moments(column.counts), column.moments(counts), z=rules.z)
    yield rules.reading("mean_shift", moved)
    n, m = int(column.counts.cells.sum()), int(counts.cells.sum())
    if not n or not m:
        return
    yield rules.reading("ks", kolmogorov_smirnov(column.counts.cells, counts.cells, z=rules.z))
    # Of n values and one more, each is as likely as any other to be the least or the greatest.
    yield rules.reading("out_of_range", risen_share(column.beyond(counts) / m, 2 / (n + 1), n, m, z=rules.z))


def _equal_width(column: NumberColumn, counts: NumberCounts, rules: Rules) -> Psi | None:
    n, m = int(column.counts.cells.sum()), int(counts.cells.sum())
    if not n or not m:
        return None
    kept, values = column.counts.sample, counts.sample
    if kept is not None and values is not None and kept.size and values.size:
        return floored_psi(*kept_counts(kept, column.counts.n, values), z=rules.z)
    return floored_psi(*cell_counts(column.edges, column.counts.cells, counts.cells), z=rules.z)


def _used(reference: Bins, window: Bins) -> tuple[Bins, Bins] | None:
    """The bins that a side has rows in; None where a side has none at all."""
    if reference.sum() == 0 or window.sum() == 0:
        return None
    used = (reference > 0) | (window > 0)
    return reference[used], window[used]
