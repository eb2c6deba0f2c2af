"""A verified bundle in, a scorer out: request rows to features and answers, by the same path as in training."""

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256
from threading import Lock
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from slipway.errors import BundleError, StageError, near_miss
from slipway.model.answers import Scores, predict, predict_last
from slipway.model.block import Block, NoBlock, block, require_blocks
from slipway.model.bundle import Bundle
from slipway.model.compiled import Compiled, compiled
from slipway.model.encode import NotKnown
from slipway.model.frames import as_trained, give
from slipway.model.manifest import ESTIMATOR, STAGES, OnlineStage, StageInput, Typing
from slipway.model.placed import placed
from slipway.model.readings import Lost, Readings, lost_values
from slipway.pipeline.estimators import read_estimator
from slipway.tables.files import read_table
from slipway.tables.values import as_table

if TYPE_CHECKING:
    import polars as pl

    from slipway.model.schema import Rows

Given = TypeVar("Given")

_SHOWN_CHARACTERS = 100
"""Of a text that a stage could not read."""

_importing = Lock()


@dataclass(frozen=True, repr=False)
class Scorer:
    """One version, loaded. Threads may share it."""

    bundle: Bundle
    _estimator: Any
    _module: ModuleType
    _frozen: dict[str, Any]
    _short: Compiled | None = None
    _placed: Any = None
    """The estimator for columns by place; None where rows go through tables."""

    def __repr__(self) -> str:
        return f"<Scorer: {self.estimator_name} of {self.bundle!r}>"

    @property
    def estimator_name(self) -> str:
        """The class of the estimator; of a pipeline, that of its last step."""
        steps = getattr(self._estimator, "steps", None)
        return type(steps[-1][1] if steps else self._estimator).__name__

    @property
    def gives_probabilities(self) -> bool:
        """Whether answers have a probability for each class."""
        return bool(self.bundle.manifest.classes) and hasattr(self._estimator, "predict_proba")

    def score(self, table: "pl.DataFrame") -> Scores:
        """Answer each row of a table that `bundle.schema` gave.

        A row that can't be answered has None as its prediction and its reason in `errors`; the others are answered.
        """
        schema = self.bundle.schema
        errors = schema.null_errors
        failed = _null_failures(errors, {name: table[name].to_list() for name in errors if table[name].null_count()})
        if failed:
            kept = [row for row in range(table.height) if row not in failed]
            return Scores.merged(table.height, [(kept, self._score(table[kept]))], failed)
        return self._score(table)

    def score_rows(self, rows: "Rows") -> Scores:
        """The same of rows that `bundle.schema` found nothing wrong with, but for nulls that make a row fail."""
        if self._placed is None:
            return self.score(self.bundle.schema.table(rows))
        manifest = self.bundle.manifest
        given = block(manifest.schema, rows, tuple(manifest.features.polars))
        errors = manifest.schema.null_errors
        lists = dict(zip(given.names, given.lists, strict=True))
        failed = _null_failures(errors, {name: lists[name] for name in errors if name in lists and None in lists[name]})
        if failed:
            kept = [row for row in range(given.rows) if row not in failed]
            return Scores.merged(given.rows, [(kept, self._score_block(given.take(kept)))], failed)
        return self._score_block(given)

    def _score(self, table: "pl.DataFrame") -> Scores:
        groups = self.bundle.schema.groups(table)
        if groups is None:
            return self._score_group(table)
        return Scores.merged(table.height, [(places, self._score_group(rows)) for places, rows in groups])

    def _score_group(self, table: "pl.DataFrame") -> Scores:
        return _each(self._answer, table, table.height, lambda row: table.slice(row, 1))

    def _score_block(self, given: Block) -> Scores:
        return _each(self._answer_block, given, given.rows, lambda row: given.take([row]))

    def features(self, table: "pl.DataFrame") -> "pl.DataFrame":
        """What the online stages give the model.

        Raises:
            StageError: a stage does not give a row for each row, or not the columns that the model takes.
        """
        made = self.stage_tables(table)
        return self._as_features(made[-1] if made else table)

    def stage_tables(self, table: "pl.DataFrame") -> "list[pl.DataFrame]":
        """What each online stage makes of a table that `bundle.schema` gave, in order.

        Raises:
            StageError: as of `features`.
        """
        made: list[pl.DataFrame] = []
        for stage in self.bundle.manifest.stages:
            made.append(self._through(stage, made[-1] if made else table))
        return made

    def lost(self, table: "pl.DataFrame", made: "Sequence[pl.DataFrame] | None" = None) -> Lost:
        """The rows of a table in which an online stage could not read a value, with the fields.

        Args:
            made: what the stages made of it, from a caller who knows.
        """
        readings = self.bundle.manifest.readings
        if not readings.columns:
            return {}
        return lost_values(
            readings, table, made or self.stage_tables(table), self.stage_tables, lambda: self._known_rows
        )

    def function(self, name: str) -> Callable[..., Any]:
        """A function of the project's that the bundle carries, such as a route's.

        Raises:
            BundleError: it carries none of that name.
        """
        found = getattr(self._module, name, None)
        if not callable(found):
            known = [key for key, value in vars(self._module).items() if callable(value)]
            raise BundleError(f"bundle {self.bundle.sha256[:12]} has no function `{name}`.{near_miss(name, known)}")
        return found  # type: ignore[no-any-return]

    @cached_property
    def _known_rows(self) -> "pl.DataFrame":
        schema = self.bundle.schema
        try:
            sample = self.bundle.sample()
        except OSError:  # a draft has none yet
            sample = []
        return schema.table([{name: row[name] for name in schema.names} for row in sample])

    def _as_features(self, table: "pl.DataFrame") -> "pl.DataFrame":
        return as_trained(table, self.bundle.manifest.features, "what the online stages give")

    def _answer(self, table: "pl.DataFrame") -> Scores:
        made = self.stage_tables(table)
        features = self._as_features(made[-1] if made else table)
        lost = self.lost(table, made) if made else {}
        if not lost:
            return self._answer_features(features)
        lossy, readings = self.bundle.manifest.readings.lossy, self.bundle.manifest.readings
        refused = {row: [name for name in names if name not in lossy] for row, names in lost.items()}
        errors = {row: _unread(readings, names[0], table[names[0]][row]) for row, names in refused.items() if names}
        if not errors:
            return replace(self._answer_features(features), lost=lost)
        kept = [row for row in range(table.height) if row not in errors]
        answered = self._answer_features(features[kept]) if kept else Scores([], None, [])
        scores = Scores.merged(table.height, [(kept, answered)], errors)
        return replace(scores, lost={row: tuple(refused[row]) or names for row, names in lost.items()})

    def _answer_features(self, features: "pl.DataFrame") -> Scores:
        kind = self.bundle.manifest.kind
        if self._short is not None:
            with suppress(NotKnown):
                matrix = self._short.matrix(Block.of(features))
                return predict_last(self._estimator, self._short.final, matrix, features.height, kind)
        return predict(self._estimator, self._given(features), features.height, kind)

    def _answer_block(self, given: Block) -> Scores:
        kind = self.bundle.manifest.kind
        if self._short is not None:
            with suppress(NotKnown):
                matrix = self._short.matrix(given)
                return predict_last(self._placed, self._short.final, matrix, given.rows, kind)
        return predict(self._placed, self._taken(given), given.rows, kind)

    def _given(self, features: "pl.DataFrame") -> Any:
        manifest = self.bundle.manifest
        return features.to_numpy() if manifest.as_array else give(features, manifest.annotation, manifest.features)

    def _taken(self, given: Block) -> Any:
        manifest = self.bundle.manifest
        if any(dtype.startswith("str") for dtype in manifest.features.pandas.values()):
            given = replace(given, missing=math.nan)
        return np.asarray(given) if manifest.as_array else given

    def _through(self, stage: OnlineStage, table: "pl.DataFrame") -> "pl.DataFrame":
        inputs = [self._input(stage, each, table) for each in stage.inputs]
        made = as_table(getattr(self._module, stage.name)(*inputs, **stage.settings), f"stage `{stage.name}`")
        if made.height != table.height:
            raise StageError(
                f"online stage `{stage.name}` gave {made.height} rows for {table.height}: it must keep them all."
            )
        return as_trained(made, _present(stage.gives, made), f"what stage `{stage.name}` gives", keep_others=True)

    def _input(self, stage: OnlineStage, wanted: StageInput, table: "pl.DataFrame") -> Any:
        return give(table, wanted.annotation, stage.takes) if wanted.frozen is None else self._frozen[wanted.frozen]


def load_scorer(bundle: Bundle, *, estimator: Any = None) -> Scorer:
    """Load a bundle's estimator and online stages.

    Args:
        estimator: the bundle's own, from a caller who has just loaded the file that it is a copy of.

    Raises:
        BundleError: the estimator holds a type that is not trusted, or the stages can't be imported here.
    """
    manifest = bundle.manifest
    if estimator is None:
        estimator = read_estimator(
            bundle.folder / ESTIMATOR, sha256=manifest.files[ESTIMATOR], allow_pickle=manifest.allows_pickle
        )
    frozen = {
        each.frozen: _read_frozen(bundle, each)
        for stage in manifest.stages
        for each in stage.inputs
        if each.frozen is not None
    }
    return Scorer(bundle, estimator, _import_stages(bundle), frozen)


def without_tables(scorer: Scorer) -> Scorer:
    """The same scorer, which answers rows without a table library. A caller has to hold its answers against known ones.

    Raises:
        NoBlock: it takes a table, and why.
    """
    manifest = scorer.bundle.manifest
    if manifest.stages:
        raise NoBlock(f"the online stage `{manifest.stages[0].name}` takes one")
    require_blocks(manifest.schema, manifest.features.polars)
    return replace(scorer, _placed=placed(scorer._estimator, tuple(manifest.features.polars)))


def quickened(scorer: Scorer) -> Scorer:
    """The same scorer by a shorter way, where that was held against its own on the bundle's examples, and agreed.

    It takes some tenths of a second, which one who scores a table once has no use for.
    """
    schema, names = scorer.bundle.schema, tuple(scorer.bundle.manifest.features.polars)
    rows = scorer.bundle.examples()[0] + [{name: row[name] for name in schema.names} for row in scorer.bundle.sample()]
    if scorer._placed is not None:
        return replace(scorer, _short=compiled(scorer._placed, block(schema, rows, names), scorer._taken))
    try:
        features = scorer.features(schema.table(rows))
        given = Block.of(features)
    except Exception:  # a stage that can't take one of the rows: what it does then is not to be found out here
        return scorer
    types = features.schema

    def as_given(part: Block) -> Any:
        import polars as pl

        columns = dict(zip(part.names, part.lists, strict=True))
        return scorer._given(pl.DataFrame(columns, schema={name: types[name] for name in part.names}))

    return replace(scorer, _short=compiled(scorer._estimator, given, as_given))


def _each(answer: Callable[[Given], Scores], rows: Given, count: int, one: Callable[[int], Given]) -> Scores:
    """The answers to some rows; whatever a user's stage raises, they are tried one by one, so that one fails alone."""
    if count == 0:
        return Scores([], None, [])
    try:
        return answer(rows)
    except Exception as error:  # a user's code, or a library's
        if count == 1:
            return Scores([None], None, [_reason(error)])
    return Scores.joined([_each(answer, one(row), 1, one) for row in range(count)])


def _unread(readings: Readings, name: str, value: Any) -> str:
    shown = repr(value) if not isinstance(value, str) else f'"{value[:_SHOWN_CHARACTERS]}"'
    return f"`{name}`: expected {readings.expected(name)}, got {shown}"


def _null_failures(errors: Mapping[str, str], columns: Mapping[str, Sequence[Any]]) -> dict[int, str]:
    """The rows with a null where none is taken, by place, each with what is said of its first.

    Args:
        errors: as `Schema.null_errors` gives them.
        columns: the values of those of these columns that have a null.
    """
    failed: dict[int, str] = {}
    for name, values in columns.items():
        for row, value in enumerate(values):
            if value is None:
                failed.setdefault(row, errors[name])
    return failed


def _present(typing: Typing, table: "pl.DataFrame") -> Typing:
    # A column that nothing uses is not in a request, so a stage that passes columns on does not give it either.
    return Typing({name: dtype for name, dtype in typing.polars.items() if name in table.columns}, typing.pandas)


def _read_frozen(bundle: Bundle, wanted: StageInput) -> Any:
    assert wanted.frozen is not None
    path = bundle.folder / wanted.frozen
    match path.suffix:
        case ".json":
            import json

            return json.loads(path.read_text(encoding="utf-8"))
        case ".skops":
            manifest = bundle.manifest
            return read_estimator(path, sha256=manifest.files[wanted.frozen], allow_pickle=manifest.allows_pickle)
        case _:
            return give(read_table(path), wanted.annotation, Typing({}))


def _import_stages(bundle: Bundle) -> ModuleType:
    """The bundle's module under a name made of its content, so that two versions live side by side."""
    path = bundle.folder / STAGES
    source = path.read_bytes()
    digest = sha256(source).hexdigest()
    if digest != bundle.manifest.files[STAGES]:
        raise BundleError(f"{path}: changed since it was verified: nothing of it was loaded.")
    name = f"slipway_bundle_{digest[:16]}"
    with _importing:
        if name in sys.modules:
            return sys.modules[name]
        module = ModuleType(name)
        module.__file__ = str(path)
        sys.modules[name] = module
        try:
            exec(compile(source, str(path), "exec"), vars(module))  # noqa: S102 - verified above; it is the user's own code
        except Exception as error:
            del sys.modules[name]
            raise BundleError(f"{path}: the online stages can't be imported here: {_reason(error)}") from error
    return module


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
