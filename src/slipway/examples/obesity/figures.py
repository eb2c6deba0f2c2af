"""Tables and a report of drift in, figures out."""

from typing import Any

import numpy as np
import polars as pl

try:
    from matplotlib.figure import Figure
except ModuleNotFoundError as missing:
    raise ModuleNotFoundError("the figures are drawn by matplotlib: pip install 'slipway[figures]'") from missing

BEFORE, AFTER = "#3a6ea5", "#d1682c"
LEVELS = {"none": BEFORE, "alert": "#e0a030", "critical": "#b03a2e"}


def draw_classes(table: pl.DataFrame, target: str, classes: tuple[str, ...]) -> Figure:
    """How many people are in each class, and how their body mass lies."""
    figure = _figure(10, 4)
    counts, masses = figure.subplots(1, 2, sharey=True)
    groups = [table.filter(pl.col(target) == name)["body_mass_index"] for name in classes]
    names = [name.replace("_", " ") for name in classes]
    counts.barh(names, [group.len() for group in groups], color=BEFORE)
    counts.set(title="people", xlabel="rows")
    masses.boxplot(
        [group.drop_nulls().to_numpy() for group in groups],
        positions=range(len(names)),
        orientation="horizontal",
        tick_labels=names,
        flierprops={"markersize": 2},
    )
    masses.set(title="body mass", xlabel="kg / m²")
    return figure


def draw_answers(table: pl.DataFrame, columns: tuple[str, ...]) -> Figure:
    """Which answers are ticked, and how often."""
    figure = _figure(12, 6)
    for axes, name in zip(figure.subplots(2, 4).flat, columns, strict=True):
        counts = table[name].drop_nulls().value_counts(sort=True)
        axes.barh([answer.replace("_", " ")[:12] for answer in counts[name]], counts["count"], color=BEFORE)
        axes.set_title(name, fontsize=9)
        axes.tick_params(labelsize=8)
    return figure


def draw_numbers(table: pl.DataFrame, columns: tuple[str, ...], after: pl.DataFrame | None = None) -> Figure:
    """How each number is distributed; over it, where there is an `after`, how it is then."""
    figure = _figure(12, 6)
    for axes, name in zip(figure.subplots(2, 4).flat, columns, strict=True):
        sides = [table[name].drop_nulls().to_numpy()]
        if after is not None:
            sides.append(after[name].drop_nulls().to_numpy())
        edges = np.histogram_bin_edges(np.concatenate(sides), bins=30)
        for side, color, label in zip(sides, (BEFORE, AFTER), ("before", "after"), strict=False):
            axes.hist(side, edges, color=color, alpha=0.6, label=label)
        axes.set_title(name, fontsize=9)
        axes.tick_params(labelsize=8)
    if after is not None:
        axes.legend(fontsize=8)
    return figure


def draw_correlations(table: pl.DataFrame, columns: tuple[str, ...]) -> Figure:
    """How the numbers go together, two by two, where both are known."""
    known = table.select(columns).drop_nulls()
    values = np.corrcoef(known.to_numpy(), rowvar=False)
    figure = _figure(7, 6)
    axes = figure.subplots()
    image = axes.imshow(values, cmap="RdBu_r", vmin=-1, vmax=1)
    axes.set_xticks(range(len(columns)), columns, rotation=45, ha="right", fontsize=8)
    axes.set_yticks(range(len(columns)), columns, fontsize=8)
    for (row, column), value in np.ndenumerate(values):
        ink = "white" if abs(value) > 0.6 else "black"
        axes.text(column, row, f"{value:.2f}", ha="center", va="center", fontsize=7, color=ink)
    figure.colorbar(image)
    return figure


def draw_indices(report: dict[str, Any]) -> Figure:
    """The stability index of each number, and the relative drop of each measure of quality."""
    figure = _figure(10, 4)
    for axes, part, value in zip(figure.subplots(1, 2), ("columns", "quality"), ("psi", "drop"), strict=True):
        found = report[part]
        colors = [LEVELS[one["level"]] for one in found.values()]
        axes.barh(list(found), [one[value] for one in found.values()], color=colors)
        for threshold, level in zip(report["thresholds"][value], ("alert", "critical"), strict=True):
            axes.axvline(threshold, color=LEVELS[level], linestyle="--", linewidth=1, label=level)
        axes.legend(fontsize=8)
        axes.invert_yaxis()
        axes.set_title({"psi": "population stability index", "drop": "relative drop"}[value], fontsize=10)
    return figure


def _figure(width: float, height: float) -> Figure:
    return Figure(figsize=(width, height), layout="constrained")
