"""`slipway.toml` and a module of stages, read without running them → a frozen `Project`."""

from slipway.project.facts import (
    Api,
    Artifact,
    ArtifactKind,
    Input,
    Model,
    Monitor,
    Project,
    Replay,
    Route,
    Source,
    Stage,
    Threshold,
)
from slipway.project.read import find_project, read_project

__all__ = [
    "Api",
    "Artifact",
    "ArtifactKind",
    "Input",
    "Model",
    "Monitor",
    "Project",
    "Replay",
    "Route",
    "Source",
    "Stage",
    "Threshold",
    "find_project",
    "read_project",
]
