"""False alarms and power of the monitor with its default thresholds, over 21 columns: two tables for docs/monitor.md.

    python benchmarks/monitor.py [--windows 500] [--drifted 60] [--write]

Rows are drawn from one fixed population. A window without drift is drawn as counts, which is the same as to draw its
rows and count them, and faster. `--write` puts the tables into the page.
"""

import argparse
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from slipway.monitor.check import Window, judge
from slipway.monitor.quality import Answers
from slipway.profile.columns import Column, NumberColumn, NumberCounts, TextColumn, TextCounts
from slipway.profile.count import ColumnCounts, Counts, Profile, build_profile
from slipway.project import Monitor

SIZES = (100, 300, 1_000, 10_000)
POPULATION = 30_000
REFERENCE = 2_000
TESTED = 500
WINDOWS_OF_ONE = 50
"""Windows that are held against one reference before another is drawn."""
PAGE = Path(__file__).resolve().parents[1] / "docs/monitor.md"
Random = np.random.Generator
Frame = pl.DataFrame


def text(codes: Any) -> pl.Series:
    return pl.Series(codes).cast(pl.String)


def towns(random: Random, rows: int) -> pl.Series:
    names = ["Köln", "München", "Düsseldorf", "Bonn", "Ulm", "Trier"]
    return pl.Series(random.choice(names, rows, p=[0.3, 0.25, 0.2, 0.15, 0.08, 0.02]))


COLUMNS: dict[str, Callable[[Random, int], Any]] = {
    "normal": lambda r, n: r.normal(size=n),
    "measured": lambda r, n: r.normal(20, 3, n).round(1),
    "skewed": lambda r, n: r.lognormal(0, 1.5, n),
    "heavy": lambda r, n: r.pareto(1.2, n),
    "cauchy": lambda r, n: r.standard_cauchy(n),
    "clustered": lambda r, n: r.choice([10.0, 50.0, 400.0], n, p=[0.5, 0.3, 0.2]) + r.normal(0, 0.5, n),
    "area": lambda r, n: r.gamma(2.0, 50.0, n),
    "counts": lambda r, n: r.poisson(3, n),
    "rooms": lambda r, n: r.integers(1, 6, n),
    "rare count": lambda r, n: r.poisson(0.02, n),
    "mostly zero": lambda r, n: r.exponential(1, n) * (r.random(n) < 0.3),
    "rounded": lambda r, n: r.normal(50, 20, n).round(-1),
    "often null": lambda r, n: np.where(r.random(n) < 0.1, np.nan, r.normal(size=n)),
    "mostly null": lambda r, n: np.where(r.random(n) < 0.9, np.nan, r.gamma(2.0, 50.0, n)),
    "flag": lambda r, n: r.random(n) < 0.02,
    "town": towns,
    "few": lambda r, n: text(r.choice(5, n, p=[0.6, 0.2, 0.1, 0.09, 0.01])),
    "forty": lambda r, n: text(r.zipf(1.3, n) % 40),
    "flat": lambda r, n: text(r.integers(0, 200, n)),
    "thousand": lambda r, n: text(r.zipf(1.2, n) % 1_000),
    "day": lambda r, n: pl.Series(r.integers(18_000, 18_365, n)).cast(pl.Date),
}


def table(random: Random, rows: int) -> Frame:
    """Rows of the population's kind."""
    return pl.DataFrame({name: draw(random, rows) for name, draw in COLUMNS.items()}, nan_to_null=True)


def answered(random: Random, rows: int, *, right: float = 0.82, rate: float = 0.18) -> Answers:
    """Truths of two classes, and answers of which a share is right."""
    truths = random.random(rows) < rate
    answers = np.where(random.random(rows) < right, truths, ~truths)
    names = np.array(["no", "yes"])
    return Answers(names[truths.astype(int)].tolist(), names[answers.astype(int)].tolist())


def given(random: Random, rows: int) -> list[str]:
    return [str(answer) for answer in random.choice(["low", "medium", "high"], rows, p=[0.5, 0.35, 0.15])]


@dataclass(frozen=True)
class Population:
    """Rows from which references and windows are drawn, with replacement."""

    rows: Frame

    def profile(self, random: Random, rows: int = REFERENCE, **asked: Any) -> Profile:
        """Count a reference."""
        learnt = self.rows[random.integers(0, self.rows.height, rows)]
        return build_profile(learnt, given(random, rows), learnt, kind="classification", **asked)

    def windows(self, profile: Profile, random: Random, rows: int, many: int) -> Iterator[Counts]:
        """Draw windows without drift, each column by itself, as counts over the profile's cells."""
        whole = {name: column.count(self.rows[name]) for name, column in profile.columns.items()}
        drawn = {name: _draws(profile.columns[name], whole[name], random, rows, many) for name in whole}
        for i in range(many):
            columns = {name: drawn[name][i] for name in whole}
            missing = {name: columns[name].nulls for name in profile.missing}
            answers = profile.prediction.count(pl.Series("prediction", given(random, rows)))
            yield Counts(rows, columns, answers, rows, missing, dict.fromkeys(profile.unreadable or {}, 0))


def _draws(column: Column, whole: ColumnCounts, random: Random, rows: int, many: int) -> list[ColumnCounts]:
    if isinstance(column, NumberColumn) and isinstance(whole, NumberCounts):
        counts = np.append(whole.cells, whole.nulls)
        drawn = random.multinomial(rows, counts / counts.sum(), many)
        # Sums are those of the cells' middles: no default threshold asks for them.
        return [NumberCounts(each[:-1], int(each[-1]), rows - int(each[-1]), 0.0, 0.0) for each in drawn]
    assert isinstance(column, TextColumn)
    assert isinstance(whole, TextCounts)
    names = sorted(whole.values)  # Polars counts in no order, and the draws should be the same each time
    times = np.array([*(whole.values[name] for name in names), whole.nulls])
    found: list[ColumnCounts] = []
    for _ in range(many):
        each = random.multinomial(rows, times / times.sum())
        seen = np.flatnonzero(each[:-1])
        found.append(TextCounts({names[at]: int(each[at]) for at in seen}, int(each[-1])))
    return found


def false_alarms(
    population: Population, rows: int, many: int, *, monitor: Monitor, has_truths: bool, reference: int = REFERENCE
) -> tuple[float, float]:
    """Judge windows without drift, against a new reference now and then.

    Returns:
        The share that alarms, and the share that asks for retraining.
    """
    random = np.random.default_rng([rows, reference])
    decisions = []
    while len(decisions) < many:
        profile, tested = population.profile(random, reference), answered(random, TESTED)
        for counts in population.windows(profile, random, rows, min(WINDOWS_OF_ONE, many - len(decisions))):
            window = Window(counts, answers=answered(random, rows) if has_truths else None)
            decisions.append(judge(monitor, profile, window, tested).decision)
    return tuple(float(np.mean([d in found for d in decisions])) for found in (("alarm", "retrain"), ("retrain",)))  # type: ignore[return-value]


def some(share: float, change: pl.Expr, name: str) -> pl.Expr:
    """Change this share of a column's rows: their order says nothing."""
    return pl.when(pl.int_range(pl.len()) < share * pl.len()).then(change).otherwise(pl.col(name)).alias(name)


def mojibake(name: str) -> pl.Expr:
    return pl.col(name).str.replace_all("ü", "Ã¼").str.replace_all("ö", "Ã¶")


ROWS: dict[str, list[pl.Expr]] = {
    "null in 5 % of the rows of a column that had none": [some(0.05, pl.lit(None), "area")],
    "null in 20 % of the rows, 10 % before": [some(0.11, pl.lit(None), "often null")],
    "null in every row": [pl.lit(None, dtype=pl.Float64).alias("measured")],
    "a unit wrong by 1,000 in 10 % of the rows": [some(0.1, pl.col("area") * 1_000, "area")],
    "a unit wrong by 10 in 10 % of the rows": [some(0.1, pl.col("area") * 10, "area")],
    "a unit wrong by 1,000 the other way in 10 % of the rows": [some(0.1, pl.col("area") / 1_000, "area")],
    "a unit wrong by 10 in every row": [pl.col("skewed") * 10],
    "−1 in 5 % of the rows": [some(0.05, pl.lit(-1.0), "area")],
    "999 in 5 % of the rows": [some(0.05, pl.lit(999), "counts")],
    "0, a value within the range, in 10 % of the rows": [some(0.1, pl.lit(0.0), "normal")],
    "“unknown” in 5 % of the rows": [some(0.05, pl.lit("unknown"), "few")],
    "an empty text in 10 % of the rows, of 1,000 categories": [some(0.1, pl.lit(""), "thousand")],
    "1900-01-01 in 5 % of the rows of a date": [some(0.05, pl.date(1900, 1, 1), "day")],
    "values cut off at the 80 % quantile": [pl.col("area").clip(upper_bound=149.7)],
    "texts cut to three letters": [pl.col("town").str.head(3)],
    "two columns swapped": [pl.col("area").alias("measured"), pl.col("measured").alias("area")],
    "every category in capitals": [pl.col("town").str.to_uppercase()],
    "one category of 8 % in another case": [pl.col("town").replace("Ulm", "ULM")],
    "categories in another encoding": [mojibake("town")],
    "a constant number": [pl.lit(20.0).alias("measured")],
    "a constant category": [pl.lit("Köln").alias("town")],
    "a mean half a standard deviation up": [pl.col("normal") + 0.5],
    "a mean one standard deviation up": [pl.col("normal") + 1.0],
}
TRUTHS: dict[str, dict[str, float]] = {
    "truths that contradict the answers (accuracy 0.82 → 0.18)": {"right": 0.18},
    "a third of the answers wrong (accuracy 0.82 → 0.65)": {"right": 0.65},
    "accuracy 0.82 → 0.72": {"right": 0.72},
    "a base rate of 31 %, 18 % before": {"rate": 0.31},
    "a base rate of 26 %, 18 % before": {"rate": 0.26},
}


def power(population: Population, shift: str, rows: int, many: int) -> float:
    """The share of windows with a shift that alarm."""
    random = np.random.default_rng([rows, len(shift)])
    alarms = 0
    for i in range(many):
        if i % 5 == 0:
            profile, tested = population.profile(random), answered(random, TESTED)
        drawn = population.rows[random.integers(0, population.rows.height, rows)]
        drifted = drawn.with_columns(ROWS.get(shift, []))
        counts = profile.count(drifted, given(random, rows), drifted)
        truths = answered(random, rows, **TRUTHS[shift]) if shift in TRUTHS else None
        alarms += judge(Monitor(), profile, Window(counts, answers=truths), tested).decision != "none"
    return alarms / many


HEAD = "| {} | " + " | ".join(f"{rows:,} rows" for rows in SIZES) + " |\n|---|" + "---|" * len(SIZES)


def budget_table(population: Population, windows: int) -> str:
    """The share of windows without drift that alarm, by their size."""
    lines = [HEAD.format("windows without drift that alarm")]
    for reference in (500, REFERENCE, 10_000):
        found = [
            false_alarms(population, m, windows, monitor=Monitor(), has_truths=True, reference=reference)[0]
            for m in SIZES
        ]
        lines.append(_line(f"{reference:,} rows learnt from", [f"{100 * share:.2f} %" for share in found]))
    return "\n".join(lines)


def power_table(population: Population, windows: int) -> str:
    """The share of windows with a shift that alarm, by the shift and the size."""
    lines = [HEAD.format("windows that alarm")]
    for shift in (*ROWS, *TRUTHS):
        found = [power(population, shift, rows, max(windows // (5 if rows > 1_000 else 1), 10)) for rows in SIZES]
        lines.append(_line(shift, [f"{100 * share:.0f} %" for share in found]))
    return "\n".join(lines)


def _line(name: str, cells: Sequence[str]) -> str:
    return f"| {name} | {' | '.join(cells)} |"


def written(page: str, tables: dict[str, str]) -> str:
    """The page with each table between its two marks."""
    for name, lines in tables.items():
        marks = f"<!-- {name}: benchmarks/monitor.py -->", f"<!-- end of {name} -->"
        page = re.sub(
            f"{re.escape(marks[0])}.*?{re.escape(marks[1])}",
            lambda _, lines=lines, marks=marks: f"{marks[0]}\n{lines}\n{marks[1]}",
            page,
            flags=re.DOTALL,
        )
    return page


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--windows", type=int, default=500, help="without drift, for each size")
    parser.add_argument("--drifted", type=int, default=60, help="of each shift and size; a fifth of 10,000 rows")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/monitor.md")
    asked = parser.parse_args()
    population = Population(table(np.random.default_rng(5), POPULATION))
    tables = {"power": power_table(population, asked.drifted), "budget": budget_table(population, asked.windows)}
    print("\n\n".join(tables.values()))
    if asked.write:
        PAGE.write_text(written(PAGE.read_text(encoding="utf-8"), tables), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
