"""A fitted estimator that knows its columns by name in, the same that finds them by place out, for arrays.

scikit-learn takes columns by name from tables of a library alone, so a service without one has to ask by place.
"""

import copy
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

_NAMES = "feature_names_in_"


def placed(estimator: Any, features: Sequence[str]) -> Any:
    """The estimator with places where it has names. What it shares with the one that is given is not changed.

    Args:
        features: the columns that it is given, in their order.
    """
    return _Placing(features).of(estimator)


class _Placing:
    """Copies what has names, and what holds such a thing; everything else stays the object that it is."""

    def __init__(self, features: Sequence[str]) -> None:
        self._features = list(features)
        self._made: dict[int, tuple[Any, Any]] = {}  # with the original, which keeps its number taken

    def of(self, value: Any) -> Any:
        if id(value) in self._made:
            return self._made[id(value)][1]
        if type(value) in (list, tuple):
            made = [self.of(each) for each in value]
            is_same = all(one is other for one, other in zip(made, value, strict=True))
            return value if is_same else type(value)(made)
        if isinstance(value, dict):
            return _with(value, value, {key: self.of(each) for key, each in value.items()})
        if not hasattr(value, "__dict__") or isinstance(value, type) or not _is_fitted(value):
            return value
        self._made[id(value)] = (value, value)
        made = self._estimator(value)
        self._made[id(value)] = (value, made)
        return made

    def _estimator(self, value: Any) -> Any:
        held = vars(value)
        made = _with(value, held, {name: self.of(each) for name, each in held.items()})
        if _NAMES not in held:
            return made
        made = copy.copy(made)
        if type(value).__name__ == "ColumnTransformer":
            self._by_place(made, [str(name) for name in held[_NAMES]])
        del vars(made)[_NAMES]
        return made

    def _by_place(self, transformer: Any, fitted: list[str]) -> None:
        """Put places of today's columns for the names, or places, that it was fitted on."""
        # The target was among the columns of some training table and is in no request.
        known = self._features if set(self._features) <= set(fitted) else fitted
        transformer.transformers_ = [
            (name, each, _places(columns, fitted, known)) for name, each, columns in transformer.transformers_
        ]
        transformer.n_features_in_ = len(known)


def _with(value: Any, held: dict[Any, Any], made: dict[Any, Any]) -> Any:
    """A copy with other parts; the thing itself where they are the same."""
    changed = {key: each for key, each in made.items() if each is not held[key]}
    if not changed:
        return value
    value = copy.copy(value)
    (value if isinstance(value, dict) else vars(value)).update(changed)
    return value


def _places(columns: Any, fitted: list[str], known: Sequence[str]) -> Any:
    if isinstance(columns, str):  # one column, given as a list of values and not as a table
        return known.index(columns)
    if isinstance(columns, slice):
        wanted: Iterable[str] = _sliced(columns, fitted)
    else:
        values = np.asarray(columns)
        if values.ndim == 0:
            return known.index(fitted[int(values)])
        if values.dtype == bool:
            wanted = [name for name, is_in in zip(fitted, values.tolist(), strict=True) if is_in]
        else:
            wanted = [each if isinstance(each, str) else fitted[each] for each in values.tolist()]
    # One that is dropped may be in no request.
    return [known.index(name) for name in wanted if name in known]


def _sliced(columns: slice, fitted: list[str]) -> list[str]:
    start, stop = columns.start, columns.stop
    if isinstance(start, str) or isinstance(stop, str):  # by names, the last one is in it
        start = None if start is None else fitted.index(start)
        stop = None if stop is None else fitted.index(stop) + 1
    return fitted[slice(start, stop, columns.step)]


def _is_fitted(value: Any) -> bool:
    """Whether it is a part of an estimator that may know names, or hold one that does."""
    return hasattr(value, "get_params") or type(value).__module__.partition(".")[0] == "sklearn"
