"""The fitted steps before a scikit-learn model in, a short way from columns of values to the model's matrix out.

A row spends most of its time in the checks and copies of these steps, which cost the same for one row as for thousands.
What they do to a category is asked of them once, and looked up afterwards.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]
Columns = Sequence[Sequence[Any]]
"""The values of each column, with None for what is missing."""

UNSEEN_TEXT = "\x00 not seen in training"

_CATEGORICAL = ("OrdinalEncoder", "OneHotEncoder")


class NotKnown(Exception):
    """A step, or a value, that the short way has no rule for: the library's own way is to be taken."""


@dataclass(frozen=True, slots=True)
class Lookup:
    """Columns of the matrix that depend on one category."""

    source: int
    at: slice
    codes: dict[Any, NDArray[np.float64]]
    unseen: NDArray[np.float64] | None
    """None where an unseen category is an error."""

    def fill(self, matrix: Matrix, columns: Columns) -> None:
        codes, unseen = self.codes, self.unseen
        try:
            found = [codes.get(value, unseen) for value in columns[self.source]]
        except TypeError as error:  # a value that can't be looked up
            raise NotKnown from error
        if any(code is None for code in found):
            raise NotKnown("an unseen category")
        matrix[:, self.at] = found

    def moved(self, at: int) -> "Lookup":
        return replace(self, at=slice(at, at + self.at.stop - self.at.start))


@dataclass(frozen=True, slots=True)
class Numbers:
    """One column of the matrix that is a number of the row, filled and scaled."""

    source: int
    at: int
    steps: tuple[Callable[[Matrix], Matrix], ...] = ()

    def fill(self, matrix: Matrix, columns: Columns) -> None:
        values = columns[self.source]
        try:
            numbers = np.array([np.nan if value is None else value for value in values], dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise NotKnown from error
        if np.isinf(numbers).any():
            raise NotKnown("infinite")  # some steps refuse it, others don't
        for step in self.steps:
            numbers = step(numbers)
        matrix[:, self.at] = numbers

    def moved(self, at: int) -> "Numbers":
        return replace(self, at=at)


@dataclass(slots=True)
class Encoder:
    """From columns to the matrix that the model takes."""

    width: int = 0
    parts: list[Lookup | Numbers] = field(default_factory=list)

    def matrix(self, columns: Columns, rows: int) -> Matrix:
        """The matrix of some rows.

        Raises:
            NotKnown: a value that it has no rule for.
        """
        matrix = np.empty((rows, self.width))
        for part in self.parts:
            part.fill(matrix, columns)
        return matrix

    def add(self, transformer: Any, sources: Sequence[int], names: Sequence[str], table: Callable[..., Any]) -> None:
        """Append what a fitted transformer makes of some columns.

        Args:
            table: makes the kind of table that the transformer was fitted on, of names and columns of values.

        Raises:
            NotKnown: there is no rule for the transformer.
        """
        if transformer == "drop":
            return
        encoder = _categorical(transformer)
        if encoder is None:
            steps = _numeric(transformer, len(sources))
            for place, source in enumerate(sources):
                self.parts.append(Numbers(source, self.width, tuple(step[place] for step in steps)))
                self.width += 1
            return
        for source, at, codes, unseen in _asked(transformer, encoder, names, table):
            self.parts.append(
                Lookup(sources[source], slice(self.width + at.start, self.width + at.stop), codes, unseen)
            )
        self.width = max(part.at.stop for part in self.parts if isinstance(part, Lookup))


def _categorical(transformer: Any) -> Any:
    """The encoder of categories that a transformer is, or ends with; None for one of numbers."""
    kind = type(transformer).__name__
    if kind == "Pipeline":
        kinds = [type(step).__name__ for _, step in transformer.steps]
        if kinds[-1] in _CATEGORICAL and set(kinds[:-1]) <= {"SimpleImputer"}:
            return transformer.steps[-1][1]
        return None
    return transformer if kind in _CATEGORICAL else None


def _asked(
    transformer: Any, encoder: Any, names: Sequence[str], table: Callable[..., Any]
) -> list[tuple[int, slice, dict[Any, NDArray[np.float64]], NDArray[np.float64] | None]]:
    """What the transformer makes of each category of each column, of null, and of what it has not seen."""
    known = [[_plain(value) for value in categories] for categories in encoder.categories_]
    known = [[value for value in values if value is not None] for values in known]
    if any(not values for values in known):
        raise NotKnown("a column of nulls alone")
    rows = max(map(len, known))
    padded = [[values[i % len(values)] for i in range(rows)] for values in known]
    made = _dense(transformer.transform(table(names, padded)))
    widths = _widths(encoder, made.shape[1])
    nulls = _one(transformer, names, [[None]] * len(known), table)
    unseen = _one(transformer, names, [[_unseen(values)] for values in known], table)
    found, start = [], 0
    for source, (values, width) in enumerate(zip(known, widths, strict=True)):
        at = slice(start, start + width)
        codes = {value: made[place, at] for place, value in enumerate(values)}
        if nulls is not None:
            codes[None] = nulls[at]
        found.append((source, at, codes, None if unseen is None else unseen[at]))
        start += width
    return found


def _one(transformer: Any, names: Sequence[str], columns: Columns, table: Callable[..., Any]) -> Any:
    try:
        return _dense(transformer.transform(table(names, columns)))[0]
    except (ValueError, TypeError):  # how an encoder refuses what it was not told to take
        return None


def _widths(encoder: Any, total: int) -> list[int]:
    if type(encoder).__name__ == "OrdinalEncoder":
        widths = [1] * len(encoder.categories_)
    else:
        widths = [int(width) for width in encoder._n_features_outs]
    if sum(widths) != total:
        raise NotKnown("columns of unknown origin")
    return widths


def _numeric(transformer: Any, width: int) -> list[list[Callable[[Matrix], Matrix]]]:
    """For each step of a transformer of numbers, what it does to each column."""
    match type(transformer).__name__:
        case "str" if transformer == "passthrough":
            return []
        case "FunctionTransformer" if transformer.func is None or transformer.func.__name__ == "check_array":
            return []
        case "FunctionTransformer" if getattr(transformer.func, "func", None) is not None:
            if transformer.func.func.__name__ == "check_array":  # what the boosted trees put before themselves
                return []
        case "SimpleImputer" if not transformer.add_indicator and transformer.missing_values is not None:
            values = np.asarray(transformer.statistics_, dtype=np.float64)
            if np.isnan(values).any() or values.size != width or not np.isnan(transformer.missing_values):
                raise NotKnown("an imputer that drops columns")
            return [[_filled(value) for value in values.tolist()]]
        case "StandardScaler":
            means = np.zeros(width) if transformer.mean_ is None or not transformer.with_mean else transformer.mean_
            scales = np.ones(width) if transformer.scale_ is None else transformer.scale_
            return [[_scaled(mean, scale) for mean, scale in zip(means, scales, strict=True)]]
        case "Pipeline":
            return [step for _, each in transformer.steps for step in _numeric(each, width)]
    raise NotKnown(type(transformer).__name__)


def _filled(value: float) -> Callable[[Matrix], Matrix]:
    return lambda numbers: np.where(np.isnan(numbers), value, numbers)


def _scaled(mean: float, scale: float) -> Callable[[Matrix], Matrix]:
    return lambda numbers: (numbers - mean) / scale


def _dense(made: Any) -> Matrix:
    return np.asarray(made.toarray() if hasattr(made, "toarray") else made, dtype=np.float64)


def _plain(value: Any) -> Any:
    """A category as Python has it, None for what is missing."""
    plain = value.item() if isinstance(value, np.generic) else value
    return None if plain is None or plain != plain else plain


def _unseen(values: Sequence[Any]) -> Any:
    if isinstance(values[0], str):
        return UNSEEN_TEXT
    if isinstance(values[0], bool):
        raise NotKnown("truths have no unseen category")
    return max(values) + 1
