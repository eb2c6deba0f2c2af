"""Data fetched or kept through DVC, once: its service in, its part of a Compose file out."""

from typing import Any

from slipway.project.facts import Project
from slipway.project.stack import Service, Stack
from slipway.stack.kinds import ours


def compose(service: Service, stack: Stack, project: Project) -> dict[str, Any]:
    made = ours.working(service, stack, ["slipway", "job", service.name], ours.remote(service, stack))
    made["secrets"] = [name for name in made.get("secrets", ()) if name == "aws_credentials"]  # it moves files alone
    return {key: value for key, value in made.items() if value}
