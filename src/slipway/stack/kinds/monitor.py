"""The loop beside the service, a tick every so often: its service in, its part of a Compose file out."""

from typing import Any

from slipway.project.facts import Project
from slipway.project.stack import Service, Stack
from slipway.stack.kinds import health, ours


def compose(service: Service, stack: Stack, project: Project) -> dict[str, Any]:
    every = service.every or "15m"
    command = ["slipway", "loop", "--every", every]
    if stack.one("prefect") is not None:
        command = ["python", "-P", "-m", "slipway.schedule.ticks", "--every", every]
    environment = {**ours.backends(service, stack), "SLIPWAY_WEBHOOK": "${SLIPWAY_WEBHOOK:-}"}
    made = ours.working(service, stack, command, environment)
    # It answers nobody: what can be seen from outside is that the loop's own process is there, besides the init's.
    return {**made, "healthcheck": health.until("grep -qE '^(slipway|python)' /proc/[0-9]*/comm")}
