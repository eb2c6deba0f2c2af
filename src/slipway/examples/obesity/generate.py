"""The figures in figures.json → answers of people who do not exist, as untidy as answers of people are."""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

PEOPLE, TWICE = 2_111, 42
"""How many are drawn, and how many of them stand in the file a second time."""
FILE = Path("data/raw/obesity.csv")
COLUMNS = (
    "Gender", "Age", "Height", "Weight", "family_history_with_overweight", "FAVC", "FCVC", "NCP", "CAEC", "SMOKE",
    "CH2O", "SCC", "FAF", "TUE", "CALC", "MTRANS", "NObeyesdad",
)  # fmt: skip
NUMBERS = ("Age", "Height", "Weight", "FCVC", "NCP", "CH2O", "FAF", "TUE")

# Shares of the values of a column.
MISSING, PADDED = 0.01, 0.05
IMPOSSIBLE = 20  # values of a column of numbers that are some hundred times too large
NOTHINGS = ["", "", "", "", " NAN ", "N/A", "?", "NULL", "invalid"]

TALLER = 0.055
"""By how many metres men are above, and women below, the mean of both."""


def answers(*, people: int = PEOPLE, twice: int = TWICE, seed: int = 7) -> pl.DataFrame:
    """The answers as they were meant: `people` rows, and `twice` of them again at the end."""
    figures = json.loads(Path(__file__).with_name("figures.json").read_text(encoding="utf-8"))
    rng = np.random.default_rng(seed)
    names = np.array(list(figures["classes"]))
    share, women, family, calories, mass, height, age = (
        np.array(column) for column in zip(*figures["classes"].values(), strict=True)
    )
    drawn = rng.choice(names.size, people, p=share / share.sum())
    is_woman = rng.random(people) < women[drawn]
    # Within a class men are taller than women, by as much as leaves the class's mean where it is.
    tall = TALLER * np.where(is_woman, -(1 - women[drawn]), women[drawn]) * 2
    metres = np.clip(rng.normal(height[drawn, 0] + tall, 0.75 * height[drawn, 1]), 1.45, 1.98)
    kilograms = np.clip(rng.normal(*mass[drawn].T), 13, 51) * metres**2
    years = np.clip(age[drawn, 0] + age[drawn, 1] * (rng.gamma(2, size=people) - 2) / np.sqrt(2), 14, 61)
    values: dict[str, Any] = {
        "Gender": np.where(is_woman, "Female", "Male"),
        "Age": years,
        "Height": metres,
        "Weight": kilograms,
        "family_history_with_overweight": _yes(rng, family[drawn]),
        "FAVC": _yes(rng, calories[drawn]),
        "NObeyesdad": names[drawn],
    }
    values |= {name: _quantiles(rng, quantiles, people) for name, quantiles in figures["numbers"].items()}
    values |= {name: _ticked(rng, shares, people) for name, shares in figures["answers"].items()}
    table = pl.DataFrame(values).select(COLUMNS).with_columns(pl.col(NUMBERS).round(6))
    return pl.concat([table, table[rng.choice(people, twice, replace=False)]])


def untidy(table: pl.DataFrame, *, seed: int = 7) -> pl.DataFrame:
    """The same as people hand it in: gaps, odd spaces and capitals, impossible numbers, a column of no use."""
    rng = np.random.default_rng(seed)
    columns = {}
    for name in table.columns:
        values = table[name].to_numpy().copy()
        if name in NUMBERS:
            values[rng.choice(table.height, IMPOSSIBLE, replace=False)] *= rng.integers(110, 400, IMPOSSIBLE)
        texts = np.array([str(value) for value in values.tolist()], dtype=object)
        for row in np.flatnonzero(rng.random(table.height) < PADDED):
            texts[row] = f" {texts[row].swapcase()} "
        for row in np.flatnonzero(rng.random(table.height) < MISSING):
            texts[row] = str(rng.choice(NOTHINGS))
        columns[name] = texts.tolist()
    digits = rng.integers(0, 999, table.height)
    kinds = rng.choice(4, table.height, p=[0.11, 0.11, 0.10, 0.68])
    columns["mixed_type_col"] = [("", "unknown", "bad", str(digits[i]))[kind] for i, kind in enumerate(kinds)]
    # A text of no length would be written as "", which is an answer; a gap is none.
    return pl.DataFrame(columns).with_columns(pl.all().replace({"": None}))


def write(folder: Path, *, seed: int = 7) -> Path:
    """Write the untidy answers as the project's source; gives the file's path."""
    path = folder / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    untidy(answers(seed=seed), seed=seed).write_csv(path)
    return path


def _yes(rng: np.random.Generator, share: NDArray[np.float64]) -> NDArray[Any]:
    return np.where(rng.random(share.size) < share, "yes", "no")


def _quantiles(rng: np.random.Generator, quantiles: dict[str, float], rows: int) -> NDArray[np.float64]:
    at, values = np.array([float(q) for q in quantiles]), np.array(list(quantiles.values()), float)
    return np.interp(rng.random(rows), at, values)


def _ticked(rng: np.random.Generator, shares: dict[str, float], rows: int) -> NDArray[Any]:
    share = np.array(list(shares.values()))
    return rng.choice(np.array(list(shares)), rows, p=share / share.sum())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Write generated answers to data/raw/obesity.csv.")
    parser.add_argument("--seed", type=int, default=7)
    write(Path(__file__).parent, **vars(parser.parse_args()))
