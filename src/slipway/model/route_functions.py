"""What a route's functions of the project's own are given, and where in their code they failed."""

import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slipway.model.bundle import Bundle
from slipway.records import Label


@dataclass(frozen=True, slots=True)
class Answer:
    """One prediction as a project's `response` function is given it."""

    id: str | None
    """None for a row that was not scored."""
    prediction: Label | None
    probabilities: dict[str, float] | None
    error: str | None
    unread: tuple[str, ...] = ()
    """Fields that an online stage could not read, of a row that was scored all the same."""


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """The model as a project's own functions are given it."""

    name: str
    version: int
    classes: tuple[Label, ...]
    """Empty for regression."""
    kind: str
    target: str
    estimator: str
    """The class of the estimator, of a pipeline that of its last step, such as "LinearRegression"."""
    features: tuple[str, ...]
    """The fields of a request's row."""
    metrics: Mapping[str, float]
    """As the project's own metrics stage reported them."""
    released_at: str
    """ISO 8601 in UTC."""


def facts_of(bundle: Bundle, *, name: str, version: int, estimator: str, released_at: str) -> ModelFacts:
    """Tell the facts of a version."""
    manifest = bundle.manifest
    return ModelFacts(
        name=name,
        version=version,
        classes=manifest.classes,
        kind=manifest.kind,
        target=manifest.target,
        estimator=estimator,
        features=manifest.schema.names,
        metrics=manifest.reported,
        released_at=released_at,
    )


def place_of(function: Callable[..., Any], error: BaseException) -> str:
    """Name the file, line and function of the project's code where an error arose: "stages.py:31, in to_document".

    Where no frame of the traceback is in the file of the function, as when what it gave is no JSON, that is the
    function itself.
    """
    code = getattr(function, "__code__", None)
    file = getattr(code, "co_filename", "")
    own = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    if own:
        return f"{_short(file)}:{own[-1].lineno}, in {own[-1].name}"
    name = getattr(function, "__name__", "a function")
    return f"{_short(file)}:{code.co_firstlineno}, in {name}" if code is not None else name


def _short(file: str) -> str:
    """The last two parts of a path: the bundle's folder says of which version the file is."""
    path = Path(file)
    return f"{path.parent.name[:12]}/{path.name}" if path.parent.name else path.name
