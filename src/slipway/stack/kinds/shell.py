"""A shell beside the stack, with all that a job has: its service in, its part of a Compose file out."""

from typing import Any

from slipway.project.facts import Project
from slipway.project.stack import Service, Stack
from slipway.stack.kinds import ours


def compose(service: Service, stack: Stack, project: Project) -> dict[str, Any]:
    environment = {**ours.backends(service, stack), **ours.remote(service, stack)}
    made = ours.working(service, stack, list(service.command or ("bash",)), environment)
    return {**made, "stdin_open": True, "tty": True}
