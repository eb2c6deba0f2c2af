"""A fitted estimator in, a way to the same answers that skips what costs alike for one row and for thousands, out.

It is taken only where it was held against the estimator itself, on this machine and with these libraries: on rows as
the model was tested on, with nulls, with what was not seen in training, and with numbers around where trees split.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from slipway.model.block import Block
from slipway.model.decision import threshold_decision
from slipway.model.encode import UNSEEN_TEXT, Encoder, Lookup, NotKnown, Numbers
from slipway.model.trees import BOOSTED, BoostedTrees

Give = Callable[[Block], Any]
"""Some rows of features as the estimator takes them."""

TOLERANCE = 1e-9
PROOF_ROWS = 100
SPLITS = 50
"""Thresholds of each column that are tried from both sides."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Compiled:
    """What predicts in the estimator's place."""

    final: Any
    """Has `predict`, and `predict_proba` where the estimator has it, of a matrix."""
    encoder: Encoder
    later: tuple[Any, ...]

    def matrix(self, features: Block) -> Any:
        """What `final` takes of these rows.

        Raises:
            NotKnown: a value that it has no rule for.
        """
        matrix: Any = self.encoder.matrix(features.lists, features.rows)
        for step in self.later:
            matrix = step.transform(matrix)
        return matrix


def compiled(estimator: Any, features: Block, give: Give) -> Compiled | None:
    """The short way of an estimator; None where it has a step without a rule, or where an answer differs.

    Args:
        features: some rows, as the online stages give them.
    """
    try:
        way = _compile(estimator, features, give)
    except NotKnown as reason:
        log.debug("the estimator's own way is taken: %s", reason)
        return None
    except Exception:  # private parts of a library, which another release of it may have changed
        log.debug("the estimator's own way is taken", exc_info=True)
        return None
    return way if _agrees(way, estimator, features, give) else None


def _compile(estimator: Any, features: Block, give: Give) -> Compiled:
    names = features.names
    steps = [step for _, step in estimator.steps] if type(estimator).__name__ == "Pipeline" else [estimator]
    *before, final = [step for step in steps if step is not None and step != "passthrough"]

    def table(wanted: Sequence[str], columns: Sequence[Sequence[Any]]) -> Any:
        return give(Block({name: features.types[name] for name in wanted}, columns, len(columns[0])))

    encoder = Encoder()
    if before and type(before[0]).__name__ == "ColumnTransformer":
        for _, transformer, columns in before[0].transformers_:
            sources = _places(columns, names)
            if sources:
                encoder.add(transformer, sources, [names[source] for source in sources], table)
        later = before[1:]
    elif before:
        encoder.add(before[0], range(len(names)), names, table)
        later = before[1:]
    else:
        encoder.add("passthrough", range(len(names)), names, table)
        later = []
    decision = threshold_decision(final)
    classifier = final if decision is None else decision.classifier
    if type(classifier).__name__ in BOOSTED:
        encoder = _through(encoder, classifier._preprocessor) if not later else encoder
        if classifier._preprocessor is None or not later:
            classifier = BoostedTrees(classifier)
    final = classifier if decision is None else decision.by(classifier)
    if any(hasattr(step, "feature_names_in_") for step in (*later, classifier)):
        raise NotKnown("a step that asks for columns by name")
    return Compiled(final, encoder, tuple(later))


def _through(encoder: Encoder, preprocessor: Any) -> Encoder:
    """The same encoder with the order and the codes that boosted trees with categories put before themselves."""
    if preprocessor is None:
        return encoder
    made = Encoder()
    by_place = {part.at if isinstance(part, Numbers) else part.at.start: part for part in encoder.parts}
    for _, transformer, columns in preprocessor.transformers_:
        parts = [by_place.get(place) for place in _places(columns, range(encoder.width))]
        if type(transformer).__name__ == "OrdinalEncoder":
            lookups = [part for part in parts if isinstance(part, Lookup)]
            if len(lookups) < len(parts):
                raise NotKnown("a category that is computed")
            parts = [*_recoded(transformer, lookups)]
        for part in parts:
            if part is None or (isinstance(part, Lookup) and part.at.stop - part.at.start > 1):
                raise NotKnown("a wide category before the trees")
            at = made.width
            made.parts.append(part.moved(at))
            made.width += 1
    return made


def _recoded(encoder: Any, lookups: Sequence[Lookup]) -> Iterator[Lookup]:
    """Lookups of what an encoder of numbers makes of what they give."""
    first = [next(code for code in categories if code == code) for categories in encoder.categories_]
    asked = [[*lookup.codes.values(), lookup.unseen] for lookup in lookups]
    rows = np.tile(np.array(first, dtype=np.float64), (max(map(len, asked)), 1))
    for index, codes in enumerate(asked):
        rows[: len(codes), index] = [np.nan if code is None else code[0] for code in codes]
    made = np.asarray(encoder.transform(rows), dtype=np.float64)
    for index, lookup in enumerate(lookups):
        recoded = {key: made[place, index : index + 1] for place, key in enumerate(lookup.codes)}
        unseen = None if lookup.unseen is None else made[len(recoded), index : index + 1]
        yield Lookup(lookup.source, lookup.at, recoded, unseen)


def _places(columns: Any, names: Sequence[Any]) -> list[int]:
    """The columns that a ColumnTransformer's entry names, by their places."""
    if isinstance(columns, str | int):
        columns = [columns]
    if isinstance(columns, slice):
        return list(range(len(names)))[columns]
    values = np.asarray(columns)
    if values.dtype == bool:
        return [int(place) for place in np.flatnonzero(values)]
    known = {name: place for place, name in enumerate(names)}
    return [known[value] if isinstance(value, str) else int(value) for value in values.tolist()]


def _agrees(way: Compiled, estimator: Any, features: Block, give: Give) -> bool:
    if not features.rows:
        return False
    features = features.take(range(min(features.rows, PROOF_ROWS)))
    changed = Block.joined([*_rare(features), *_by_splits(way, features)])
    trials = (features, features.take([0]), changed)
    return all(_same(way, estimator, rows, give) for rows in trials)


def _same(way: Compiled, estimator: Any, features: Block, give: Give) -> bool:
    """Whether both give the same answers, or neither any; rows that one of them does not take are tried apart."""
    ask = "predict_proba" if hasattr(estimator, "predict_proba") else "predict"
    try:
        matrix = way.matrix(features)
    except NotKnown:  # the estimator itself will be asked
        return features.rows == 1 or _halves(way, estimator, features, give)
    try:
        expected = np.asarray(getattr(estimator, ask)(give(features)), dtype=np.float64)
    except Exception:  # whatever it does not take: ours must not take it either
        return _halves(way, estimator, features, give) if features.rows > 1 else _refuses(way, ask, matrix)
    found = getattr(way.final, ask)(matrix)
    if np.allclose(found, expected, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True):
        return True
    log.info("the estimator's own way is taken: the short one gave other answers")
    return False


def _refuses(way: Compiled, ask: str, matrix: Any) -> bool:
    try:
        getattr(way.final, ask)(matrix)
    except Exception:  # whatever the library says of it
        return True
    return False


def _halves(way: Compiled, estimator: Any, features: Block, give: Give) -> bool:
    middle, every = features.rows // 2, range(features.rows)
    return all(_same(way, estimator, features.take(half), give) for half in (every[:middle], every[middle:]))


def _rare(features: Block) -> Iterator[Block]:
    """Rows of which each has one value that is missing, unseen, or at an end."""
    for name, held in features.types.items():
        values: list[Any] = [None]
        if held.kind == "text":
            values += [UNSEEN_TEXT, "", "001", "None", "nan"]
        elif held.is_float:
            values += [0.0, -0.0, -1.0, 1e-300, 1e300, -1e300, float("nan")]
        elif held.kind == "integer":
            values += [0, 1, 127]
        yield _changed(features, name, values)


def _changed(features: Block, name: str, values: Sequence[Any]) -> Block:
    return features.take([place % features.rows for place in range(len(values))]).replaced(name, values)


def _by_splits(way: Compiled, features: Block) -> Iterator[Block]:
    """Rows of which each has a number on, just below or just above a threshold of a tree."""
    names = features.names
    numbers = [part for part in way.encoder.parts if isinstance(part, Numbers) and not part.steps]
    sources = {part.at: names[part.source] for part in numbers if features.types[names[part.source]].is_float}
    found: dict[str, set[float]] = {}
    for tree in getattr(getattr(way.final, "classifier", way.final), "trees", ()):
        splits = tree.nodes[(tree.nodes["is_leaf"] == 0) & (tree.nodes["is_categorical"] == 0)]
        for column, threshold in zip(splits["feature_idx"].tolist(), splits["num_threshold"].tolist(), strict=True):
            if column in sources:
                found.setdefault(sources[column], set()).add(threshold)
    for name, thresholds in found.items():
        at = np.array(sorted(thresholds)[:: max(1, len(thresholds) // SPLITS)])
        around = np.concatenate([at, np.nextafter(at, -np.inf), np.nextafter(at, np.inf)])
        yield _changed(features, name, around.tolist())
