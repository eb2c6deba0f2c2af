"""The project's modules in, what each stage reaches out; parsed again only when a file has changed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from slipway.code.versions import are_current
from slipway.pipeline.contents import Contents
from slipway.pipeline.state import RunState
from slipway.project.facts import Project


@dataclass(frozen=True, slots=True)
class Code:
    """What a stage's function reaches."""

    parts: Mapping[str, str]
    values: Mapping[str, str]
    libraries: Mapping[str, str]
    modules: tuple[str, ...]
    """Paths relative to the project's folder."""


def read_code(project: Project, state: RunState, contents: Contents) -> dict[str, Code]:
    """The code of every stage that is a function, and of every source that one fetches, by name."""
    kept = state.code
    is_known = (
        bool(kept)
        and {name: stage.get("function", name) for name, stage in kept["stages"].items()} == _functions(project)
        and all((contents.content(path) or ("", 0))[0] == md5 for path, md5 in kept["modules"].items())
    )
    if not is_known:
        state.code = _parse(project, contents)
        contents.is_altered = True
    elif not are_current(kept["marks"]):
        _look_up_versions(kept)
        contents.is_altered = True
    stages: dict[str, dict[str, Any]] = state.code["stages"]
    return {name: Code(s["parts"], s["values"], s["libraries"], tuple(s["modules"])) for name, s in stages.items()}


def _parse(project: Project, contents: Contents) -> dict[str, Any]:
    from slipway.code.reach import reach
    from slipway.code.versions import version_marks

    stages: dict[str, Any] = {}
    for name, function in _functions(project).items():
        module = project.stages[name].module if name in project.stages else project.module
        reached = reach(project.root, module, [function])
        stages[name] = {
            "function": function,
            "parts": dict(reached.parts),
            "values": dict(reached.values),
            "libraries": dict(reached.libraries),
            "modules": [str(path) for path in reached.modules],
        }
    own = {str(project.module)} if stages else set()  # without functions it may be a folder of scripts
    modules = sorted({path for stage in stages.values() for path in stage["modules"]} | own)
    libraries = {library for stage in stages.values() for library in stage["libraries"]}
    return {
        "stages": stages,
        "modules": {path: (contents.content(path) or ("", 0))[0] for path in modules},
        "marks": version_marks(libraries),
    }


def _functions(project: Project) -> dict[str, str]:
    """The function that makes what a stage or source gives."""
    found = {name: name for name, stage in project.stages.items() if stage.command is None}
    return found | {name: source.fetch.function for name, source in project.sources.items() if source.fetch is not None}


def _look_up_versions(kept: dict[str, Any]) -> None:
    from slipway.code.versions import library_versions, version_marks

    for stage in kept["stages"].values():
        stage["libraries"] = library_versions(stage["libraries"])
    kept["marks"] = version_marks({library for stage in kept["stages"].values() for library in stage["libraries"]})
