"""What the questionnaire allows in; its answers cleaned, and the rows that have a class, out."""

from typing import Literal

import polars as pl

TARGET = "NObeyesdad"
CLASSES = (
    "Insufficient_Weight",
    "Normal_Weight",
    "Overweight_Level_I",
    "Overweight_Level_II",
    "Obesity_Type_I",
    "Obesity_Type_II",
    "Obesity_Type_III",
)
HOW_OFTEN = ("no", "Sometimes", "Frequently", "Always")
CATEGORIES = {
    "Gender": ("Female", "Male"),
    "family_history_with_overweight": ("yes", "no"),
    "FAVC": ("yes", "no"),
    "CAEC": HOW_OFTEN,
    "SMOKE": ("yes", "no"),
    "SCC": ("yes", "no"),
    "CALC": HOW_OFTEN,
    "MTRANS": ("Public_Transportation", "Automobile", "Walking", "Motorbike", "Bike"),
}
"""The answers that may be ticked, as they are spelt."""
RANGES = {
    "Age": (5, 110),
    "Height": (1, 2.5),
    "Weight": (20, 200),
    "FCVC": (1, 3),
    "NCP": (1, 4),
    "CH2O": (1, 3),
    "FAF": (0, 3),
    "TUE": (0, 2),
}
"""What a person or the questionnaire allows: years, metres, kilograms, and scales of answers."""
NOTHING = ("", "nan", "n/a", "na", "null", "none", "?", "invalid", "error", "unknown", "bad")
"""What stands for no answer, in small letters."""


def spelt(column: str, known: tuple[str, ...]) -> pl.Expr:
    """The known spelling of " sOMETIMES "; an answer that is not known stays as it is, and counts as new."""
    text = pl.col(column).cast(pl.String).str.strip_chars()
    small = text.str.to_lowercase()
    found = small.replace_strict({answer.lower(): answer for answer in known}, default=text, return_dtype=pl.String)
    return pl.when(~small.is_in(NOTHING)).then(found).alias(column)


def in_range(column: str, low: float, high: float) -> pl.Expr:
    number = pl.col(column).cast(pl.String).str.strip_chars().cast(pl.Float64, strict=False)
    return pl.when(number.is_between(low, high)).then(number).alias(column)


def body_mass() -> pl.Expr:
    """Kilograms a square metre; heights are metres here, not centimetres."""
    return (pl.col("Weight") / pl.col("Height") ** 2).alias("body_mass_index")


def labelled(table: pl.DataFrame) -> pl.DataFrame:
    """The rows that have a class, in its known spelling. A request has none, so this is no part of `eda`."""
    return table.with_columns(spelt(TARGET, CLASSES)).drop_nulls(TARGET)


def rows_in(table: pl.DataFrame, other: pl.DataFrame, how: Literal["semi", "anti"]) -> pl.DataFrame:
    """The rows whose content `other` has ("semi") or has not ("anti"), in their order."""
    return table.join(other, on=other.columns, how=how, nulls_equal=True, maintain_order="left")
