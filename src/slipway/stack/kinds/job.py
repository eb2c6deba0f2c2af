"""Stages of the pipeline, run once: a job's service in, its part of a Compose file out."""

from typing import Any

from slipway.project.facts import Project
from slipway.project.stack import Service, Stack
from slipway.stack.kinds import ours


def compose(service: Service, stack: Stack, project: Project) -> dict[str, Any]:
    environment = {**ours.backends(service, stack), **ours.remote(service, stack)}
    return ours.working(service, stack, ["slipway", "job", service.name], environment)
