"""The column to predict in, the kind of model out, and a word on why."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from slipway.errors import ProjectError, near_miss
from slipway.project.facts import ModelKind

if TYPE_CHECKING:
    import polars as pl

LEAST_ROWS = 10
_FEW = 10
"""Whole numbers with at most this many values are taken for classes."""
_MOST_CLASSES = 100
_USUAL_NAMES = ("target", "label", "class", "y", "outcome", "churn", "price", "result", "default", "survived")


@dataclass(frozen=True, slots=True)
class Target:
    """What is predicted."""

    name: str
    kind: ModelKind
    why: str
    """Why this kind, to be read after "classification, since"."""
    missing: int
    """Rows that have none, and can't teach."""


def judge_target(table: "pl.DataFrame", name: str | None) -> Target:
    """Say what kind of model a target asks for.

    Raises:
        ProjectError: no target is named, there is no such column, or nothing can be learnt about it.
    """
    if name is None:
        raise ProjectError(
            f"Which column is to be predicted? Say --target COLUMN; `{_guess(table)}`, perhaps. "
            f"The columns are: {', '.join(table.columns)}."
        )
    if name not in table.columns:
        raise ProjectError(f"--target {name}: the table has no such column.{near_miss(name, table.columns)}")
    values = table[name].drop_nulls()
    missing = table.height - values.len()
    if values.len() < LEAST_ROWS:
        known = f" ({missing} have no `{name}`)" if missing else ""
        raise ProjectError(f"{table.height} rows{known} are too few to learn from and to test on: give {LEAST_ROWS}.")
    distinct = values.n_unique()
    if distinct == 1:
        raise ProjectError(f"--target {name}: always {values[0]!r}: there is nothing to predict.")
    kind, why = _kind(values, distinct)
    return Target(name, kind, why, missing)


def _kind(values: "pl.Series", distinct: int) -> tuple[ModelKind, str]:
    import polars as pl

    name = values.name
    if values.dtype == pl.Boolean:
        return "classification", f"`{name}` is true or false"
    if values.dtype in (pl.String, pl.Categorical, pl.Enum):
        if distinct > _MOST_CLASSES or distinct > values.len() / 2:
            raise ProjectError(
                f"--target {name}: {distinct:,} different texts in {values.len():,} rows are too many for classes. "
                "If it is a number with a unit, write it as a number; else name another column."
            )
        tidy = values.cast(pl.String).str.strip_chars().str.to_lowercase().n_unique()
        warning = f" ({tidy} but for case and spaces: mend these in the file)" if tidy < distinct else ""
        return "classification", f"`{name}` is text with {distinct} values{warning}"
    if not values.dtype.is_numeric():
        raise ProjectError(f"--target {name}: it is of type {values.dtype}; a target is text, a truth or a number.")
    whole = values.dtype.is_integer() or bool((values == values.round(0)).all())
    if whole and distinct <= _FEW:
        return "classification", f"`{name}` has {distinct} whole numbers as values; for a number, say kind = regression"
    return "regression", f"`{name}` is a number with {distinct:,} different values"


def _guess(table: "pl.DataFrame") -> str:
    usual = [c for c in table.columns if c.lower() in _USUAL_NAMES]
    learnable = [c for c in table.columns if 1 < table[c].n_unique() <= max(_FEW, table.height // 2)]
    return (usual or learnable[-1:] or table.columns[-1:])[0]
