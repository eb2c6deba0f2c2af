"""A service in; the networks that it is on out: the inner one to talk to servers, the edge where it has to reach out.

The inner network leads nowhere else, in or out. A container that is on it alone can't publish a port.
"""

from slipway.pipeline.graph import inputs_of
from slipway.project.facts import Project
from slipway.project.stack import Service, Stack


def networks(service: Service, stack: Stack, project: Project) -> list[str]:
    if service.kind == "data":
        return [stack.network]
    at_edge = service.port is not None and not service.has_proxy
    return [stack.internal_network, *([stack.network] if at_edge or _reaches_out(service, stack, project) else [])]


def _reaches_out(service: Service, stack: Stack, project: Project) -> bool:
    """Whether its work leads outside: a person's does, and so may an address that only the project knows."""
    if service.kind == "shell" or service.outside or service.then is not None:
        return True
    if service.kind not in ("job", "monitor", "api", "mlflow", "prefect"):
        return False
    if any(other.external for other in stack.services.values()):
        return True
    if service.kind == "monitor":
        return project.monitor.webhook is not None or any(_is_outside(project, name) for name in project.sources)
    read = {artifact for name in service.stages for artifact in inputs_of(project, name)}
    return any(_is_outside(project, name) for name in read if name in project.sources)


def _is_outside(project: Project, source: str) -> bool:
    """Whether its rows come from an address of the project's own: a function's, or another database's."""
    found = project.sources[source]
    return found.fetch is not None or found.database is not None
