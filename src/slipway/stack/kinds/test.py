"""The project's own tests, run once on embedded defaults: their service in, its part of a Compose file out."""

from typing import Any

from slipway.project.facts import Project
from slipway.project.stack import Service, Stack
from slipway.stack.kinds import ours


def compose(service: Service, stack: Stack, project: Project) -> dict[str, Any]:
    """No server and no secret: a test that writes to the project's database has gone astray."""
    made = ours.working(service, stack, list(service.command or ("pytest",)), {})
    made.pop("secrets", None)
    return made
