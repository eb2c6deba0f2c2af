"""What a project is, as frozen facts. Nothing here reads a file; standard library alone, since every command pays."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from slipway.project.stack import Stack

FILE = "slipway.toml"

ArtifactKind = Literal["table", "estimator", "json", "figure", "path"]
ModelKind = Literal["classification", "regression"]

PATH_TYPE = "pathlib.Path"
TABLE_TYPES = ("polars.DataFrame", "polars.LazyFrame", "pandas.DataFrame")
METRICS: Mapping[ModelKind, tuple[str, ...]] = {
    "classification": ("accuracy", "macro_f1", "log_loss", "auc", "average_precision"),
    "regression": ("rmse", "mae", "r2"),
}
"""The metrics that are recomputed for the gate; a project may have others in its metrics artifact."""

LOWER_IS_BETTER = frozenset({"log_loss", "rmse", "mae"})

SIGNALS = (
    "psi",
    "cardinality_ratio",
    "prediction_drift",
    "missing",
    "unreadable",
    "unseen",
    "vanished_share",
    "out_of_range",
    "spike",
    "mean_shift",
    "jensen_shannon",
    "ks",
    "truth_drift",
    "quality_drop",
)
"""The measures of drift that count once they have a threshold, by their keys in `[monitor]`."""


@dataclass(frozen=True, slots=True)
class Fetch:
    """A function of the project's module that gives a source's rows: a table, or an iterator of tables."""

    function: str
    line: int = 0
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Its keyword-only parameters with their defaults; JSON values."""


@dataclass(frozen=True, slots=True)
class Source:
    """A table that comes from outside: files in the project's folder, a query of a database, or what a function
    fetches."""

    name: str
    path: PurePosixPath
    """The file itself; of a query or a fetcher, the snapshot of its rows; of several files, their pattern."""
    sql: str | None = None
    after: str | None = None
    """The stage that has to have published what the query reads."""
    is_folder: bool = False
    """A folder, handed on as its path; else a table."""
    is_pattern: bool = False
    """Several files whose rows are one table."""
    database: str | None = None
    """Of a query: the environment variable that holds the database's URL, or a URL; None for the project's own."""
    fetch: Fetch | None = None
    max_age: float | None = None
    """Seconds after which a snapshot is taken anew; None where age alone is no reason."""

    @property
    def is_snapshot(self) -> bool:
        """Whether its rows are asked for and kept in a file of ours."""
        return self.sql is not None or self.fetch is not None

    @property
    def is_asked_always(self) -> bool:
        """Whether nothing but asking tells that its rows are as they were."""
        return self.sql is not None and self.after is None and self.max_age is None


@dataclass(frozen=True, slots=True)
class Input:
    """A positional parameter of a stage."""

    artifact: str
    annotation: str | None
    """Its type with imports resolved, such as `polars.DataFrame`; None without annotation."""


@dataclass(frozen=True, slots=True)
class Adopted:
    """What somebody's dvc.yaml says of a stage besides."""

    folder: PurePosixPath
    """Where its lines are executed, and what its paths in dvc.lock are relative to."""
    deps: tuple[PurePosixPath, ...]
    """All that it names as read, artifacts among it."""
    spelled: Mapping[PurePosixPath, tuple[str, ...]] = field(default_factory=dict)
    """The files that it names otherwise than as they are seen from its folder, such as `./a.csv` or `data/`, each in
    all spellings: DVC looks them up in dvc.lock by these."""
    is_list: bool = False
    """Whether its lines are written as a list, however many there are."""
    persisted: tuple[PurePosixPath, ...] = ()
    """Of what it writes, what is left there for it when it is executed again."""
    always: bool = False
    """Whether it is executed in each run."""
    frozen: bool = False
    """Whether it is never executed."""


@dataclass(frozen=True, slots=True)
class Command:
    """What a stage does that is no function: lines for a shell, executed in the project's folder."""

    lines: tuple[str, ...]
    files: tuple[PurePosixPath, ...]
    """What it reads besides artifacts: scripts, data, folders."""
    params: tuple[str, ...] = ()
    """The values that it looks up itself: a dotted key of params.yaml, or "other.yaml:key", each."""
    uncached: tuple[PurePosixPath, ...] = ()
    """Of what it writes, what has no copy in DVC's cache."""
    adopted: Adopted | None = None


@dataclass(frozen=True, slots=True)
class Stage:
    """A function of the project's that makes artifacts, or a command that does."""

    name: str
    module: PurePosixPath
    """The file it stands in, relative to the project's folder."""
    line: int
    """Of a function; 0 for a command."""
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
    place: str | None = None
    """The parameter that is given a path to write to, where a file or folder is made."""
    command: Command | None = None

    @property
    def where(self) -> str:
        """What an error begins with."""
        if self.command is not None:
            is_ours = str(self.module) == FILE
            return f"{self.module}: " + (f"[commands.{self.name}]" if is_ours else f"stage `{self.name}`")
        return f"{self.module}:{self.line}: stage `{self.name}`"


@dataclass(frozen=True, slots=True)
class Artifact:
    """A named value and the file it is kept in."""

    name: str
    kind: ArtifactKind
    path: PurePosixPath
    """Relative to the project's folder."""
    maker: str | None
    """The stage that makes it; None for a source."""
    folder: str | None = None
    """The artifact in whose folder it lies, of which it is one file or a folder below; None for one of its own."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """What the gate asks of one metric."""

    minimum: float | None = None
    maximum: float | None = None
    max_drop: float | None = None
    """How much worse than production it may be, in the metric's own unit."""
    doubt: float | None = None
    """How far beyond `max_drop` chance may reach, for a candidate that measures no worse than it may; None for 0.05 of
    a metric whose best is 1, and a tenth of production's of any other."""
    is_share: bool = False
    """Whether `max_drop` and `doubt` are shares of production's value."""


@dataclass(frozen=True, slots=True)
class Replay:
    """How the last journalled requests are held against a candidate."""

    requests: int = 200
    latency_factor: float = 2.0
    """A candidate may take so many times as long as production over a request..."""
    latency_floor_ms: float = 5.0
    """...and, however fast production is, so many milliseconds longer."""
    max_flipped: float | None = None
    """The greatest share of answers that may be others than they were; None shows it alone."""


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
    max_source_share: float = 0.5
    """The greatest share of the labels that are learnt from that one caller of the API may have given."""
    slices: tuple[str, ...] | None = None
    """Columns of a request within whose values a candidate is compared with production too; None for those of the
    test rows that have few categories."""
    personal: tuple[str, ...] = ()
    """What `[api] personal` names: no slice and no line of the gate tells its values."""
    cannot_tell: Literal["refuse", "pass"] = "refuse"
    """What a line that can't be told does to a candidate, once production exists."""
    replay: Replay = field(default_factory=Replay)
    pickle: bool = False
    """Whether an estimator that skops can't hold may be pickled."""
    literal_labels: tuple[str, ...] = ()
    """Words that are labels of the target, though in other columns they say that a value is not known: NA, null."""


@dataclass(frozen=True, slots=True)
class Monitor:
    """Thresholds of the signals, and how the loop acts on them. A measure without one is shown and never alarms."""

    psi: float | None = 0.25
    """The index of population stability of a column that the model gets, in nats."""
    cardinality_ratio: float | None = 1.3
    prediction_drift: float | None = 0.15
    missing: float | None = 0.02
    """Rise of the share of nulls, in shares."""
    unreadable: float | None = 0.02
    """Rise of the share of values that a row has and the online stages make null."""
    unseen: float | None = 0.05
    """Share of rows with a category that the reference has not, above what is expected of rare ones."""
    vanished_share: float | None = None
    """Share of the reference's rows whose category the window has not."""
    out_of_range: float | None = 0.02
    """Share of rows below the reference's least value or above its greatest."""
    spike: float | None = 0.1
    """The index of population stability of the one value that became more frequent, against all others."""
    mean_shift: float | None = None
    """Shift of the mean, in standard deviations of the reference."""
    jensen_shannon: float | None = None
    """Square root of the divergence in bits: 0 for equal distributions, 1 for ones that don't meet."""
    ks: float | None = None
    """The largest distance between the cumulated distributions."""
    truth_drift: float | None = 0.03
    """The index of population stability of the truths, held against those of the test rows."""
    quality_drop: float | None = 0.1
    """How much worse than on the test rows the answers are, relative to there, where truths are known."""
    critical: Mapping[str, float] = field(default_factory=dict)
    """A second, higher level of some of these; one signal beyond it asks for retraining by itself."""
    bins: Literal["deciles", "equal-width"] = "deciles"
    """What the index is taken over: the reference's deciles, or ten bins of equal width over the joint range."""
    signals_to_retrain: int = 2
    window: int = 1000
    """Predictions in a window unless told otherwise."""
    min_rows: int = 100
    """A smaller window says so and never alarms."""
    clocks: tuple[str, ...] = ()
    """Columns that move with time: shown, not alarmed. Dates and their parts are found without this."""
    webhook: str | None = None
    """The address that is told of alarms, promotions and rollbacks."""
    watch_rows: int = 200
    """Predictions after which a promoted version is judged."""
    cool_down_minutes: float = 0.0
    """How long after a retraining the next one may start."""

    @property
    def thresholds(self) -> dict[str, float]:
        """The measures that count as signals, with the value at which each alarms."""
        return {name: value for name in SIGNALS if (value := getattr(self, name)) is not None}


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
    partial: bool = False
    """Whether a row that is wrong fails alone, and the others are answered."""
    get: str | None = None
    """Function of the project's module: model, health → body of what GET asks for."""


@dataclass(frozen=True, slots=True)
class Api:
    """How the service takes rows and gives answers."""

    routes: tuple[Route, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    """Further paths, each with the path that it stands for."""
    invalid_status: int = 422
    """What a wrong body is answered with, where its route says nothing else."""
    types: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Columns whose type is wider than the training data shows, such as ("text", "number", "null")."""
    durability: Literal["process", "disk"] = "process"
    """What an acknowledged prediction survives: the end of the process, or of the machine too."""
    journal: tuple[str, ...] | None = None
    """The only columns of a request's row that are journalled; all of them if None."""
    personal: tuple[str, ...] = ()
    """Columns that are never journalled, shown or logged."""
    keep_days: float | None = None
    """After so many days a journalled prediction and its truths are removed; never if None."""

    def journals(self, column: str) -> bool:
        """Whether the journal keeps this column of a request's row."""
        return column not in self.personal and (self.journal is None or column in self.journal)


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
    stack: Stack
    """What it is as a Compose stack; the usual one where it doesn't say."""
    read_from: tuple[PurePosixPath, ...] = ()
    """The files besides slipway.toml that all this was read from."""
    scripts: PurePosixPath | None = None
    """The folder of numbered scripts, where those are the stages."""

    @property
    def is_adopted(self) -> bool:
        """Whether the stages are those of somebody's dvc.yaml, which is never written."""
        return any(stage.command is not None and stage.command.adopted is not None for stage in self.stages.values())

    @property
    def defaults(self) -> dict[str, Mapping[str, Any]]:
        """The settings of each stage and each fetched source that has some, as the code gives them."""
        found = {name: stage.settings for name, stage in self.stages.items()}
        found |= {name: source.fetch.settings for name, source in self.sources.items() if source.fetch is not None}
        return {name: settings for name, settings in found.items() if settings}

    @property
    def model_stage(self) -> Stage:
        """The stage that makes the model."""
        maker = self.artifacts[self.model.artifact].maker
        assert maker is not None  # read_project refuses a model that is a source
        return self.stages[maker]

    @property
    def train(self) -> str:
        """The artifact that the model learns from: the first table that its stage takes and does not test on."""
        tables = [i.artifact for i in self.model_stage.inputs if self.artifacts[i.artifact].kind == "table"]
        return next((name for name in tables if name != self.model.test), tables[0])

    @property
    def literal(self) -> Mapping[str, tuple[str, ...]]:
        """By column the words that say something in the project's CSV files, though they are usually read as null."""
        return {self.model.target: self.model.literal_labels} if self.model.literal_labels else {}

    def path(self, artifact: str) -> Path:
        """Where an artifact's file is."""
        return self.root / self.artifacts[artifact].path

    def labelled(self, source: str) -> Path:
        """Where the labelled production rows that are added to a source are kept."""
        return self.root / "data" / "labelled" / f"{source}.parquet"
