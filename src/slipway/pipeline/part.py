"""Some stages of a pipeline in; what a run of them alone executes, and what has to be there before it, out."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

from slipway.pipeline.graph import inputs_of, maker_of, order
from slipway.project.facts import Project


@dataclass(frozen=True, slots=True)
class Lacking:
    """A file that a stage reads, that is not there, and that another stage or source makes."""

    path: PurePosixPath
    artifact: str
    maker: str


def part_of(project: Project, stages: Collection[str]) -> list[str]:
    """The stages in the pipeline's order, each source before the first stage of all that reads it."""
    names = order(project)
    first: dict[str, str] = {}
    for name in names:
        for artifact in inputs_of(project, name):
            first.setdefault(artifact, name)
    return [name for name in names if name in stages or (name in project.sources and first.get(name) in stages)]


def lacking(project: Project, names: Iterable[str]) -> list[Lacking]:
    """What these read that is not there and that none of them makes. A source's own file is not looked for."""
    names, found = list(names), dict[str, Lacking]()
    for name in names:
        for artifact in inputs_of(project, name):
            maker = maker_of(project, artifact)
            if maker is not None and maker not in names and not project.path(artifact).exists():
                found[artifact] = Lacking(project.artifacts[artifact].path, artifact, maker)
    return list(found.values())
