"""A project in, its graph as one SVG out: sources as rounded boxes, stages as square ones, from left to right."""

from slipway.pipeline.boxes_svg import Box, svg
from slipway.pipeline.graph import inputs_of, order
from slipway.project.facts import Project


def graph_svg(project: Project) -> str:
    """Arrows are what a stage reads.

    An arrow has the artifact's name where its stage makes several, or makes it under another name.

    Raises:
        ProjectError: the graph has a cycle.
    """
    return svg(f"{project.name}: sources and stages", _boxes(project), _arrows(project))


def _boxes(project: Project) -> dict[str, Box]:
    boxes = {
        _key(project, name): Box(name, str(source.path), f"source {name}: {source.path}", "source")
        for name, source in project.sources.items()
        if not source.is_snapshot
    }
    for name in order(project):
        if name in project.sources:
            source = project.sources[name]
            about = source.fetch.function if source.fetch is not None else " ".join((source.sql or "").split())
            below = about if source.fetch is not None else "SQL"
            boxes[_key(project, name)] = Box(name, below, f"source {name}: {about}", "source")
            continue
        stage = project.stages[name]
        about = f"stage {name}, {stage.module}:{stage.line}" + (f": {stage.doc.splitlines()[0]}" if stage.doc else "")
        below = "online" if stage.online else f"publishes {stage.publish}" if stage.publish else ""
        boxes[_key(project, name)] = Box(name, below, about, "online" if stage.online else "stage")
    return boxes


def _arrows(project: Project) -> dict[tuple[str, str], list[str]]:
    """By start and end, the artifacts that go there, where the start's name does not say it."""
    arrows: dict[tuple[str, str], list[str]] = {}
    for name in order(project):
        if name in project.sources:
            after = project.sources[name].after
            if after is not None:
                published = project.stages[after].publish
                arrows[_key(project, after), _key(project, name)] = [published] if published else []
            continue
        for wanted in inputs_of(project, name):
            maker = project.artifacts[wanted].maker
            labels = arrows.setdefault((_key(project, maker or wanted), _key(project, name)), [])
            if maker is not None and project.stages[maker].outputs != (maker,):
                labels.append(wanted)
    return arrows


def _key(project: Project, name: str) -> str:
    return f"stage {name}" if name in project.stages else f"source {name}"
