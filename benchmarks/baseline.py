"""Tables in; how good the model of a written project is on each, beside skrub's `tabular_pipeline`, out.

    python benchmarks/baseline.py [TABLE…]

Five folds, the same for both, drawn at random; both learn from the columns that `slipway new` keeps. Needs skrub, which
Slipway does not. Real tables are looked for in ../shared/data.
"""

import os
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import polars as pl
import sklearn.datasets
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import KFold, StratifiedKFold

from slipway.new.code import pipeline_text
from slipway.new.columns import Judged, judge
from slipway.tables.files import read_table

SHARED = Path(__file__).parents[2] / "shared/data"
FOLDS = 5


@dataclass(frozen=True)
class Compared:
    """One table: both scores fold by fold, and seconds to fit and answer."""

    rows: int
    columns: int
    kind: str
    ours: list[float]
    skrub: list[float]
    our_seconds: float
    skrub_seconds: float

    def line(self, name: str) -> str:
        gaps = np.array(self.ours) - np.array(self.skrub)
        noise = gaps.std(ddof=1) / FOLDS**0.5
        return (
            f"| {name} | {self.rows:,} × {self.columns} | {self.kind} | {np.mean(self.ours):.4f} | "
            f"{np.mean(self.skrub):.4f} | {gaps.mean():+.4f} ± {noise:.4f} | "
            f"{self.our_seconds:.2f} | {self.skrub_seconds:.2f} |"
        )


def bunch(load: Callable[..., Any]) -> Callable[[], pl.DataFrame]:
    """A data set of scikit-learn's own, which comes with it."""

    def read() -> pl.DataFrame:
        frame = load(as_frame=True).frame
        return pl.DataFrame({str(name): frame[name].to_numpy() for name in frame.columns})

    return read


def shared(path: str, *without: str) -> Callable[[], pl.DataFrame]:
    """A real table, if it is there."""
    return lambda: read_table(SHARED / path).drop(*without, strict=False)


def words() -> pl.DataFrame:
    """Made rows with free text, a high cardinality and a date, of which each tells a part of the price."""
    rng = np.random.default_rng(3)
    rows, nouns = 4_000, [f"word{i}" for i in range(400)]
    worth = rng.normal(0, 1, len(nouns))
    chosen = [rng.choice(len(nouns), 8, replace=False) for _ in range(rows)]
    street, days = rng.integers(0, 900, rows), rng.integers(0, 1_500, rows)
    quality = rng.normal(0, 1, 900)
    area = rng.uniform(30, 200, rows)
    price = 20 * area + 200 * quality[street] + 300 * np.array([worth[c].sum() for c in chosen]) + days
    return pl.DataFrame(
        {
            "area": [f"{a:.0f} m2" for a in area],
            "street": [f"street {s}" for s in street],
            "listed": pl.Series(days).cast(pl.Int32).cast(pl.Date),
            "text": [" ".join(nouns[i] for i in c) for c in chosen],
            "price": price + rng.normal(0, 100, rows),
        }
    )


def friedman() -> pl.DataFrame:
    """Friedman's first function, 5,000 rows."""
    x, y = sklearn.datasets.make_friedman1(5_000, noise=1.0, random_state=7)
    return pl.DataFrame({f"x{i}": x[:, i] for i in range(x.shape[1])}).with_columns(y=y)


HOUSING = "housing/istanbul_listings_decoded.csv"
TABLES: dict[str, tuple[Callable[[], pl.DataFrame], str]] = {
    "iris": (bunch(sklearn.datasets.load_iris), "target"),
    "wine": (bunch(sklearn.datasets.load_wine), "target"),
    "breast cancer": (bunch(sklearn.datasets.load_breast_cancer), "target"),
    "digits": (bunch(sklearn.datasets.load_digits), "target"),
    "diabetes": (bunch(sklearn.datasets.load_diabetes), "target"),
    "friedman": (friedman, "y"),
    "words": (words, "price"),
    "housing": (shared(HOUSING, "price_category", "split", "listing_id"), "price_category_name"),
    "housing, rooms": (
        shared(HOUSING, "price_category", "split", "listing_id", "price_category_name"),
        "NumberOfRooms",
    ),
    "obesity": (shared("obesity/ObesityDataSet_raw_and_data_sinthetic.csv"), "NObeyesdad"),
    "obesity, clean": (shared("obesity/dataset_limpio.csv"), "NObeyesdad"),
}


def compare(table: pl.DataFrame, target: str) -> Compared:
    """Both on the same folds. Rows are split at random: the question is how well the columns are used."""
    import skrub

    table = table.drop_nulls(target)
    judged = judge(table, target)
    is_class = judged.target.kind == "classification"
    stages = _stages(judged)
    # What is left out of ours for a reason that holds for both (ids, twins of the target) is left out of skrub's.
    given = table.select(column.name for column in judged.kept)
    features = stages["features"](table.drop(target)).with_columns(table[target])
    truth = table[target].to_numpy()
    score = accuracy_score if is_class else r2_score
    folds = (StratifiedKFold if is_class else KFold)(FOLDS, shuffle=True, random_state=0)
    ours, theirs, our_seconds, their_seconds = [], [], 0.0, 0.0
    for learn, test in folds.split(truth, truth):
        begun = time.perf_counter()
        answers = stages["model"](features[learn]).predict(features[test].drop(target))
        our_seconds += time.perf_counter() - begun
        ours.append(float(score(truth[test], answers)))
        begun = time.perf_counter()
        peer = skrub.tabular_pipeline("classification" if is_class else "regression")
        answers = peer.fit(given[learn], truth[learn]).predict(given[test])
        their_seconds += time.perf_counter() - begun
        theirs.append(float(score(truth[test], answers)))
    kind = "accuracy" if is_class else "R²"
    return Compared(table.height, table.width, kind, ours, theirs, our_seconds / FOLDS, their_seconds / FOLDS)


def _stages(judged: Judged) -> dict[str, Any]:
    namespace: dict[str, Any] = {"__name__": "pipeline"}
    leaf = min(20, max(2, judged.rows // 7))
    exec(pipeline_text(judged, leaf=leaf, seed=7), namespace)
    return namespace


def main(wanted: list[str]) -> None:
    warnings.simplefilter("ignore")
    print("| table | rows × columns | measure | ours | skrub | ours − skrub | s | skrub s |")
    print("|---|---|---|---|---|---|---|---|")
    for name in wanted or TABLES:
        read, target = TABLES[name]
        try:
            table = read()
        except Exception as error:
            print(f"| {name} | not here: {error} |")
            continue
        print(compare(table, target).line(name), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
