"""The kind of model that a column to predict asks for, and why."""

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slipway.errors import ProjectError, near_miss
from slipway.new.notation import quantity
from slipway.project.facts import ModelKind
from slipway.tables.column_types import NOTHING

if TYPE_CHECKING:
    import polars as pl

LEAST_ROWS = 10
_FEW = 10
"""Whole numbers with at most this many values are taken for classes."""
_MOST_CLASSES = 100
_CODE = "NA"
"""The word for nothing that is a code as well: of Namibia, of North America."""
_RARE = 5
_USUAL_NAMES = (
    "target", "label", "class", "y", "outcome", "churn", "churned", "survived", "default", "result", "diagnosis",
    "species", "category", "price", "sales", "quality", "score", "rating", "status",
)  # fmt: skip
_PERHAPS_NOTHING = frozenset(word.lower() for word in NOTHING) | {
    "-", "--", "---", ".", "..", "none", "nil", "n.a.", "n.a", "#value!", "#name?", "unknown", "missing", "undefined",
}  # fmt: skip
"""Texts that may be a class, or say that there is none."""


@dataclass(frozen=True, slots=True)
class Target:
    """What is predicted."""

    name: str
    kind: ModelKind
    why: str
    """Why this kind, to be read after "classification, since"."""
    missing: int
    """Rows that have none, and can't teach."""
    warnings: tuple[str, ...] = ()
    """What is odd about it, a sentence each."""
    literal_labels: tuple[str, ...] = ()
    """Words that are labels of it, though they are usually read as null."""
    missing_words: str = ""
    """What stands in the file in rows that have none, to be read after "are passed over"."""


def literal_labels(values: "pl.Series", words: Mapping[str, int]) -> tuple[str, ...]:
    """Find words that are labels of a target, though they were read as null: NA, where the others are such codes too.

    Args:
        words: what stands in the file where the column has null, and in how many rows.
    """
    import polars as pl

    if values.dtype != pl.String or words.get(_CODE, 0) < _RARE:
        return ()
    others = values.drop_nulls().unique()
    are_codes = 2 <= others.len() <= _MOST_CLASSES and bool(others.str.contains(r"^[A-Z]{2,5}$").all())
    return (_CODE,) if are_codes else ()


def judge_target(
    table: "pl.DataFrame", name: str | None, words: Mapping[str, int] | None = None, literal: tuple[str, ...] = ()
) -> Target:
    """Say what kind of model a target asks for.

    Args:
        words: what stands in the file where the table has null, and in how many rows; blanks aside.
        literal: words that are labels here, though they are usually read as null.

    Raises:
        ProjectError: no target is named, there is no such column, or nothing can be learnt about it.
    """
    if name is None:
        raise ProjectError(_choice(table))
    if name not in table.columns:
        raise ProjectError(f"--target {name}: the table has no such column.{near_miss(name, table.columns)}")
    values = table[name].drop_nulls()
    _refuse_type(values)
    missing = table.height - values.len()
    said = _missing_words(words or {}, missing)
    if values.len() < LEAST_ROWS:
        known = f" ({missing} have no `{name}`{said})" if missing else ""
        raise ProjectError(f"{table.height} rows{known} are too few to learn from and to test on: give {LEAST_ROWS}.")
    distinct = values.n_unique()
    if distinct == 1:
        others = f" where it is known; {missing:,} rows have none{said}" if said else ""
        raise ProjectError(f"--target {name}: always {values[0]!r}{others}: there is nothing to predict.")
    kind, why = _kind(values, distinct)
    warnings = tuple(_warnings(values, kind, table.height, literal))
    return Target(name, kind, why, missing, warnings, literal, said)


def word_counts(words: Mapping[str, int]) -> str:
    """Some words and how often each stands in a column: `"NA" (12 rows), "?" (1 row)`."""
    ordered = sorted(words.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f'"{word}" ({count:,} {"row" if count == 1 else "rows"})' for word, count in ordered)


def _missing_words(words: Mapping[str, int], missing: int) -> str:
    blank = missing - sum(words.values())
    said = [word_counts(words)] if words else []
    said += [f"nothing ({blank:,} {'row' if blank == 1 else 'rows'})"] if blank and words else []
    return f": there stands {' or '.join(said)}, which means that it is not known" if said else ""


def _warnings(values: "pl.Series", kind: ModelKind, rows: int, literal: tuple[str, ...]) -> Iterator[str]:
    import polars as pl

    name, count, distinct = values.name, values.len(), values.n_unique()
    if count < rows / 2:
        yield f"`{name}` is mostly null: {count:,} of {rows:,} rows have it, and only these teach."
    if kind == "regression":
        if distinct == count and count >= 20 and values.dtype.is_integer():
            yield f"`{name}` is another whole number in each row: is it an id?"
        return
    if values.dtype == pl.String:
        doubtful = [text for text in values.unique().sort() if text.strip().lower() in _PERHAPS_NOTHING]
        for text in doubtful:
            having = int((values == text).sum())
            if text in literal:
                yield (
                    f'"{text}" is taken for a class of `{name}` ({having:,} rows), since the others are such codes. '
                    "If it says that nothing is known, take `literal_labels` out of slipway.toml."
                )
                continue
            yield f'`{name}` has the class "{text}" in {having:,} rows: if it says that nothing is known, empty them.'
    counts = values.value_counts(sort=True)
    most, share = counts.row(0)[0], counts["count"][0] / count
    if share > 0.95:
        yield f"`{name}` is nearly constant: {most!r} in {share:.1%} of the rows; the rest are few to learn from."
    rare = counts.filter(counts["count"] < _RARE)
    if rare.height:
        listed = ", ".join(repr(value) for value in rare.to_series().sort().head(3))
        classes = "one class" if rare.height == 1 else f"{rare.height} classes"
        yield f"`{name}` has {classes} with fewer than {_RARE} rows, such as {listed}: hardly learnt."
    if distinct > count / 5 and distinct > _FEW:
        yield f"`{name}` is nearly unique: {distinct:,} values in {count:,} rows."


def _kind(values: "pl.Series", distinct: int) -> tuple[ModelKind, str]:
    import polars as pl

    name = values.name
    if values.dtype == pl.Boolean:
        return "classification", f"`{name}` is true or false"
    if values.dtype in (pl.String, pl.Categorical, pl.Enum):
        if distinct > _FEW and (number := quantity(values.cast(pl.String), has_semicolons=False)):
            raise ProjectError(
                f'--target {name}: its numbers are inside texts, such as "{number.example}". A truth that comes later '
                f"is a plain number, so write them as such in the file: {number.value:g}."
            )
        if distinct > _MOST_CLASSES or distinct > values.len() / 2:
            raise ProjectError(
                f"--target {name}: {distinct:,} different texts in {values.len():,} rows are too many for classes. "
                "Name another column, or join what is alike."
            )
        tidy = values.cast(pl.String).str.strip_chars().str.to_lowercase().n_unique()
        warning = f" ({tidy} but for case and spaces: mend these in the file)" if tidy < distinct else ""
        return "classification", f"`{name}` is text with {distinct} values{warning}"
    whole = values.dtype.is_integer() or bool((values == values.round(0)).all())
    if whole and distinct <= _FEW:
        return "classification", f"`{name}` has {distinct} whole numbers as values, too few for an amount"
    return "regression", f"`{name}` is a number with {distinct:,} different values"


def _refuse_type(values: "pl.Series") -> None:
    """Refuse what no request and no model could give as an answer."""
    import polars as pl

    dtype, name = values.dtype, values.name
    is_known = dtype.is_numeric() or dtype in (pl.String, pl.Categorical, pl.Enum, pl.Boolean, pl.Null)
    if not is_known or dtype in (pl.Int128, pl.UInt128):
        raise ProjectError(f"--target {name}: it is of type {dtype}; a target is text, a truth or a number.")
    if dtype.is_float() and (odd := values.len() - int(values.is_finite().sum())):
        raise ProjectError(f"--target {name}: NaN or infinity in {odd:,} rows: empty these cells, or correct them.")


def _choice(table: "pl.DataFrame") -> str:
    """The columns with what is in them, and which is likely meant, for somebody who has named none."""
    guess, why = _guess(table)
    rows = [("column", "type", "distinct", "nulls", "")]
    for column in table.iter_columns():
        note = f"<- perhaps: {why}" if column.name == guess else ""
        distinct = "?" if column.dtype.is_nested() else f"{column.drop_nulls().n_unique():,}"
        rows.append((column.name, _type(column), distinct, f"{column.null_count():,}", note))
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    lines = []
    for name, dtype, distinct, nulls, note in rows:
        counts = f"{distinct:>{widths[2]}}  {nulls:>{widths[3]}}"
        lines.append(f"  {name:<{widths[0]}}  {dtype:<{widths[1]}}  {counts}  {note}".rstrip())
    return "\n".join(
        [
            f"Which column is to be predicted? Say --target COLUMN, such as --target {shlex.quote(guess)}. "
            f"{table.height:,} rows:",
            *lines,
        ]
    )


def _type(column: "pl.Series") -> str:
    import polars as pl

    dtype = column.dtype
    if dtype in (pl.String, pl.Categorical) or isinstance(dtype, pl.Enum):
        return "text"
    if dtype == pl.Boolean:
        return "true or false"
    return "whole number" if dtype.is_integer() else "number" if dtype.is_numeric() else str(dtype).lower()


def _guess(table: "pl.DataFrame") -> tuple[str, str]:
    """The likeliest target and why: a usual name, else the last column that something can be learnt about."""
    by_name = {re.sub(r"[^a-z]+", "_", name.lower()).strip("_"): name for name in reversed(table.columns)}
    for usual in _USUAL_NAMES:
        found = [name for plain, name in by_name.items() if plain == usual or plain.endswith(f"_{usual}")]
        if found and _can_be_learnt(table[found[-1]]):
            return found[-1], "its name says so"
    learnable = [column.name for column in table.iter_columns() if _can_be_learnt(column)]
    few = [name for name in learnable if table[name].drop_nulls().n_unique() <= _FEW]
    if few:
        return few[-1], f"the last with few values ({table[few[-1]].drop_nulls().n_unique()})"
    return (learnable or table.columns)[-1], "the last column"


def _can_be_learnt(column: "pl.Series") -> bool:
    if column.dtype.is_nested():
        return False
    given = column.drop_nulls()
    distinct = given.n_unique()
    return distinct > 1 and (column.dtype.is_numeric() or distinct <= min(_MOST_CLASSES, max(_FEW, given.len() // 2)))
