"""A page a kind: a service and its stack in, what is its kind's own of a Compose service out.

Each page has `compose(service, stack, project)`: command, user, environment, secrets, volumes, ports and health check,
with paths that begin with `./` at the project's folder; and the image, where none is built for it. What is built,
networks, order and limits are added for all of them alike. A page may have `files(service, stack, project)`: what is
rendered beside it, by path.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from slipway.project.facts import Project
from slipway.project.stack import Service, Stack


def compose(service: Service, stack: Stack, project: Project) -> dict[str, Any]:
    """What a service's kind makes of it."""
    made: dict[str, Any] = import_module(f"{__name__}.{service.kind}").compose(service, stack, project)
    return made


def files(service: Service, stack: Stack, project: Project) -> Mapping[str, str]:
    """What is rendered beside a service, by its path in the project's folder."""
    page = import_module(f"{__name__}.{service.kind}")
    found: Mapping[str, str] = page.files(service, stack, project) if hasattr(page, "files") else {}
    return found
