"""What a project is, as frozen facts. Nothing here reads a file; standard library alone, since every command pays."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Literal

FILE = "slipway.toml"

ArtifactKind = Literal["table", "estimator", "json", "figure"]
ModelKind = Literal["classification", "regression"]

TABLE_TYPES = ("polars.DataFrame", "polars.LazyFrame", "pandas.DataFrame")
METRICS: Mapping[ModelKind, tuple[str, ...]] = {
    "classification": ("accuracy", "macro_f1", "log_loss", "auc"),
    "regression": ("rmse", "mae", "r2"),
}
"""The metrics that are recomputed for the gate; a project may have others in its metrics artifact."""

LOWER_IS_BETTER = frozenset({"log_loss", "rmse", "mae"})


@dataclass(frozen=True, slots=True)
class Source:
    """A table that comes from outside: a file in the project's folder, or a query of the project's database."""

    name: str
    path: PurePosixPath
    """The file itself; of a query, the snapshot of its rows."""
    sql: str | None = None
    after: str | None = None
    """The stage that has to have published what the query reads."""


@dataclass(frozen=True, slots=True)
class Input:
    """A positional parameter of a stage."""

    artifact: str
    annotation: str | None
    """Its type with imports resolved, such as `polars.DataFrame`; None without annotation."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A function of the project's that makes artifacts."""

    name: str
    module: PurePosixPath
    """The file it stands in, relative to the project's folder."""
    line: int
    inputs: tuple[Input, ...]
    settings: Mapping[str, Any]
    """Keyword-only parameters with their defaults; JSON values."""
    outputs: tuple[str, ...]
    returns: str | None
    """The type that it is annotated to return, with imports resolved; None without annotation."""
    online: bool = False
    publish: str | None = None
    key: tuple[str, ...] = ()
    doc: str = ""
    returns_each: tuple[str | None, ...] = ()
    """The type of each output, where the annotation is a tuple of as many."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """A named value and the file it is kept in."""

    name: str
    kind: ArtifactKind
    path: PurePosixPath
    """Relative to the project's folder."""
    maker: str | None
    """The stage that makes it; None for a source."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """What the gate asks of one metric."""

    minimum: float | None = None
    maximum: float | None = None
    max_drop: float | None = None
    """How much worse than production it may be, in the metric's own unit."""


@dataclass(frozen=True, slots=True)
class Model:
    """What the model is, and what it has to be to go live."""

    kind: ModelKind
    target: str
    artifact: str = "model"
    test: str = "test"
    metrics: str = "metrics"
    gate: Mapping[str, Threshold] = field(default_factory=dict)
    retrain_into: str | None = None
    """The source to which labelled production rows are added."""
    pickle: bool = False
    """Whether an estimator that skops can't hold may be pickled."""


@dataclass(frozen=True, slots=True)
class Monitor:
    """Thresholds of the signals, and how the loop acts on them."""

    psi: float | None = 0.25
    cardinality_ratio: float | None = 1.3
    prediction_drift: float | None = 0.15
    missing: float | None = None
    """Rise of the share of nulls, in shares."""
    unseen: float | None = None
    """Share of rows with a category that the reference has not."""
    mean_shift: float | None = None
    """Shift of the mean, in standard deviations of the reference."""
    signals_to_retrain: int = 2
    window: int = 1000
    """Predictions in a window unless told otherwise."""
    min_rows: int = 100
    """A smaller window says so and never alarms."""
    clocks: tuple[str, ...] = ()
    """Columns that move with time: shown, not alarmed. Dates are found without this."""
    watch_rows: int = 200
    """Predictions after which a promoted version is judged."""
    cool_down_minutes: float = 0.0
    """How long after a retraining the next one may start."""

    @property
    def thresholds(self) -> dict[str, float]:
        """The measures that count as signals, with their thresholds."""
        names = ("psi", "cardinality_ratio", "prediction_drift", "missing", "unseen", "mean_shift")
        return {name: value for name in names if (value := getattr(self, name)) is not None}


@dataclass(frozen=True, slots=True)
class Route:
    """A route of the project's own, beside or instead of the standard one."""

    path: str
    request: str | None
    """Function of the project's module: body → rows."""
    response: str | None
    """Function of the project's module: rows, predictions, model → body."""
    invalid_status: int = 422
    example: Any = None
    """A body that the route takes, for its documentation and the first request of `slipway up`."""


@dataclass(frozen=True, slots=True)
class Api:
    """How the service takes rows and gives answers."""

    routes: tuple[Route, ...] = ()
    types: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Columns whose type is wider than the training data shows, such as ("text", "number", "null")."""
    durability: Literal["process", "disk"] = "process"
    """What an acknowledged prediction survives: the end of the process, or of the machine too."""


@dataclass(frozen=True, slots=True)
class Project:
    """A whole project: what it is (`slipway.toml`) and how it works (its stages)."""

    root: Path
    name: str
    module: PurePosixPath
    """The file of stages, relative to `root`."""
    sources: Mapping[str, Source]
    stages: Mapping[str, Stage]
    """By name, in the order they stand in the module."""
    artifacts: Mapping[str, Artifact]
    """Sources and everything that stages make."""
    model: Model
    monitor: Monitor
    api: Api

    @property
    def model_stage(self) -> Stage:
        """The stage that makes the model."""
        maker = self.artifacts[self.model.artifact].maker
        assert maker is not None  # read_project refuses a model that is a source
        return self.stages[maker]

    @property
    def train(self) -> str:
        """The artifact that the model learns from: the first table that its stage takes."""
        return next(i.artifact for i in self.model_stage.inputs if self.artifacts[i.artifact].kind == "table")

    def path(self, artifact: str) -> Path:
        """Where an artifact's file is."""
        return self.root / self.artifacts[artifact].path

    def labelled(self, source: str) -> Path:
        """Where the labelled production rows that are added to a source are kept."""
        return self.root / "data" / "labelled" / f"{source}.parquet"
