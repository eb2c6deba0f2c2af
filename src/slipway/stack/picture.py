"""A stack in, who waits for whom in it as a picture out: Mermaid for a page, or an SVG."""

from collections.abc import Mapping
from pathlib import Path

from slipway.errors import ProjectError, near_miss
from slipway.pipeline.boxes_svg import Box, svg
from slipway.project import find_project, read_project
from slipway.project.facts import Project
from slipway.project.stack import Service, Stack
from slipway.stack.graph import stack_of, waits

FORMATS = ("text", "mermaid", "svg")
_SERVERS = ("postgres", "mlflow", "prefect")


def picture(stack: Stack, project: Project, form: str = "mermaid") -> str:
    """The services, each after those that it waits for. What follows from other arrows has none of its own.

    Raises:
        ProjectError: no such form, or services wait for each other.
    """
    if form not in FORMATS:
        raise ProjectError(f"--format {form}: expected one of {', '.join(FORMATS)}.{near_miss(form, FORMATS)}")
    found = _in_order({name: tuple(needed) for name, needed in waits(stack, project).items()})
    arrows = _without_detours(found)
    if form == "text":
        return "\n".join(f"{', '.join(arrows[name]) or '-'} → {name}  ({_below(name, stack)})" for name in found)
    if form == "svg":
        boxes = {name: _box(name, stack) for name in found}
        return svg(f"{stack.name}: services", boxes, {(o, name): [] for name in found for o in arrows[name]})
    return _mermaid(arrows, stack)


def read_picture(folder: Path, form: str) -> str:
    """The same of the project in a folder, or in the nearest one above it."""
    project = read_project(find_project(folder))
    return picture(stack_of(project), project, form)


def _mermaid(arrows: Mapping[str, tuple[str, ...]], stack: Stack) -> str:
    keys = {name: f"s{number}" for number, name in enumerate(arrows)}  # a name such as `end` is Mermaid's own
    lines = ["flowchart LR"]
    for name, key in keys.items():
        left, right = ('[("', '")]') if _kind(name, stack) in _SERVERS else ('["', '"]')
        lines.append(f"    {key}{left}{name}<br/>{_below(name, stack)}{right}")
    lines += [f"    {keys[other]} --> {keys[name]}" for name, needed in arrows.items() for other in needed]
    return "\n".join(lines)


def _box(name: str, stack: Stack) -> Box:
    kind = _kind(name, stack)
    look = "source" if kind in _SERVERS else "online" if kind in ("api", "monitor", "proxy") else "stage"
    return Box(name, _below(name, stack), f"service {name}: {_below(name, stack)}", look)


def _below(name: str, stack: Stack) -> str:
    service = _service(name, stack)
    is_before = name != service.name
    port = f" :{service.port}" if service.port is not None and is_before == service.has_proxy else ""
    return _kind(name, stack) + port


def _kind(name: str, stack: Stack) -> str:
    return stack.services[name].kind if name in stack.services else "proxy"


def _service(name: str, stack: Stack) -> Service:
    """A service, or the one that a proxy stands before."""
    return stack.services.get(name) or next(s for s in stack.services.values() if s.has_proxy and s.proxy == name)


def _in_order(needed: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}

    def visit(name: str) -> None:
        for other in needed[name]:
            if other not in found:
                visit(other)
        found.setdefault(name, needed[name])

    for name in needed:
        visit(name)
    return found


def _without_detours(needed: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Without the arrows that lead where others lead already. Each name stands after those that it needs."""
    behind: dict[str, set[str]] = {}
    found: dict[str, tuple[str, ...]] = {}
    for name, others in needed.items():
        behind[name] = set(others).union(*(behind[other] for other in others))
        found[name] = tuple(o for o in others if not any(o in behind[other] for other in others))
    return found
