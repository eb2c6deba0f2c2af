"""A project's folder in; its stack brought up, looked at, tested, pinned: each verb's steps in their order."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from slipway.errors import OutsideError, ProjectError, SlipwayError, near_miss
from slipway.project import Project, find_project, read_project
from slipway.project.stack import Service, Stack
from slipway.settings import Settings, read_settings
from slipway.stack.graph import stack_of
from slipway.stack.pins import read_pins, write_pins
from slipway.stack.running.build import Say, build
from slipway.stack.running.carry import Imported, send
from slipway.stack.running.checks import before_start, engine_problem, refuse
from slipway.stack.running.engine import Engine, Plan, Planned
from slipway.stack.running.owner import give_folder, owner_of
from slipway.stack.running.pin import ask_pins, tags
from slipway.stack.running.renew import renew
from slipway.stack.running.secrets import Kept, make_secrets
from slipway.stack.running.status import ServiceStatus, statuses
from slipway.stack.running.up import start

Note = Callable[[str], None]
"""Called with a sentence that a person should read."""

_CAN_TAKE_OVER = ("job", "monitor", "data", "shell")
"""Kinds whose containers have the stack's state, and everything that reads it."""


@dataclass(frozen=True, slots=True)
class Operated:
    """A project with a stack, and the engine that it is to run on."""

    project: Project
    stack: Stack
    settings: Settings
    engine: Engine

    @property
    def folder(self) -> Path:
        return self.engine.folder


def operated(folder: Path) -> Operated:
    """The project in a folder, or in the nearest one above it.

    Raises:
        ProjectError: there is none, or its stack has no services.
    """
    root = find_project(folder)
    project = read_project(root)
    stack = stack_of(project)
    return Operated(project, stack, read_settings(root), Engine(root, stack.file))


def bring_up(
    stack: Operated,
    names: Sequence[str],
    *,
    is_built: bool = True,
    imports: bool = False,
    timeout: float | None = None,
    say: Say,
    note: Note,
) -> list[ServiceStatus]:
    """Render, make secrets, check, build, start, and wait until the services are ready.

    Args:
        names: services to start, with all that they wait for; all without a profile, if empty.
        is_built: whether images are built first.
        imports: whether the versions, the ledger and the journal of this folder are taken over first.
        timeout: seconds for starting; see `up.start`.
        say: told what happens to a service.
        note: told what else a person should know.

    Raises:
        SlipwayError: something stands in the way, or failed; what runs goes on.
    """
    plan, services = _prepared(stack, names, is_built=is_built, note=note)
    if is_built:
        build(stack.engine, services, say)
    renew(stack.engine, plan, stack.stack, services, say)
    if imports:
        note(f"Imported: {_imported(stack, plan, say).sentence()}.")
    for warning in start(stack.engine, plan, stack.stack, names, say, timeout=timeout):
        note(warning)
    return statuses(plan, stack.stack, stack.engine.containers(plan.project))


def look(stack: Operated) -> tuple[str, list[ServiceStatus]]:
    """Compose's project, and every service's state.

    Raises:
        SlipwayError: the engine does not answer, or Compose does not take the files.
    """
    plan = _plan(stack)
    try:
        return plan.project, statuses(plan, stack.stack, stack.engine.containers(plan.project))
    except OutsideError as error:
        problem = engine_problem(stack.engine)
        if problem is None:
            raise
        raise OutsideError(problem.text) from error


def require_rendered(stack: Operated) -> None:
    """See to it that Compose has a file to read.

    Raises:
        ProjectError: it has not been written yet.
    """
    if not (stack.folder / stack.stack.file).is_file():
        raise ProjectError(
            f"{stack.stack.file} is not there yet: `slipway stack render` or `slipway stack up` writes it."
        )


def keep_secrets(stack: Operated) -> Kept:
    """Make the secrets that are missing."""
    return make_secrets(stack.folder, stack.stack)


def pin(stack: Operated) -> dict[str, str]:
    """Ask what each tag is now, and keep that for rendering.

    Raises:
        OutsideError: there is no way to a registry.
    """
    found = ask_pins(stack.engine, tags(_plan(stack)))
    write_pins(stack.folder, found)
    _render(stack, note=lambda text: None)
    return found


def volumes_of(stack: Operated) -> list[str]:
    """The volumes of the stack that the engine has."""
    plan = _plan(stack)
    command = ["docker", "volume", "ls", "--quiet", "--filter", f"label=com.docker.compose.project={plan.project}"]
    return sorted(stack.engine.asked(command).split())


def ready_to_test(stack: Operated, name: str | None, *, is_built: bool, say: Say, note: Note) -> Service:
    """The stack's test service, rendered and built.

    Raises:
        ProjectError: there is none, or there are several and none is named.
    """
    service = test_service(stack.stack, name)
    _, services = _prepared(stack, [service.name], is_built=is_built, note=note)
    if is_built:
        build(stack.engine, services, say)
    return service


def test_service(stack: Stack, name: str | None) -> Service:
    """The service of kind test of this name; the only one, if no name is given."""
    found = {service.name: service for service in stack.of("test")}
    if name is not None and name not in found:
        raise ProjectError(f"The stack has no service `{name}` of kind test.{near_miss(name, found)}")
    if not found:
        raise ProjectError(
            'The stack has no service of kind test: add `[stack.services.test]` with `kind = "test"` to slipway.toml.'
        )
    if name is None and len(found) > 1:
        raise ProjectError(f"Say which one: `slipway stack test NAME`, of {', '.join(found)}.")
    return found[name] if name is not None else next(iter(found.values()))


def _prepared(stack: Operated, names: Sequence[str], *, is_built: bool, note: Note) -> tuple[Plan, list[Planned]]:
    """Everything there that starting needs, and nothing in its way."""
    _render(stack, note=note)
    kept = keep_secrets(stack)
    for text in kept.notes:
        note(text)
    plan: Plan | SlipwayError
    services: list[Planned] = []
    try:
        plan = stack.engine.plan()
        services = plan.wanted(names)
        _make_folders(stack, services)
    except SlipwayError as error:
        plan = error
    files = list(compose_files(stack.folder, stack.engine.files))
    refuse(before_start(stack.engine, plan, services, files, builds=is_built))
    if isinstance(plan, SlipwayError):  # before_start has said so
        raise plan
    return plan, services


def compose_files(folder: Path, files: Sequence[str]) -> Iterator[str]:
    """These Compose files and all that they include, relative to the folder; what can't be read is left to Compose."""
    left, seen = list(files), set()
    while left:
        file = left.pop(0)
        path = folder / file
        if file in seen or not path.is_file():
            continue
        seen.add(file)
        yield file
        try:
            read = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (yaml.YAMLError, UnicodeDecodeError):
            continue
        for each in (read.get("include") if isinstance(read, dict) else None) or ():
            paths = each.get("path") if isinstance(each, dict) else each
            for one in [paths] if isinstance(paths, str) else paths or ():
                left.append(os.path.relpath(path.parent / one, folder))


def _plan(stack: Operated) -> Plan:
    require_rendered(stack)
    return stack.engine.plan()


def _imported(stack: Operated, plan: Plan, say: Say) -> Imported:
    """The laptop's history in the stack, before the first job adds to it."""
    from slipway.workspace import Workspace

    service = next((s for kind in _CAN_TAKE_OVER for s in stack.stack.of(kind)), None)  # type: ignore[arg-type]
    if service is None:
        raise ProjectError("--import: the stack has no service of kind job, monitor, data or shell to bring it in by.")
    servers = [s.name for s in stack.stack.services.values() if s.kind in ("postgres", "mlflow") and not s.external]
    if servers:
        start(stack.engine, plan, stack.stack, servers, say)
    here = replace(stack.settings, state_url=f"sqlite:///{stack.settings.state_db}")
    with Workspace(stack.project, here) as workspace:
        return send(workspace, stack.engine, service.name, say)


def _make_folders(stack: Operated, services: Sequence[Planned]) -> None:
    """Folders of the project's that are mounted: the engine would make them root's."""
    owner = owner_of(stack.folder)
    for folder in sorted({folder for service in services for folder in service.folders}):
        if folder.is_relative_to(stack.folder) and not folder.exists() and not folder.suffix:
            give_folder(folder, stack.folder, owner)


def _render(stack: Operated, *, note: Note) -> None:
    """The stack's files as the project says now; one that was edited stays, and that is said."""
    from slipway.stack.images.packages import lacking, refuse_unlocked
    from slipway.stack.render import render
    from slipway.stack.written import write

    refuse_unlocked(stack.project)
    done = write(stack.folder, render(stack.project, read_pins(stack.folder)))
    for path in done.kept:
        note(f"{path} was edited since it was rendered, and stays so: `slipway stack render --force` writes it anew.")
    for sentence in lacking(stack.project):
        note(sentence)
    if done.written:
        files = "1 file" if len(done.written) == 1 else f"{len(done.written)} files"
        note(f"Rendered {files}; {stack.stack.file} is the first to look at.")
