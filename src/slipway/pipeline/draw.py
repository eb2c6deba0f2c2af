"""A project's graph as a person sees it: lines of text, Mermaid for a page, or a picture."""

from slipway.errors import ProjectError, near_miss
from slipway.pipeline.graph import inputs_of, order, outputs_of
from slipway.project import Project

FORMATS = ("text", "mermaid", "svg")


def draw(project: Project, form: str = "text") -> str:
    """The sources and stages in the order in which they run, each with what it reads and makes.

    Raises:
        ProjectError: no such form, or the graph has a cycle.
    """
    if form not in FORMATS:
        raise ProjectError(f"--format {form}: expected one of {', '.join(FORMATS)}.{near_miss(form, FORMATS)}")
    if form == "svg":
        from slipway.pipeline.graph_svg import graph_svg

        return graph_svg(project)
    return _text(project) if form == "text" else _mermaid(project)


def _text(project: Project) -> str:
    files = [f"{source.name}  ({source.path})" for source in project.sources.values() if not source.is_snapshot]
    lines = []
    for name in order(project):
        online = "  online" if name in project.stages and project.stages[name].online else ""
        read = ", ".join(inputs_of(project, name))
        lines.append(f"{read or '-'} → {name} → {', '.join(outputs_of(project, name))}{online}")
    return "\n".join([*files, *lines])


def _mermaid(project: Project) -> str:
    lines = ["flowchart LR"]
    lines += [f'    {source.name}[("{source.name}")]' for source in project.sources.values()]
    for name in order(project):
        if name in project.stages:
            label = f"{name} (online)" if project.stages[name].online else name
            lines.append(f'    stage_{name}["{label}"]')
    for name in order(project):
        here = f"stage_{name}" if name in project.stages else name
        for wanted in inputs_of(project, name):
            maker = project.artifacts[wanted].maker
            label = "" if maker is None or maker == wanted else f"|{wanted}|"
            lines.append(f"    {'stage_' + maker if maker else wanted} -->{label} {here}")
    return "\n".join(lines)
