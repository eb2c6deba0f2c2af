"""What a bundle says of itself (`bundle.json`) ↔ frozen facts: what the model is, and the path from a request to it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from slipway.errors import BundleError
from slipway.model.readings import Readings
from slipway.model.schema import Schema
from slipway.project import Route
from slipway.records import Label

FORMAT = 3
"""The second one's routes may answer GET, and take rows apart. The third one says in which columns the model takes
nulls, and what the online stages make of each column."""

ESTIMATOR = "model.skops"
STAGES = "stages.py"


@dataclass(frozen=True, slots=True)
class StageInput:
    """A table or another artifact that an online stage takes."""

    artifact: str
    annotation: str | None
    """What the stage asked for, such as `pandas.DataFrame`."""
    frozen: str | None
    """The bundle's file of an artifact that does not come from the request; None for the request's table."""


@dataclass(frozen=True, slots=True)
class Typing:
    """How a table looked in training: the columns' types as Polars has them, and as pandas where that was asked for."""

    polars: Mapping[str, str]
    pandas: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OnlineStage:
    """A stage that each request goes through, as training called it."""

    name: str
    inputs: tuple[StageInput, ...]
    settings: Mapping[str, Any]
    takes: Typing
    gives: Typing


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything about a bundle that is no file of its own."""

    name: str
    kind: str
    target: str
    classes: tuple[Label, ...]
    """Of a classifier, in the estimator's order; empty for a regression."""
    start: str
    """The artifact whose rows look like a request's."""
    stages: tuple[OnlineStage, ...]
    features: Typing
    """The columns that the estimator takes, in its order."""
    annotation: str | None
    """The table that the model's stage asked for."""
    as_array: bool
    """Whether the estimator was fitted on an array, without names of columns."""
    schema: Schema
    routes: tuple[Route, ...]
    libraries: Mapping[str, str]
    """Versions of the libraries that training imported."""
    reported: Mapping[str, float]
    """The project's own metrics."""
    untraced: Mapping[str, int]
    """Rows of train and test that could not be traced back to a row of `start`."""
    allows_pickle: bool
    readings: Readings = field(default_factory=Readings)
    """What the online stages make of each column of a request; nothing in a bundle of an older format."""
    files: Mapping[str, str] = field(default_factory=dict)
    """SHA-256 of each file of the bundle, by its path there."""
    format: int = FORMAT

    def to_json(self) -> dict[str, Any]:
        values = asdict(self) | {"schema": self.schema.to_json()}
        return {"format": values.pop("format")} | values


def read_manifest(values: Mapping[str, Any], where: str) -> Manifest:
    """The facts of a parsed `bundle.json`.

    Raises:
        BundleError: it was written by a newer version, or is not a bundle's.
    """
    found = values.get("format")
    if not isinstance(found, int) or found < 1:
        raise BundleError(f"{where}: not a bundle's manifest: it has no format number.")
    if found > FORMAT:
        raise BundleError(
            f"{where}: the bundle has format {found}, this Slipway reads up to {FORMAT}. Update Slipway to load it."
        )
    try:
        return Manifest(
            **dict(values)
            | {
                "classes": tuple(values["classes"]),
                "stages": tuple(_stage(stage) for stage in values["stages"]),
                "features": Typing(**values["features"]),
                "schema": Schema.from_json(values["schema"]),
                "routes": tuple(Route(**route) for route in values["routes"]),
                "readings": Readings.from_json(values["readings"]) if "readings" in values else Readings(),
            }
        )
    except (KeyError, TypeError) as error:
        raise BundleError(
            f"{where}: the bundle's manifest is damaged ({error}). Train again, or fetch it anew."
        ) from error


def _stage(values: Mapping[str, Any]) -> OnlineStage:
    inputs = tuple(StageInput(**each) for each in values["inputs"])
    return OnlineStage(values["name"], inputs, values["settings"], Typing(**values["takes"]), Typing(**values["gives"]))
