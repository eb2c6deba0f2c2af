"""One column of the reference and the window's counts of it in; its measures, and the facts beside them, out."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from slipway.monitor.reading import Reading
from slipway.monitor.rules import Rules
from slipway.profile.categories import cardinality_ratio, sides_of, spike_of, unseen, vanished
from slipway.profile.columns import Column, Flag, NumberColumn, NumberCounts, TextColumn, TextCounts
from slipway.profile.count import ColumnCounts, Counts, Profile
from slipway.profile.drift import Counts as Bins
from slipway.profile.drift import (
    Measure,
    Psi,
    jensen_shannon,
    kolmogorov_smirnov,
    mean_shift,
    most_risen,
    psi,
    risen_share,
    spike,
    total_variation,
)
from slipway.profile.joint import cell_counts, floored_psi, kept_counts

OF_NUMBERS = ("psi", "jensen_shannon", "mean_shift", "ks", "out_of_range", "spike")
OF_CATEGORIES = ("psi", "jensen_shannon", "unseen", "vanished_share", "spike")
OF_CLOCKS = ("out_of_range",)


def held_measures(column: Column, flag: Flag | None) -> tuple[str, ...]:
    """Name the measures of a column that may alarm; of a clock only values from long before the reference."""
    if flag == "id" or column.type == "other":
        return ()
    if flag == "clock":
        return OF_CLOCKS if isinstance(column, NumberColumn) else ()
    if isinstance(column, NumberColumn):
        return OF_NUMBERS
    return (*OF_CATEGORIES, "cardinality_ratio") if column.type == "text" else OF_CATEGORIES


def feature_readings(column: Column, counts: ColumnCounts, rules: Rules, flag: Flag | None = None) -> Iterator[Reading]:
    """Every measure that a column of this type has."""
    if isinstance(column, NumberColumn) and isinstance(counts, NumberCounts):
        yield rules.reading("psi", column_psi(column, counts, rules))
        yield _jensen_shannon(column.bins(column.counts), column.bins(counts), rules)
        yield from _of_numbers(column, counts, rules, flag)
    elif isinstance(column, TextColumn) and isinstance(counts, TextCounts) and column.flag != "id":
        yield rules.reading("psi", column_psi(column, counts, rules))
        cells = column.cells_for(counts.n)
        sides = column.reference_bins(cells), column.bins(counts.values, cells)
        yield _jensen_shannon(*sides, rules, column.selection(cells))
        if column.type == "text":
            ratio = cardinality_ratio(column.spectrum, counts.spectrum(), z=rules.z)
            yield rules.reading("cardinality_ratio", ratio)
        if counts.n and column.n:
            yield from _of_categories(column, counts, rules)


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
    return _rise("missing", window.missing[name], window.raw_rows, profile.missing[name], profile.raw_rows, rules)


def unreadable_reading(name: str, profile: Profile, window: Counts, rules: Rules) -> Reading:
    """By how much the share of values rose that a row has and the model sees as null."""
    before = (profile.unreadable or {})[name]
    return _rise("unreadable", window.unreadable[name], window.raw_rows, before, profile.raw_rows, rules)


def _rise(measure: str, found: int, rows: int, seen: int, reference_rows: int, rules: Rules) -> Reading:
    if not rows or not reference_rows:
        return rules.reading(measure, None)
    risen = risen_share(found, rows, seen, reference_rows, z=rules.z)
    before = seen / reference_rows
    held = rules if risen.value > before else rules.silent()
    return held.reading(measure, Measure(risen.value - before, risen.by_chance - before))


def spike_place(column: Column, counts: ColumnCounts) -> dict[str, Any] | None:
    """Where one value became more frequent: the category, or between which numbers; with its share on both sides."""
    if isinstance(column, NumberColumn) and isinstance(counts, NumberCounts):
        before, after = column.counts.cells, counts.cells
        n, m = int(before.sum()), int(after.sum())
        at = most_risen(before, after, n, m) if n and m else None
        if at is None:
            return None
        ends = [float(column.edges[i]) if 0 <= i < column.edges.size else None for i in (at - 1, at)]
        return {"value": ends, "window": int(after[at]) / m, "reference": int(before[at]) / n}
    assert isinstance(column, TextColumn)
    assert isinstance(counts, TextCounts)
    told, before, after = sides_of(column.categories, column.is_whole, counts.values)
    at = most_risen(before, after, column.n, counts.n) if told and column.n else None
    if at is None:
        return None
    return {"value": told[at], "window": int(after[at]) / counts.n, "reference": int(before[at]) / column.n}


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


def _of_categories(column: TextColumn, counts: TextCounts, rules: Rules) -> Iterator[Reading]:
    known, values = column.categories, counts.values
    if column.is_whole:
        yield rules.reading("unseen", unseen(known, column.spectrum, values, z=rules.z))
    yield rules.reading("vanished_share", vanished(known, values, z=rules.z))
    yield rules.reading("spike", spike_of(known, column.is_whole, column.spectrum, values, z=rules.z))


def _of_numbers(column: NumberColumn, counts: NumberCounts, rules: Rules, flag: Flag | None) -> Iterator[Reading]:
    moved = mean_shift(column.moments(column.counts), column.moments(counts), z=rules.z)
    yield rules.reading("mean_shift", moved)
    n, m = int(column.counts.cells.sum()), int(counts.cells.sum())
    if not n or not m:
        return
    yield rules.reading("ks", kolmogorov_smirnov(column.counts.cells, counts.cells, z=rules.z))
    # What lies beyond the least and the greatest of n values is as much as what lies between two pairs of neighbours.
    beyond, seen = (column.far_before(counts), 0) if flag == "clock" else (column.beyond(counts), 1)
    yield rules.reading("out_of_range", risen_share(beyond, m, seen, n, z=rules.z))
    if flag is None:
        # The cells lie as the reference has them, so each of them could have been the one, however few rows it has.
        family = column.counts.cells.size
        yield rules.reading("spike", spike(column.counts.cells, counts.cells, n, m, family=family, z=rules.z))


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
