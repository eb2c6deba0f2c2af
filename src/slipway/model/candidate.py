"""The artifacts of a finished run in, a bundle out: the model, the path to it, and the evidence of what it learnt."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from slipway.code.generated import module_text
from slipway.code.imports import libraries_of
from slipway.code.reach import reach
from slipway.errors import ProjectError, near_miss
from slipway.model.answers import classes_of
from slipway.model.bundle import Bundle, Evidence, draft_bundle, write_bundle
from slipway.model.examples import CODE, UNSEEN, example_rows, json_rows, spread
from slipway.model.frames import typing_of
from slipway.model.manifest import ESTIMATOR, Manifest, OnlineStage, StageInput, Typing
from slipway.model.named_columns import check_named_columns
from slipway.model.personal import measured, readable_texts, warn_of_relearning, without_personal
from slipway.model.probe import readings_of, texts_taken, used_columns, with_nulls
from slipway.model.rows import Hashes
from slipway.model.schema import Schema
from slipway.model.score import Scorer, load_scorer
from slipway.model.trace import Traced, trace
from slipway.pipeline.artifacts import read_artifact
from slipway.pipeline.graph import RequestPath, path_input, request_path
from slipway.pipeline.params import read_params
from slipway.profile.count import Profile, build_profile
from slipway.project import Project, Stage
from slipway.records import Label
from slipway.tables.values import as_asked

if TYPE_CHECKING:
    from slipway.storage.seams import Tables

# With fewer test rows the reference of predictions would be noise: the training rows' are counted too.
_FEW_TEST_ROWS = 500
_SAMPLE_ROWS = 10


@dataclass(frozen=True, slots=True)
class _Learnt:
    """The tables of one run, and how the parts came from the request path's start."""

    start: pl.DataFrame
    train: pl.DataFrame
    test: pl.DataFrame
    trained: Traced
    tested: Traced


def build_bundle(project: Project, tables: "Tables | None", reported: Mapping[str, float], folder: Path) -> Bundle:
    """Build the bundle of what stands in the project's artifacts now.

    Args:
        tables: the project's database, where the request path starts at a query without a snapshot.
        reported: the project's own metrics.
        folder: an empty or missing folder, which becomes the bundle.

    Raises:
        ProjectError: the model takes columns that no request can have; the message names them.
    """
    path = request_path(project)
    learnt = _read_learnt(project, path, tables)
    estimator, file = _read_estimator(project, folder)
    draft = _draft(project, path, learnt, estimator, file, reported, tables, folder)
    scorer = load_scorer(draft, estimator=estimator)
    target = project.model.target
    asked = learnt.start.drop(target, strict=False)
    used = used_columns(scorer, asked)
    unused = [name for name in learnt.start.columns if name not in used]
    schema = Schema.infer(asked.select(used), _widened(project, learnt.start), unused)
    check_named_columns(project, (*schema.names, target), (*learnt.start.columns, target, *learnt.train.columns))
    warn_of_relearning(project, schema)
    scorer = _with(scorer, schema=schema)
    scorer = _with(scorer, schema=with_nulls(schema, scorer, asked))
    scorer = _with(scorer, readings=readings_of(scorer, schema.take(asked)))
    return write_bundle(scorer.bundle, _evidence(project, scorer, learnt))


def _with(scorer: Scorer, **facts: Any) -> Scorer:
    """The scorer of a draft with more in its manifest."""
    draft = scorer.bundle
    return replace(scorer, bundle=replace(draft, manifest=replace(draft.manifest, **facts)))


def _read_estimator(project: Project, folder: Path) -> tuple[Any, Path]:
    """The model, and the file of it as Slipway keeps it: what a command has written is written again."""
    name = project.model.artifact
    if project.model_stage.command is None:
        return read_artifact(project, name), project.path(name)
    from slipway.pipeline.foreign import read_foreign

    folder.mkdir(parents=True, exist_ok=True)
    file = folder / ESTIMATOR  # where the bundle has it
    return read_foreign(project, name, rewritten=file), file


def _read_learnt(project: Project, path: RequestPath, tables: "Tables | None") -> _Learnt:
    start = read_artifact(project, path.start, None, tables)
    train = start if path.start == project.train else read_artifact(project, project.train, None, tables)
    test = read_artifact(project, project.model.test, None, tables)
    if project.model.target not in train.columns:
        raise ProjectError(
            f"slipway.toml: [model] target = '{project.model.target}': `{project.train}`, from which the model learns, "
            f"has no such column.{near_miss(project.model.target, train.columns)}"
        )
    if not path.stages:  # the training table is what a request looks like, and so is the test table
        everything = trace(train, train, every=True)
        return _Learnt(start, train, test, everything, trace(test, test, every=False))
    end, target = read_artifact(project, path.end, None, tables), project.model.target
    traced = (trace(end, train, every=True, target=target), trace(end, test, every=False, target=target))
    return _Learnt(start, train, test, *traced)


def _draft(
    project: Project,
    path: RequestPath,
    learnt: _Learnt,
    estimator: Any,
    file: Path,
    reported: Mapping[str, float],
    tables: "Tables | None",
    folder: Path,
) -> Bundle:
    target, maker = project.model.target, project.model_stage
    functions = [name for route in project.api.routes for name in (route.request, route.response, route.get) if name]
    libraries = libraries_of(project, maker, [*(stage.name for stage in path.stages), *functions])
    annotation = next(i.annotation for i in maker.inputs if i.artifact == project.train)
    if maker.command is not None and "pandas" in libraries and "polars" not in libraries:
        annotation = "pandas.DataFrame"  # no script says so: what it fits is given what it fitted
    names, as_array = _features(estimator, learnt.train.drop(target), annotation, project, maker)
    carried = list(dict.fromkeys([*(stage.name for stage in path.stages), *functions]))
    manifest = Manifest(
        name=project.name,
        kind=project.model.kind,
        target=target,
        classes=classes_of(estimator) if project.model.kind == "classification" else (),
        start=path.start,
        stages=tuple(_online(project, stage, tables, folder) for stage in path.stages),
        features=typing_of(learnt.train.select(names), annotation),
        annotation=annotation,
        as_array=as_array,
        schema=Schema(()),
        routes=project.api.routes,
        libraries=libraries,
        reported=dict(reported),
        untraced={"train": learnt.trained.untraced, "test": learnt.tested.untraced},
        allows_pickle=project.model.pickle,
    )
    source = module_text(reach(project.root, project.module, carried).definitions) if carried else ""
    return draft_bundle(folder, manifest, file, source)


def _features(
    estimator: Any, train: pl.DataFrame, annotation: str | None, project: Project, maker: Stage
) -> tuple[list[str], bool]:
    """The columns that the estimator takes, and whether it takes them as an array."""
    where = maker.where
    names = getattr(estimator, "feature_names_in_", None)
    count = getattr(estimator, "n_features_in_", None)
    named = [str(name) for name in names] if names is not None else []
    if project.model.target in named:
        # A ColumnTransformer remembers every column of the table that it was fitted on, also those that it drops.
        named.remove(project.model.target)
        if not _predicts(estimator, as_asked(train.head(1).select(named), annotation)):
            raise ProjectError(
                f"{where}: the model was fitted with the target `{project.model.target}` among its columns, which no "
                "request has. Drop it from what the model is fitted on."
            )
    if named and all(name in train.columns for name in named):
        return named, False
    if count is None:  # an object of the project's own: it takes the table
        return train.columns, False
    if count == train.width:
        return train.columns, True
    raise ProjectError(
        f"{where}: the model takes {count} columns, and `{project.train}` has {train.width} beside the target "
        f"({', '.join(train.columns)}). Fit it on a table with names of columns, all of them columns of "
        f"`{project.train}`; what is computed from them belongs into an online stage, or a pipeline of scikit-learn."
    )


def _predicts(estimator: Any, table: Any) -> bool:
    try:
        estimator.predict(table)
    except Exception:  # whatever the library says of a column that is missing
        return False
    return True


def _online(project: Project, stage: Stage, tables: "Tables | None", folder: Path) -> OnlineStage:
    taken = path_input(project, stage)
    target = project.model.target

    def typed(artifact: str, annotation: str | None) -> Typing:
        return typing_of(read_artifact(project, artifact, None, tables).drop(target, strict=False), annotation)

    inputs = tuple(
        StageInput(
            i.artifact, i.annotation, None if i.artifact == taken else _freeze(project, i.artifact, tables, folder)
        )
        for i in stage.inputs
    )
    annotation = next(i.annotation for i in stage.inputs if i.artifact == taken)
    settings = {**stage.settings, **read_params(project).get(stage.name, {})}
    return OnlineStage(stage.name, inputs, settings, typed(taken, annotation), typed(stage.outputs[0], None))


def _freeze(project: Project, artifact: str, tables: "Tables | None", folder: Path) -> str:
    """Copy an artifact that an online stage takes beside the request; its file in the bundle."""
    kind = project.artifacts[artifact].kind
    suffixes = {"table": "parquet", "json": "json", "estimator": "skops"}
    if kind not in suffixes:
        raise ProjectError(f"`{artifact}` is a figure: an online stage can't take one.")
    name = f"frozen/{artifact}.{suffixes[kind]}"
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if kind == "table":
        read_artifact(project, artifact, None, tables).write_parquet(path)
    else:
        shutil.copyfile(project.path(artifact), path)
    return name


def _widened(project: Project, start: pl.DataFrame) -> dict[str, tuple[str, ...]]:
    for name in project.api.types:
        if name not in start.columns:
            raise ProjectError(
                f"slipway.toml: [api.types] {name}: a request has no such column.{near_miss(name, start.columns)}"
            )
    return dict(project.api.types)


def _evidence(project: Project, scorer: Scorer, learnt: _Learnt) -> Evidence:
    schema, target = scorer.bundle.schema, project.model.target
    asked = schema.take(learnt.start)
    train = asked[learnt.trained.start]
    test = schema.take(learnt.test)[learnt.tested.part] if _is_direct(scorer) else asked[learnt.tested.start]
    trained_rows = _hashes(scorer, train, learnt.train[target][learnt.trained.part])
    test_rows = test.with_columns(learnt.test[target][learnt.tested.part].alias(target))
    # Where most rows can't be traced (a stage draws new ones), the source's own are what requests will look like.
    raw = train if learnt.trained.untraced <= learnt.train.height // 2 else asked
    personal = project.api.personal
    hide = partial(without_personal, schema=schema, personal=personal, texts=readable_texts(scorer, asked, personal))
    taken = {text: texts_taken(scorer, asked, text) for text in (UNSEEN, CODE)}
    rows = example_rows(hide(test if test.height else raw), schema, taken)
    answers = [_answer(scorer, row) for row in rows]
    answered = [(row, answer) for row, answer in zip(rows, answers, strict=True) if answer is not None]
    return Evidence(
        profile=_profile(project, scorer, raw, test),
        examples=[row for row, _ in answered],
        answers=[answer for _, answer in answered],
        trained_rows=trained_rows,
        test_rows=test_rows,
        sample=json_rows(hide(spread(test_rows, _SAMPLE_ROWS))),
    )


def _is_direct(scorer: Scorer) -> bool:
    return not scorer.bundle.manifest.stages


def _hashes(scorer: Scorer, rows: pl.DataFrame, truths: pl.Series) -> Hashes:
    hashes = scorer.bundle.hashes(rows.with_columns(truths.alias(scorer.bundle.manifest.target)))
    assert hashes is not None  # every column was put there a line above
    return hashes


def _profile(project: Project, scorer: Scorer, raw: pl.DataFrame, test: pl.DataFrame) -> Profile:
    features = measured(scorer.features(raw), project.api.personal)
    predicted = test if test.height >= _FEW_TEST_ROWS else pl.concat([test, raw])
    predictions: list[Label | None] = scorer.score(predicted).predictions
    return build_profile(
        features,
        predictions,
        raw,
        kind=project.model.kind,
        clocks=project.monitor.clocks,
        keeps_sample=project.monitor.bins == "equal-width",
    )


def _answer(scorer: Scorer, row: dict[str, Any]) -> dict[str, Any] | None:
    """What the model answers to one row; None where it can't, which is no example of anything."""
    scores = scorer.score(scorer.bundle.schema.table([row]))
    if scores.errors[0] is not None:
        return None
    return {
        "prediction": scores.predictions[0],
        "probabilities": scores.probabilities[0] if scores.probabilities else None,
    }
