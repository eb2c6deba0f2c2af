"""A project and its stack in; who waits for whom, and for what, out. Pure: the pipeline's own graph gives the order."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from slipway.errors import ProjectError
from slipway.pipeline.graph import inputs_of, needs, order
from slipway.project.facts import FILE, Project
from slipway.project.stack import Service, Stack

Condition = Literal["service_started", "service_healthy", "service_completed_successfully"]


@dataclass(frozen=True, slots=True)
class Wait:
    """What a service waits for in another."""

    condition: Condition
    required: bool = True
    """False for one of a profile that the waiting one is not of: it may be switched off."""


def stack_of(project: Project) -> Stack:
    """The project's stack.

    Raises:
        ProjectError: it has no services.
    """
    if not project.stack.services:
        raise ProjectError(
            f"{project.root / FILE} has no [stack.services]. The least is a job that makes the model, and an API: "
            f'train = {{ kind = "job" }}, api = {{ kind = "api", port = 8000 }}.'
        )
    return project.stack


def waits(stack: Stack, project: Project) -> dict[str, dict[str, Wait]]:
    """By each service that is rendered, proxies among them, the services that have to be ready before it.

    With `order = "manual"` nothing but what a service's own `after` names.

    Raises:
        ProjectError: services wait for each other.
    """
    found: dict[str, dict[str, Wait]] = {}
    for service in stack.services.values():
        if service.external:
            continue
        names = {*service.after, *(_needs(service, stack, project) if stack.order == "graph" else ())}
        rendered = [other for name, other in stack.services.items() if name in names and not other.external]
        found[service.name] = {other.name: _wait(service, other) for other in rendered}
        if service.has_proxy:
            behind = stack.order == "graph"
            found[service.proxy] = {service.name: Wait("service_healthy")} if behind else {}
    _check(found)
    return found


def runs_model(stack: Stack, project: Project) -> Service | None:
    """The job that makes the model: the first that runs its stage."""
    return _job_of(project.model_stage.name, stack)


def _needs(service: Service, stack: Stack, project: Project) -> Iterator[str]:
    if service.kind in ("mlflow", "prefect"):
        yield from _servers(stack, "postgres")
    elif service.kind == "job":
        yield from _job_needs(service, stack, project)
    elif service.kind == "data" and service.do == "push":
        yield from (job.name for job in stack.of("job") if job.then != "push")
    elif service.kind in ("api", "monitor"):
        job = runs_model(stack, project)
        yield from [job.name] if job is not None else []
        yield from _servers(stack, *(("postgres",) if service.kind == "api" else ("postgres", "mlflow", "prefect")))


def _job_needs(job: Service, stack: Stack, project: Project) -> Iterator[str]:
    if _reads_files(job, project):
        yield from (data.name for data in stack.of("data") if data.do == "pull")
    yield from _makers(job, stack, project)
    yield from _servers(stack, "postgres", "prefect")
    if job == runs_model(stack, project):  # the others register nothing
        yield from _servers(stack, "mlflow")


def _servers(stack: Stack, *kinds: Literal["postgres", "mlflow", "prefect"]) -> Iterator[str]:
    yield from (service.name for kind in kinds for service in stack.of(kind))


def _makers(job: Service, stack: Stack, project: Project) -> set[str]:
    """The jobs that make what a job reads. What no job runs is passed through to what it needs itself."""
    asks = _asks(stack, project)
    found: set[str] = set()
    seen: set[str] = set()
    waiting = [*job.stages]
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        for needed in needs(project, name):
            maker = asks.get(needed) or _job_of(needed, stack)
            if needed in job.stages or maker is None or maker.name == job.name:
                waiting.append(needed)
            else:
                found.add(maker.name)
    return found


def _reads_files(job: Service, project: Project) -> bool:
    """Whether what it reads comes from files that a pull brings, through however many jobs."""
    names = [name for name in order(project, job.stages) if name in project.stages]
    return any(_is_file(project, artifact) for name in names for artifact in inputs_of(project, name))


def _asks(stack: Stack, project: Project) -> dict[str, Service]:
    """By each source whose rows are asked for, the job that asks: the one with the first stage that reads it."""
    found: dict[str, Service] = {}
    for name in order(project):
        for artifact in inputs_of(project, name) if name in project.stages else ():
            is_asked = artifact in project.sources and project.sources[artifact].is_snapshot
            job = _job_of(name, stack)
            if is_asked and job is not None:
                found.setdefault(artifact, job)
    return found


def _is_file(project: Project, artifact: str) -> bool:
    return artifact in project.sources and not project.sources[artifact].is_snapshot


def _job_of(stage: str, stack: Stack) -> Service | None:
    return next((job for job in stack.of("job") if stage in job.stages), None)


def _wait(service: Service, other: Service) -> Wait:
    # A dependency in a profile that is off stops `up` unless it is optional.
    required = other.profile is None or other.profile == service.profile
    if other.runs_once:
        return Wait("service_completed_successfully", required)
    return Wait("service_started" if other.kind == "shell" else "service_healthy", required)


def _check(found: Mapping[str, Mapping[str, Wait]]) -> None:
    """Refuse services that wait for each other: Compose would start none of them."""
    done: set[str] = set()

    def visit(name: str, path: list[str]) -> None:
        if name in path:
            cycle = " → ".join([*path[path.index(name) :], name])
            raise ProjectError(
                f"{FILE}: [stack.services]: these wait for each other: {cycle}. Let one job run those stages, or take "
                f"an `after` away."
            )
        if name not in done:
            for other in found[name]:
                visit(other, [*path, name])
            done.add(name)

    for name in found:
        visit(name, [])
