"""What a model predicts in; which values can be a truth of it out, for a JSON body and for the cell of a file alike."""

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from slipway.errors import DataError, near_miss
from slipway.records import Label

if TYPE_CHECKING:
    import polars as pl

_INT64 = 2**63
LARGEST = 10**45
"""Beyond it a truth is none: of errors with it, neither squares nor their variance and skewness could be told."""
_WHOLE = re.compile(r"0|-?[1-9][0-9]*")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]*)?([eE][+-]?[0-9]+)?")
_FLAGS = {"true": True, "false": False}
_NAMES = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}


@dataclass(frozen=True, slots=True)
class LabelType:
    """The Python types of a target's labels, and the labels that are known."""

    types: frozenset[type]
    classes: tuple[Label, ...] = ()
    """Those that the model was trained on; a new one can be true all the same."""

    def take(self, value: Any) -> Label | None:
        """A JSON value as a label; None for what is none, or is more than a column can hold.

        "001" is not 1, and true is no number; 1 and 1.0 are the same one.
        """
        if isinstance(value, float):
            if not abs(value) <= LARGEST:  # nor is what is no number
                return None
            if float not in self.types and int in self.types and value.is_integer():
                value = int(value)
        # type(), not isinstance: true is an int in Python and no number to a caller.
        if type(value) is int and not (int in self.types and -_INT64 <= value < _INT64):
            # 1.0 as JavaScript writes it, or more than a column of whole numbers holds.
            return float(value) if float in self.types and abs(value) <= LARGEST else None
        if isinstance(value, str) and not value.strip() and value not in self.classes:
            return None  # an empty answer to "what was it?" is none
        return value if type(value) in self.types else None

    def read(self, cell: str) -> Label | None:
        """The text of a CSV's cell as a label: a class by its text, else whatever of the types it can be read as.

        A file does not say whether 1 is a number or a text: what the model predicts does.
        """
        for text in (cell, cell.strip()):
            known = next((label for label in self.classes if str(label) == text), None)
            if known is not None:
                return known
        if self.types & {int, float} and (_WHOLE.fullmatch(cell) or _NUMBER.fullmatch(cell)):
            return self.take(int(cell) if _WHOLE.fullmatch(cell) else float(cell))
        if bool in self.types and cell.lower() in _FLAGS:
            return _FLAGS[cell.lower()]
        return self.take(cell)

    def of_column(self, column: "pl.Series", file: str) -> list[Label | None]:
        """The values of a table's target as labels; null where it has none.

        Other tools write 1.0 where there was a 1 as soon as a value is missing, and true, "True" or "true" for the
        same: whatever says one label is that label.

        Raises:
            DataError: a value is none that the model could predict; the message says in which row.
        """
        labels = []
        for row, value in enumerate(column.to_list(), start=1):
            is_missing = value is None or (isinstance(value, float) and math.isnan(value))
            label = None if is_missing else self._of_value(value)
            if label is None and not is_missing:
                raise DataError(
                    f"{file}: row {row}: `{column.name}` is {value!r}: expected {self.expected()}, as the model "
                    f"predicts.{self.near_miss(value)} Or leave the column out."
                )
            labels.append(label)
        return labels

    def _of_value(self, value: Any) -> Label | None:
        label = None if isinstance(value, str) else self.take(value)
        return self.read(str(value)) if label is None else label

    def is_new(self, label: Label) -> bool:
        """Whether it is a class that the model was not trained on."""
        return bool(self.classes) and not any(type(known) is type(label) and known == label for known in self.classes)

    def expected(self) -> str:
        """What a truth has to be, such as "a text"."""
        bound = f", within ±{LARGEST:.0e}".replace("+", "") if float in self.types and str not in self.types else ""
        return " or ".join(sorted(_NAMES[kind] for kind in self.types)) + bound

    def near_miss(self, value: Any) -> str:
        """A sentence that suggests the class that may be meant; empty where there are none."""
        return near_miss(str(value), [str(label) for label in self.classes])


ANY = LabelType(frozenset({str, int, float, bool}))


def label_type(kind: str, classes: tuple[Label, ...]) -> LabelType:
    """What can be true of a model's predictions.

    Args:
        classes: of a classifier, the labels that it knows; of one that does not say, none: then any label is taken.
    """
    if kind == "regression":
        return LabelType(frozenset({int, float}))
    return LabelType(frozenset(type(label) for label in classes), classes) if classes else ANY
