"""A project in, the libraries that its code imports out: all of them, and those that serving needs. Nothing is run."""

from collections.abc import Iterable

from slipway.code.imports import imported_by_scripts
from slipway.code.reach import Definitions
from slipway.project.facts import Project

_OURS = frozenset({"slipway"})


def libraries(project: Project) -> frozenset[str]:
    """What the project's module, those that it reaches, and its scripts import, by the names after `import`."""
    scripts = [file for stage in project.stages.values() if stage.command for file in stage.command.files]
    functions = [name for name, stage in project.stages.items() if stage.command is None]
    functions += [source.fetch.function for source in project.sources.values() if source.fetch is not None]
    return _reached(project, [*functions, *_routes(project)]) | imported_by_scripts(project, scripts) - _OURS


def served_libraries(project: Project) -> frozenset[str]:
    """What answering a request imports: the online stages and the functions of routes, with all that they reach."""
    online = [name for name, stage in project.stages.items() if stage.online and stage.command is None]
    return _reached(project, [*online, *_routes(project)])


def model_libraries(project: Project) -> frozenset[str]:
    """What the stage that makes the model imports: the estimator's own library is among it."""
    stage = project.model_stage
    return _reached(project, [stage.name] if stage.command is None else [])


def _routes(project: Project) -> list[str]:
    return [name for route in project.api.routes for name in (route.request, route.response, route.get) if name]


def _reached(project: Project, functions: Iterable[str]) -> frozenset[str]:
    functions = list(functions)
    if not functions:
        return frozenset()
    definitions = Definitions(project.root, project.module)
    for name in functions:
        definitions.take(definitions.main, name)
    return frozenset(definitions.libraries) - _OURS
