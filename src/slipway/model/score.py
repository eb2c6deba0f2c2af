"""A verified bundle in, a scorer out: request rows to features and answers, by the same path as in training."""

import math
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
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
from slipway.pipeline.estimators import read_estimator
from slipway.tables.files import read_table
from slipway.tables.values import as_table

if TYPE_CHECKING:
    import polars as pl

    from slipway.model.schema import Rows

Given = TypeVar("Given")

_importing = Lock()


@dataclass(frozen=True)
class Scorer:
    """One version, loaded. Threads may share it."""

    bundle: Bundle
    _estimator: Any
    _module: ModuleType
    _frozen: dict[str, Any]
    _short: Compiled | None = None
    _placed: Any = None
    """The estimator for columns by place; None where rows go through tables."""

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
        return _each(self._answer, table, table.height, lambda row: table.slice(row, 1))

    def score_rows(self, rows: "Rows") -> Scores:
        """The same of rows that `bundle.schema` found nothing wrong with."""
        if self._placed is None:
            return self.score(self.bundle.schema.table(rows))
        manifest = self.bundle.manifest
        given = block(manifest.schema, rows, tuple(manifest.features.polars))
        return _each(self._answer_block, given, given.rows, lambda row: given.take([row]))

    def features(self, table: "pl.DataFrame") -> "pl.DataFrame":
        """What the online stages give the model.

        Raises:
            StageError: a stage does not give a row for each row, or not the columns that the model takes.
        """
        for stage in self.bundle.manifest.stages:
            table = self._through(stage, table)
        return as_trained(table, self.bundle.manifest.features, "what the online stages give")

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

    def _answer(self, table: "pl.DataFrame") -> Scores:
        features, kind = self.features(table), self.bundle.manifest.kind
        if self._short is not None:
            with suppress(NotKnown):
                matrix = self._short.matrix(Block.of(features))
                return predict_last(self._estimator, self._short.final, matrix, table.height, kind)
        return predict(self._estimator, self._given(features), table.height, kind)

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
